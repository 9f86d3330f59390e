"""Random SQL expressions of known types, each in the words of the program and of DuckDB.

The words differ where the program documents another meaning; `DIALECT` has each difference with its
reason. Everything else is written alike for both engines.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

# Forms that mean something else in DuckDB, what is written there instead, and the reason. docs/guard.md
# has the forms that a user can meet.
DIALECT = {
    "whole number": "CAST(n AS BIGINT): whole numbers have 64 bits here, 32 bits in DuckDB",
    "fraction": "1.5e0: a fraction is a DOUBLE here, a DECIMAL in DuckDB",
    "ROUND": "round_even(x * 10) / 10: halves of the decimal digits go to the even digit here",
    "TRY_CAST to BIGINT": "only digits are a whole number here",
    "UPPER, LOWER": "functions of Python: a character can become several here, as Unicode says",
    "TRIM": "trim(x, ' '): TRIM of DuckDB removes other spaces than U+0020 too",
    "OCTET_LENGTH": "strlen: DuckDB's OCTET_LENGTH has no texts",
    "REGEXP_LIKE": "regexp_matches: another name",
}

# Columns of the store's events by type: I is BIGINT, F DOUBLE, S VARCHAR, B BOOLEAN, D DATE and
# T TIMESTAMP.
LARGE = {
    "I": ["FileSizeBytes", "OperationCount", "Version", "local_hour", "local_epoch_day", "epoch_us"],
    "S": ["ReportName", "WorkspaceName", "user_id", "Activity", "local_week", "UserId"],
    "B": ["IsSuccess", "is_failed", "in_period"],
    "D": ["local_date", "utc_date"],
    "T": ["local_time"],
}
# Columns whose sums fit into 64 bits.
SMALL = {
    "I": ["Version", "local_hour", "local_weekday", "local_epoch_day"],
    "S": ["ReportName", "WorkspaceName", "Activity", "local_week"],
    "B": ["IsSuccess", "in_period"],
    "D": ["local_date"],
    "T": ["local_time"],
}

INTEGERS = [
    *range(13), 24, 30, 31, 49, 60, 97, 98, 99, 100, 103, 107, 128, 161, 187, 196, 206, 255, 256,
    365, 366, 1000, 1024, 3600, 65535, 65536, 86400, 1_000_000, 2**31 - 2, 2**31 - 1, 2**31,
    2**32 - 1, 2**32, 10**10, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 2, 2**63 - 1,
]
FRACTIONS = [
    "0.0", "0.1", "0.2", "0.25", "0.3", "0.5", "0.7", "1.0", "1.5", "2.0", "2.5", "3.0", "3.14159",
    "7.0", "10.0", "49.0", "98.0", "99.9", "102.4", "103.0", "107.0", "0.0000001", "0.001",
    "1000000.0", "4503599627370496.5", "9007199254740993.0", "123456789012345680.0",
    "100000000000000000000000000000.0", "0.333333333333333333333", "1.005", "2.675", "1.15",
]
TEXTS = [
    "", "a", "ab", "abc", "abcdef", "Sales", "sales", "SALES REPORT", " padded ", "Straße",
    "STRASSE", "ß", "ẞ", "İstanbul", "istanbul", "ISTANBUL", "I", "i", "ı", "e\u0301te", "éte",
    "日本語", "👍🏽 ok", "👨\u200d👩\u200d👧", "a%b_c", "100%", "x_y", "%", "_", "Σίσυφος", "ς", "ﬁn",
    "it's", 'dq"x', "back\\slash", "Rep 0", "0", "007", "-12", "3.5", "2026-03-01", "true", "NULL",
    "a.b.c", "..", ".", "-", "a,b,,c", ",", "\u00a0nb\u00a0", "ŉ", "aaa", "aa", "line\nbreak",
    "tab\tx", "x" * 30,
]
DATES = [
    "2020-02-29", "2023-12-31", "2024-01-01", "2024-02-28", "2024-02-29", "2024-03-01",
    "2024-12-30", "2024-12-31", "2025-01-01", "2025-02-28", "2025-03-31", "2025-12-28",
    "2025-12-29", "2026-01-01", "2026-01-04", "2026-01-05", "1970-01-01", "1969-12-31",
    "1900-02-28", "2000-02-29", "2099-12-31", "2100-02-28", "2100-03-01", "2026-06-30",
]
TIMES = [
    "2024-02-29 00:00:00", "2024-02-28 23:59:59", "2023-12-31 23:59:59", "2024-01-01 00:00:00",
    "2025-03-30 02:00:00", "1970-01-01 00:00:00", "1969-12-31 23:59:59", "2000-02-29 12:34:56",
    "2099-12-31 23:59:59", "2026-01-04 12:00:00",
]
# ILIKE folds characters of one to one; patterns with ß, İ, ı, i, k or s can match others than
# in DuckDB (docs/guard.md).
LIKE_PATTERNS = [
    "%", "a%", "%a", "%a%", "_", "__", "%_", "S_les%", "%ß%", "İ%", "%\u0301%", "_\u0301%", "%%",
    "", "100%", "%.%", "%日%", "👍%", "s%s", "sales", "%e_%", "a.c", "[a]%", "(%", "^a%", "%$", "%|%",
]
ILIKE_PATTERNS = ["%", "A%", "%E", "%a%", "_", "%é%", "100%", "A.C", "%日%", "(%", "%\n%", "%_B%"]
REGULAR_EXPRESSIONS = [
    "^a", "a$", "[0-9]+", "s.l", "(?i)abc", "^$", ".", "ß", "[^a-z]", "a|b", "a{2}", "x*", "日本",
]
TIME_FORMATS = [
    "%Y-%m-%d", "%H:%M", "%Y", "%m", "%j", "%Y-%m-%d %H:%M:%S", "%d.%m.%y", "%G-W%V", "%u", "%A",
    "%b", "%I %p",
]
DATE_FORMATS = ["%Y-%m-%d", "%Y", "%m", "%j", "%d.%m.%y", "%G-W%V", "%u", "%A", "%b"]
DATE_STEPS = ["1 day", "7 days", "1 month", "1 year", "12 months", "30 days", "1 week", "3 months"]
TIME_STEPS = ["1 hour", "90 minutes", "1 day", "1 month", "1 year", "1 second", "1 week"]


@dataclass(frozen=True)
class Expression:
    """An expression in the words of both engines, and its type."""

    ours: str
    duckdb: str
    type: str

    def words(self, engine: str) -> str:
        return self.ours if engine == "ours" else self.duckdb


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def same(words: str, of: str = "") -> Expression:
    return Expression(words, words, of)


class Expressions:
    """A source of random expressions over the given columns."""

    def __init__(self, chance: random.Random, columns: dict[str, list[str]]) -> None:
        self.chance = chance
        self.columns = columns

    def make(
        self, of: str, words: str, *parts: Expression, duckdb: str | None = None
    ) -> Expression:
        """Fills the places in a form with expressions."""
        ours = words.format(*[part.ours for part in parts])
        return Expression(ours, (duckdb or words).format(*[part.duckdb for part in parts]), of)

    def one(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def literal(self, of: str) -> Expression:
        chance = self.chance
        match of:
            case "I":
                known = chance.random() < 0.7
                number = chance.choice(INTEGERS) if known else chance.randrange(2, 1001)
                sign = "-" if number and chance.random() < 0.2 else ""
                return Expression(f"{sign}{number}", f"CAST({sign}{number} AS BIGINT)", of)
            case "F":
                known = chance.random() < 0.7
                number = f"{chance.randrange(1000)}.{chance.randrange(100):02}"
                number = chance.choice(FRACTIONS) if known else number
                if chance.random() < 0.15:
                    return Expression(f"(-{number})", f"(-{number}e0)", of)
                return Expression(number, number + "e0", of)
            case "S":
                return same(quoted(chance.choice(TEXTS)), of)
            case "B":
                return same(self.one("TRUE", "FALSE"), of)
            case "D":
                return same(f"DATE '{chance.choice(DATES)}'", of)
            case _:
                return same(f"TIMESTAMP '{chance.choice(TIMES)}'", of)

    def column(self, of: str) -> Expression:
        return same(self.chance.choice(self.columns[of]), of)

    def leaf(self, of: str, constants: float = 0.35) -> Expression:
        if of not in self.columns or self.chance.random() < constants:
            return self.literal(of)
        return self.column(of)

    def small(self) -> Expression:
        """Returns a number of characters, without the cast that DuckDB's functions refuse."""
        return same(str(self.chance.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 25, 30])), "I")

    def any(self, of: str, depth: int) -> Expression:
        if depth <= 0:
            return self.leaf(of)
        makers = {
            "I": self.integer, "F": self.fraction, "S": self.text, "B": self.boolean,
            "D": self.date, "T": self.time,
        }
        return makers[of](depth - 1)

    def number(self, depth: int) -> Expression:
        return self.any(self.one("I", "I", "F"), depth)

    def general(self, of: str, depth: int) -> Expression:
        """Returns a form that every type has."""

        def part() -> Expression:
            return self.any(of, depth)

        def condition() -> Expression:
            return self.any("B", depth)

        make = self.make
        match self.chance.randrange(8):
            case 0:
                name = self.one("COALESCE", "COALESCE", "IFNULL")
                return make(of, name + "({}, {})", part(), part())
            case 1:
                return make(of, "NULLIF({}, {})", part(), part())
            case 2:
                return make(of, "CASE WHEN {} THEN {} ELSE {} END", condition(), part(), part())
            case 3:
                return make(of, "CASE WHEN {} THEN {} END", condition(), part())
            case 4:
                name = self.one("GREATEST", "LEAST")
                if self.chance.random() < 0.3:
                    return make(of, name + "({}, {}, {})", part(), part(), part())
                return make(of, name + "({}, {})", part(), part())
            case 5:
                key = self.one("I", "S", "D")
                words = "CASE {} WHEN {} THEN {} WHEN {} THEN {} ELSE {} END"
                first, second = self.leaf(key, 0.7), self.leaf(key, 0.7)
                return make(of, words, self.any(key, depth), first, part(), second, part(), part())
            case 6:
                return make(of, "IF({}, {}, {})", condition(), part(), part())
            case _:
                return make(of, "({})", part())

    def integer(self, depth: int) -> Expression:
        make, one = self.make, self.one

        def part() -> Expression:
            return self.any("I", depth)

        match self.chance.randrange(16):
            case 0 | 1 | 2:
                return make("I", "({} " + one("+", "-", "*") + " {})", part(), part())
            case 3:
                return make("I", "({} " + one("+", "-", "*") + " {})", part(), self.small())
            case 4:
                return make("I", one("LENGTH", "CHAR_LENGTH") + "({})", self.any("S", depth))
            case 5:
                return make("I", "OCTET_LENGTH({})", self.any("S", depth), duckdb="strlen({})")
            case 6:
                return make("I", one("ABS", "SIGN") + "({})", part())
            case 7 | 8:
                field = one("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "QUARTER", "DOY",
                            "WEEK", "ISODOW", "ISOYEAR", "DOW")
                has_time = field in ("HOUR", "MINUTE", "SECOND")
                source = self.any("T" if has_time else one("D", "T"), depth)
                return make("I", f"EXTRACT({field} FROM {{}})", source)
            case 9:
                return make("I", "CAST({} AS BIGINT)", self.any("B", depth))
            case 10:
                return make("I", "CAST(FLOOR({}) AS BIGINT)", self.leaf("F", 1.0))
            case 11:
                # Only digits are a whole number here (`DIALECT`).
                there = "CASE WHEN regexp_full_match({0}, '[+-]?[0-9]+') THEN TRY_CAST({0} AS BIGINT) END"
                return make("I", "TRY_CAST({} AS BIGINT)", self.leaf("S"), duckdb=there)
            case 12:
                return make("I", "(-{})", self.column("I"))
            case 13:
                return make("I", "XOR({}, {})", part(), part())
            case 14:
                return make("I", "BIT_LENGTH({})", self.any("S", depth))
            case _:
                return self.general("I", depth)

    def fraction(self, depth: int) -> Expression:
        make, one = self.make, self.one

        def part() -> Expression:
            return self.any("F", depth)

        match self.chance.randrange(17):
            case 0 | 1 | 2:
                return make("F", "({} / {})", self.number(depth), self.number(depth))
            case 3 | 4:
                return make("F", "({} / {})", self.number(depth), self.literal(one("I", "F")))
            case 5 | 6:
                return make("F", "({} " + one("+", "-", "*") + " {})", self.number(depth), part())
            case 7:
                return make("F", one("ABS", "FLOOR", "CEIL", "CEILING") + "({})", part())
            case 8:
                digits = self.chance.randrange(4)
                value = self.leaf("F")
                words, power = f"ROUND({{}}, {digits})", f"1{'0' * digits}e0"
                there = f"(round_even({{}} * {power}, 0) / {power})"
                return make("F", words, value, duckdb=there)
            case 9:
                return make("F", "SQRT(ABS({}))", self.number(depth))
            case 10:
                return make("F", one("EXP", "SIN", "COS", "TAN", "ATAN") + "({})", self.leaf("F"))
            case 11:
                return make("F", one("LN", "LOG10", "LOG2") + "(ABS({}) + 1.0)", self.leaf("F"))
            case 12:
                power = one("0", "1", "2", "3", "0.5")
                return make("F", f"POWER({{}}, {power})", self.leaf(one("I", "F"), 0.5))
            case 13:
                return make("F", "CAST({} AS DOUBLE)", self.any(one("I", "B"), depth))
            case 14:
                return make("F", one("CBRT", "DEGREES", "RADIANS") + "({})", part())
            case 15:
                return make("F", "ATAN2({}, {})", part(), self.number(depth))
            case _:
                return self.general("F", depth)

    def text(self, depth: int) -> Expression:
        make, one = self.make, self.one

        def part() -> Expression:
            return self.any("S", depth)

        match self.chance.randrange(20):
            case 0:
                return make("S", "({} || {})", part(), part())
            case 17:
                words = one("({} || {})", "CONCAT({}, {})", "CONCAT_WS('-', {}, {})")
                return make("S", words, part(), self.any("I", depth))
            case 1 | 2:
                return make("S", one("LEFT", "RIGHT") + "({}, {})", part(), self.small())
            case 3:
                return make("S", one("LEFT", "RIGHT") + "({}, -{})", part(), self.small())
            case 4:
                start = same(str(self.chance.randrange(1, 9)))
                return make("S", "SUBSTR({}, {}, {})", part(), start, self.small())
            case 5:
                start = same(str(self.chance.randrange(1, 9)))
                return make("S", "SUBSTRING({}, {})", part(), start)
            case 6:
                case = one("UPPER", "LOWER")
                return make("S", case + "({})", part(), duckdb=f"unicode_{case.lower()}({{}})")
            case 7:
                name = one("TRIM", "LTRIM", "RTRIM")
                return make("S", name + "({})", part(), duckdb=name + "({}, ' ')")
            case 8:
                old = self.literal("S")
                if old.ours == "''":
                    return part()
                return make("S", "REPLACE({}, {}, {})", part(), old, self.literal("S"))
            case 9:
                place = self.chance.randrange(1, 4)
                return make("S", f"SPLIT_PART({{}}, {{}}, {place})", part(), self.literal("S"))
            case 10:
                return make("S", "REVERSE({})", part())
            case 11:
                return make("S", one("LPAD", "RPAD") + "({}, {}, '*')", part(), self.small())
            case 12:
                return make("S", "CONCAT({}, {})", part(), part())
            case 13:
                return make("S", "CONCAT_WS('-', {}, {})", part(), part())
            case 14:
                return make("S", "CAST({} AS VARCHAR)", self.any(one("I", "B", "D"), depth))
            case 15 | 16:
                of = one("D", "T")
                words = self.chance.choice(TIME_FORMATS if of == "T" else DATE_FORMATS)
                return make("S", f"STRFTIME({{}}, '{words}')", self.any(of, depth))
            case _:
                return self.general("S", depth)

    def boolean(self, depth: int) -> Expression:
        make, one = self.make, self.one
        compare, negated = one("=", "<>", "<", "<=", ">", ">="), one("", "NOT ")

        def part() -> Expression:
            return self.any("B", depth)

        match self.chance.randrange(17):
            case 0 | 1 | 2:
                of = one(*"IFSDTB")
                return make("B", "({} " + compare + " {})", self.any(of, depth), self.any(of, depth))
            case 3:
                left, right = self.leaf("I"), self.any("F", depth)
                return make("B", "({} " + compare + " {})", left, right)
            case 4:
                return make("B", "({} " + one("AND", "OR") + " {})", part(), part())
            case 5:
                return make("B", "(NOT {})", part())
            case 6:
                return make("B", "({} IS " + negated + "NULL)", self.any(one(*"IFSBDT"), depth))
            case 7:
                of = one(*"IFSDT")
                words = "({} " + negated + "BETWEEN {} AND {})"
                return make("B", words, self.any(of, depth), self.leaf(of, 0.6), self.leaf(of, 0.6))
            case 8:
                of = one("I", "S", "D")
                items = [self.literal(of) for _ in range(self.chance.randrange(1, 4))]
                null = one("", "", ", NULL")
                places = ", ".join(["{}"] * len(items)) + null
                return make("B", "({} " + negated + f"IN ({places}))", self.any(of, depth), *items)
            case 9 | 10:
                pattern = quoted(self.chance.choice(LIKE_PATTERNS))
                return make("B", "({} " + negated + f"LIKE {pattern})", self.any("S", depth))
            case 11:
                pattern = quoted(self.chance.choice(ILIKE_PATTERNS))
                return make("B", "({} " + negated + f"ILIKE {pattern})", self.column_or_text())
            case 12:
                name = one("STARTS_WITH", "ENDS_WITH")
                return make("B", name + "({}, {})", self.any("S", depth), self.literal("S"))
            case 13:
                pattern = quoted(self.chance.choice(REGULAR_EXPRESSIONS))
                there = f"regexp_matches({{}}, {pattern})"
                pattern = pattern.replace("{", "{{").replace("}", "}}")
                there = f"regexp_matches({{}}, {pattern})"
                return make("B", f"REGEXP_LIKE({{}}, {pattern})", self.any("S", depth), duckdb=there)
            case 14:
                of = one("I", "S", "B")
                words = "({} IS " + negated + "DISTINCT FROM {})"
                return make("B", words, self.any(of, depth), self.any(of, depth))
            case 15:
                return make("B", "CAST({} AS BOOLEAN)", self.any("I", depth))
            case _:
                return self.general("B", depth)

    def column_or_text(self) -> Expression:
        return self.leaf("S", 0.2)

    def date(self, depth: int) -> Expression:
        make, one = self.make, self.one
        match self.chance.randrange(5):
            case 0 | 1:
                return make("D", "CAST({} AS DATE)", self.any("T", depth))
            case 2:
                step = one("+", "-") + f" INTERVAL '{self.chance.choice(DATE_STEPS)}'"
                return make("D", f"CAST(({{}} {step}) AS DATE)", self.any("D", depth))
            case _:
                return self.general("D", depth)

    def time(self, depth: int) -> Expression:
        make, one = self.make, self.one
        match self.chance.randrange(6):
            case 5:
                step = one("+", "-") + f" INTERVAL '{one('1 hour', '90 minutes', '1 day 2 hours')}'"
                return make("T", f"({{}} {step})", self.any("D", depth))
            case 0 | 1:
                step = one("+", "-") + f" INTERVAL '{self.chance.choice(TIME_STEPS)}'"
                return make("T", f"({{}} {step})", self.any("T", depth))
            case 2:
                return make("T", "CAST({} AS TIMESTAMP)", self.any("D", depth))
            case _:
                return self.general("T", depth)
