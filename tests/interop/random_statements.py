"""Random SELECTs over the views `events` and over lists of values, in the words of two engines."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from random_expressions import LARGE, SMALL, Expression, Expressions, quoted, same

ENGINES = ("ours", "duckdb")
RUNNING = " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
EXPRESSIONS_OF_A_SELECT = 10


@dataclass(frozen=True)
class Statement:
    """A statement in the words of both engines."""

    kind: str
    ours: str
    duckdb: str
    columns: list[str]
    ordered: bool
    # The parts that can be run alone, to find the one that differs.
    parts: list[Expression]

    def alone(self, parts: list[Expression]) -> Statement:
        """Returns the same kind of statement with some of its parts."""
        return selected(parts)


def both(words: Callable[[Callable[[Expression], str]], str]) -> tuple[str, str]:
    """Returns a statement in the words of both engines."""
    return words(lambda part: part.ours), words(lambda part: part.duckdb)


def selected(parts: list[Expression]) -> Statement:
    names = [f"x{number}" for number in range(len(parts))]

    def words(of: Callable[[Expression], str]) -> str:
        items = [f"{of(part)} AS {name}" for part, name in zip(parts, names)]
        return f"SELECT Id, {', '.join(items)} FROM events ORDER BY Id NULLS LAST"

    return Statement("expressions", *both(words), ["Id", *names], True, parts)


class Statements:
    """A source of random statements."""

    def __init__(self, chance: random.Random, kinds: list[str] | None = None) -> None:
        self.chance = chance
        self.large = Expressions(chance, LARGE)
        self.small = Expressions(chance, SMALL)
        everything = {
            "expressions": self.expressions, "conditions": self.conditions, "orders": self.orders,
            "groups": self.groups, "totals": self.totals, "windows": self.windows,
            "values": self.values, "groups of values": self.groups_of_values,
            "joins": self.joins, "sets": self.sets, "subqueries": self.subqueries,
            "nested": self.nested, "counted": self.counted, "distinct": self.distinct,
            "pairs": self.pairs,
        }
        self.makers = {name: everything[name] for name in kinds or everything}

    def next(self) -> Statement:
        # Half of all statements are lists of expressions, each of which has ten.
        if "expressions" in self.makers and self.chance.random() < 0.3:
            return self.expressions()
        return self.chance.choice(list(self.makers.values()))()

    def expressions(self) -> Statement:
        depths = [1, 1, 2, 2, 3]
        types = "IIFFFSSSSBBBDT"
        return selected([
            self.large.any(self.chance.choice(types), self.chance.choice(depths))
            for _ in range(EXPRESSIONS_OF_A_SELECT)
        ])

    def simple(self, of: str) -> Expression:
        return self.small.any(of, self.chance.choice([0, 0, 1]))

    def with_column(self, of: str, columns: dict[str, list[str]] = SMALL) -> Expression:
        """Returns an expression with a column: others are refused where rows are aggregated."""
        names = [name for known in columns.values() for name in known]
        while True:
            found = self.simple(of)
            if any(name in found.ours for name in names):
                return found

    def where(self, share: float = 0.5) -> Expression:
        if self.chance.random() > share:
            return same("")
        condition = self.small.any("B", self.chance.choice([1, 1, 2]))
        return Expression(f" WHERE {condition.ours}", f" WHERE {condition.duckdb}", "")

    def aggregate(self) -> Expression:
        chance, make = self.chance, self.small.make
        share = chance.choice(["0.25", "0.5", "0.9", "0.0", "1.0", "0.333"])
        integer = self.small.column("I")
        choice = chance.randrange(16)
        match choice:
            case 14:
                found = same("CORR(local_hour, local_epoch_day)", "F")
            case 0:
                found = same("COUNT(*)", "I")
            case 1:
                found = make("I", "COUNT({})", self.with_column(chance.choice("ISBDT")))
            case 2:
                found = make("I", "COUNT(DISTINCT {})", self.with_column(chance.choice("ISBD")))
            case 3 | 4:
                found = make("I", "SUM({})", self.with_column("I"))
            case 5:
                found = make("F", "AVG({})", self.with_column("I"))
            case 6 | 7:
                name = chance.choice(["MIN", "MAX"])
                of = chance.choice("ISDTB" if choice == 6 else "ISDT")
                found = make(of, name + "({})", self.with_column(of))
            case 8:
                name = chance.choice(["STDDEV", "VARIANCE", "STDDEV_SAMP"])
                found = make("F", name + "({})", integer)
            case 9:
                found = make("F", "MEDIAN({})", integer)
            case 10:
                # Quantiles of a column of GROUP BY are wrong here, see docs/guard.md.
                found = same(f"QUANTILE_CONT(epoch_us, {share})", "F")
            case 11:
                found = same(f"QUANTILE_DISC(epoch_us, {share})", "I")
            case 12:
                words = "SUM(CASE WHEN {} THEN 2000000000 ELSE 0 END)"
                condition = self.small.any("B", 1)
                if condition.ours in ("TRUE", "FALSE") or not self.has_column(condition):
                    condition = self.small.column("B")
                found = make("I", words, condition)
            case 13:
                number = chance.choice([1, 2, 7, 2_000_000_000])
                found = same(f"{chance.choice(['COUNT', 'SUM'])}({number})", "I")
            case _:
                return make("S", "STRING_AGG({0}, ',' ORDER BY {0})", self.small.column("S"))
        if chance.random() < 0.2 and choice not in (10, 11):
            condition = self.with_column("B")
            found = make(found.type, "{} FILTER (WHERE {})", found, condition)
        if chance.random() < 0.25 and found.type in "IF":
            operation = chance.choice(["+", "-", "*", "/"])
            number = self.small.literal("I") if chance.random() < 0.3 else self.small.small()
            found = make("F", "({} " + operation + " {})", found, number)
        return found

    def has_column(self, found: Expression) -> bool:
        return any(name in found.ours for names in SMALL.values() for name in names)

    def conditions(self) -> Statement:
        condition = self.large.any("B", self.chance.choice([1, 2, 2, 3]))

        def words(of: Callable[[Expression], str]) -> str:
            return f"SELECT Id FROM events WHERE {of(condition)} ORDER BY Id NULLS LAST"

        return Statement("conditions", *both(words), ["Id"], True, [])

    def orders(self) -> Statement:
        chance = self.chance
        keys = [self.with_column(chance.choice("ISBDT")) for _ in range(chance.randrange(1, 3))]
        ways = [
            f"{chance.choice(['', 'ASC', 'DESC'])} NULLS {chance.choice(['FIRST', 'LAST'])}"
            for _ in keys
        ]
        limit = chance.choice(["", f" LIMIT {chance.randrange(70)}",
                               f" LIMIT 7 OFFSET {chance.randrange(70)}"])
        by_name, where = chance.random() < 0.6, self.where(0.3)
        names = [f"k{number}" for number in range(len(keys))]

        def words(of: Callable[[Expression], str]) -> str:
            items = ", ".join(f"{of(key)} AS {name}" for key, name in zip(keys, names))
            order = ", ".join(
                f"{name if by_name else of(key)} {way}" for key, name, way in zip(keys, names, ways)
            )
            tail = f"ORDER BY {order}, Id NULLS LAST{limit}"
            return f"SELECT Id, {items} FROM events{of(where)} {tail}"

        return Statement("orders", *both(words), ["Id", *names], True, [])

    def groups(self) -> Statement:
        chance = self.chance
        keys = [self.with_column(chance.choice("ISSBD")) for _ in range(chance.randrange(1, 3))]
        found = [self.aggregate() for _ in range(chance.randrange(1, 5))]
        least = chance.randrange(1, 6)
        having = same(chance.choice([
            "", "", f" HAVING COUNT(*) > {least}", f" HAVING SUM(local_hour) / COUNT(*) > {least}",
            f" HAVING MIN(local_hour) < {least} AND NOT COUNT(Version) = 1",
            " HAVING MAX(ReportName) LIKE '%a%'", f" HAVING SUM(Version) - {least} < 0",
        ]))
        where, by_number = self.where(), chance.random() < 0.5
        names = [f"k{number}" for number in range(len(keys))]
        others = [f"a{number}" for number in range(len(found))]

        def words(of: Callable[[Expression], str]) -> str:
            pairs = zip([*keys, *found], [*names, *others])
            items = ", ".join(f"{of(part)} AS {name}" for part, name in pairs)
            grouped = [of(key) for key in keys]
            if by_number:
                grouped = [str(number + 1) for number in range(len(keys))]
            tail = f"GROUP BY {', '.join(grouped)}{of(having)}"
            return f"SELECT {items} FROM events{of(where)} {tail}"

        return Statement("groups", *both(words), [*names, *others], False, [])

    def totals(self) -> Statement:
        found = [self.aggregate() for _ in range(self.chance.randrange(1, 6))]
        where = same(" WHERE FALSE") if self.chance.random() < 0.1 else self.where()
        names = [f"a{number}" for number in range(len(found))]

        def words(of: Callable[[Expression], str]) -> str:
            items = ", ".join(f"{of(part)} AS {name}" for part, name in zip(found, names))
            return f"SELECT {items} FROM events{of(where)}"

        return Statement("totals", *both(words), names, True, [])

    def window(self) -> Expression:
        chance, make = self.chance, self.small.make
        shared = ["Version", "Activity", "local_date", "IsSuccess", "WorkspaceName", "local_hour"]
        shared += ["Version / 2", "LENGTH(ReportName)", "CASE WHEN Version > 2 THEN 'many' END"]
        partition = ", ".join(chance.sample(shared, chance.randrange(3)))
        partition = f"PARTITION BY {partition} " if partition else ""
        down = chance.choice(["", " DESC"])
        first = chance.choice(["", "COALESCE(Version, -9)", "local_time", "COALESCE(ReportName, '')"])
        key = f"{first}{down}, Id{down}" if first else f"Id{down}"
        rank = chance.choice(["local_hour", "COALESCE(Version, -9)", "local_date",
                              "COALESCE(WorkspaceName, '')"])
        value = self.with_column(chance.choice("ISDB"))
        number = self.with_column("I")
        match chance.randrange(10):
            case 0:
                call, over = same("ROW_NUMBER()", "I"), f"{partition}ORDER BY {key}"
            case 1:
                call = same(chance.choice(["RANK()", "DENSE_RANK()"]), "I")
                over = f"{partition}ORDER BY {rank}{down}"
            case 2 | 3:
                offset = chance.choice(["", ", 1", ", 2", ", 5"])
                call = make("", chance.choice(["LAG", "LEAD"]) + f"({{}}{offset})", value)
                over = f"{partition}ORDER BY {key}"
            case 4:
                call, over = make("", "FIRST_VALUE({})", value), f"{partition}ORDER BY {key}"
            case 5:
                call, over = make("I", "SUM({})", number), f"{partition}ORDER BY {key}{RUNNING}"
            case 6:
                # The engine has no running MIN and MAX of texts.
                call = make("", chance.choice(["MIN", "MAX"]) + "({})", self.with_column(
                    chance.choice("IDT")))
                over = f"{partition}ORDER BY {key}{RUNNING}"
            case 7:
                call = make("I", "COUNT({})", value)
                over = partition + chance.choice([f"ORDER BY {key}{RUNNING}", ""])
            case 8:
                name = chance.choice(["SUM", "AVG", "STDDEV", "MEDIAN", "MIN", "MAX"])
                call, over = make("F", name + "({})", self.small.column("I")), partition
            case _:
                call = same(chance.choice(["COUNT(*)", "SUM(1)", "COUNT(1)"]), "I")
                over = partition + chance.choice([f"ORDER BY {key}{RUNNING}", ""])
        found = make(call.type or "?", "{} OVER (" + over + ")", call)
        if found.type in "IF" and chance.random() < 0.2:
            operation = chance.choice(["+", "-", "*", "/"])
            found = make("F", "({} " + operation + " {})", found, self.small.literal("I"))
        return found

    def windows(self) -> Statement:
        found = [self.window() for _ in range(self.chance.randrange(1, 4))]
        where = self.where(0.3)
        names = [f"w{number}" for number in range(len(found))]

        def words(of: Callable[[Expression], str]) -> str:
            items = ", ".join(f"{of(part)} AS {name}" for part, name in zip(found, names))
            return f"SELECT Id, {items} FROM events{of(where)}"

        return Statement("windows", *both(words), ["Id", *names], False, [])

    def rows(self) -> Expression:
        """Returns a list of values with the columns k, i, f and s."""
        chance = self.chance
        rows: list[list[str | None]] = []
        for _ in range(chance.randrange(1, 9)):
            rows.append([
                chance.choice(["0", "1", "2", "3", "4", "5", None]),
                chance.choice(["0", "1", "-1", "3", "49", "98", "2147483647", "-2147483648", None]),
                chance.choice(["0.5", "1.5", "-2.25", "49.0", "0.1", "1000000.75", None]),
                chance.choice(["a", "Sales", "ß", "", "ViewReport", "abc", None]),
            ])
        # The first row decides the types.
        rows[0] = [cell or known for cell, known in zip(rows[0], ["1", "3", "0.5", "a"])]

        def written(row: list[str | None], casts: bool) -> str:
            k, i, f, s = row
            integers = [f"CAST({cell} AS BIGINT)" if casts and cell else cell for cell in (k, i)]
            fraction = f"{f}e0" if casts and f else f
            cells = [*integers, fraction, None if s is None else quoted(s)]
            return "(" + ", ".join("NULL" if cell is None else cell for cell in cells) + ")"

        lists = [", ".join(written(row, casts) for row in rows) for casts in (False, True)]
        ours, duckdb = (f"SELECT * FROM (VALUES {rows}) AS v0(k, i, f, s)" for rows in lists)
        return Expression(ours, duckdb, "")

    def values(self) -> Statement:
        rows = self.rows()
        source = Expressions(self.chance, {"I": ["k", "i"], "F": ["f"], "S": ["s"]})
        found = [source.any(self.chance.choice("IFFSB"), self.chance.choice([1, 2]))
                 for _ in range(5)]
        names = [f"x{number}" for number in range(len(found))]

        def words(of: Callable[[Expression], str]) -> str:
            items = ", ".join(f"{of(part)} AS {name}" for part, name in zip(found, names))
            return f"WITH v AS ({of(rows)}) SELECT k, i, f, s, {items} FROM v"

        return Statement("values", *both(words), ["k", "i", "f", "s", *names], False, [])

    def groups_of_values(self) -> Statement:
        rows, key = self.rows(), self.chance.choice(["k", "s"])
        grouped = self.chance.random() < 0.7
        found = self.chance.sample([
            "COUNT(*)", "SUM(i)", "SUM(f)", "AVG(i)", "AVG(f)", "MIN(s)", "MAX(f)", "MIN(i)",
            "STDDEV(f)", "VARIANCE(i)", "MEDIAN(f)", "QUANTILE_CONT(f, 0.25)", "COUNT(DISTINCT s)",
            "SUM(i) / COUNT(*)", "SUM(f) / SUM(i)", "SUM(i * k)", "SUM(i) * 3", "MAX(i) + 1",
            "MIN(i) - 1", "AVG(i) / 49", "COUNT(s) - 5", "CORR(i, f)", "SUM(i + i)",
            "COUNT(i) FILTER (WHERE f > 1)", "SUM(ABS(i))", "SUM(1)", "POWER(MAX(i), 3)",
        ], 4)
        names = [f"a{number}" for number in range(len(found))]
        items = ", ".join(f"{part} AS {name}" for part, name in zip(found, names))
        items = f"{key}, {items}" if grouped else items

        def words(of: Callable[[Expression], str]) -> str:
            tail = f" GROUP BY {key}" if grouped else ""
            return f"WITH v AS ({of(rows)}) SELECT {items} FROM v{tail}"

        columns = [key, *names] if grouped else names
        return Statement("groups of values", *both(words), columns, False, [])

    def joins(self) -> Statement:
        chance, rows = self.chance, self.rows()
        kind = chance.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN",
                              "LEFT SEMI JOIN", "LEFT ANTI JOIN"])
        on = chance.choice(["e.Version = v.k", "e.Activity = v.s", "e.ReportName = v.s",
                            "e.local_hour = v.k", "e.Version = v.k AND e.Activity = v.s"])
        if kind == "JOIN" and chance.random() < 0.4:
            on = chance.choice(["e.Version < v.k", "e.local_hour >= v.i", "e.ReportName > v.s",
                                "e.Version = v.k AND e.local_hour > v.i"])
        on = "" if kind == "CROSS JOIN" else f" ON {on}"
        one_side = "SEMI" in kind or "ANTI" in kind
        items = "e.Id AS a, e.Version AS b"
        columns = ["a", "b"]
        if not one_side:
            items += ", v.k AS c, v.s AS d, v.f AS f, COALESCE(v.i, e.local_hour) + v.k AS g"
            columns += ["c", "d", "f", "g"]
        wheres = ["", " WHERE e.Version IS NOT NULL", " WHERE e.local_hour > 3"]
        wheres += [] if one_side else [" WHERE v.k IS NULL", " WHERE v.i * 2 > 0"]
        where = chance.choice(wheres)
        there = kind.removeprefix("LEFT ") if one_side else kind
        tail = f"v{on}{where}"
        return Statement(
            "joins",
            f"WITH v AS ({rows.ours}) SELECT {items} FROM events AS e {kind} {tail}",
            f"WITH v AS ({rows.duckdb}) SELECT {items} FROM events AS e {there} {tail}",
            columns, False, [],
        )

    def sets(self) -> Statement:
        chance, rows = self.chance, self.rows()
        operation = chance.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "DISTINCT"])
        left, right = chance.choice([
            ("Version", "k"), ("ReportName", "s"), ("Activity", "s"), ("local_hour", "i"),
            ("Version * 2", "k + k"), ("local_hour / 2", "f"),
        ])
        where = chance.choice(["", " WHERE Version > 1", " WHERE FALSE"])
        body = f"SELECT {left} AS x FROM events{where} {operation} SELECT {right} AS x FROM v"
        if operation == "DISTINCT":
            body = f"SELECT DISTINCT {right} AS x FROM v"

        def words(of: Callable[[Expression], str]) -> str:
            return f"WITH v AS ({of(rows)}) {body}"

        return Statement("sets", *both(words), ["x"], False, [])

    def subqueries(self) -> Statement:
        chance, rows = self.chance, self.rows()
        left, right = chance.choice([
            ("Version", "k"), ("ReportName", "s"), ("Activity", "s"), ("local_hour", "i"),
            ("Version + 1", "k * 1"), ("local_hour / 2", "f"),
        ])
        where = chance.choice(["", " WHERE k IS NOT NULL AND s IS NOT NULL AND i IS NOT NULL",
                               " WHERE FALSE"])
        negated = chance.choice(["", "NOT "])

        def words(of: Callable[[Expression], str]) -> str:
            query = f"SELECT {right} AS y FROM v{where}"
            return (f"WITH v AS ({of(rows)}) SELECT Id FROM events "
                    f"WHERE {left} {negated}IN ({query})")

        return Statement("subqueries", *both(words), ["Id"], False, [])

    def nested(self) -> Statement:
        chance, found, where = self.chance, self.aggregate(), self.where(0.4)
        key = chance.choice(["Version", "Activity", "local_date", "local_hour", "WorkspaceName"])
        value = chance.choice([
            same("n / 7"), same("n * 100 / total"), same("n - LAG(n) OVER (ORDER BY n, COALESCE(CAST(k AS VARCHAR), ''))"),
            Expression("n / 49.0", "n / 49.0e0", ""), same("SUM(n) OVER () / 98"),
            Expression("ROUND(n / 7, 1)", "round_even(n / 7 * 10, 0) / 10", ""), same("total - n"),
            same("RANK() OVER (ORDER BY n)"), same("n / NULLIF(c, 0)"),
            Expression("n * 2000000000", "n * CAST(2000000000 AS BIGINT)", ""),
            same("CASE WHEN n > 3 THEN 'many' ELSE 'few' END"), same("n"),
        ])

        def words(of: Callable[[Expression], str]) -> str:
            groups = (f"SELECT {key} AS k, COUNT(*) AS n, COUNT(DISTINCT ReportName) AS c, "
                      f"{of(found)} AS a FROM events{of(where)} GROUP BY {key}")
            return (f"WITH g AS ({groups}), t AS (SELECT SUM(n) AS total FROM g) "
                    f"SELECT k, a, {of(value)} AS x FROM g CROSS JOIN t")

        return Statement("nested", *both(words), ["k", "a", "x"], False, [])

    def distinct(self) -> Statement:
        found = [self.with_column(self.chance.choice("IFSBDT")) for _ in range(2)]
        where = self.where()

        def words(of: Callable[[Expression], str]) -> str:
            items = ", ".join(f"{of(part)} AS x{number}" for number, part in enumerate(found))
            return f"SELECT DISTINCT {items} FROM events{of(where)}"

        return Statement("distinct", *both(words), ["x0", "x1"], False, [])

    def pairs(self) -> Statement:
        """Joins events with events, and groups the pairs."""
        chance = self.chance
        kind = chance.choice(["JOIN", "LEFT JOIN"])
        on = chance.choice(["a.Version = b.local_hour", "a.ReportName = b.WorkspaceName",
                            "a.local_date = b.local_date AND a.Activity = b.Activity"])
        key = chance.choice(["a.Version", "a.Activity", "a.local_date", "a.IsSuccess"])
        found = ", ".join(
            f"{part} AS a{number}" for number, part in enumerate(chance.sample([
                "COUNT(*)", "COUNT(b.Version)", "SUM(a.Version)", "SUM(b.local_hour * a.Version)",
                "COUNT(DISTINCT b.ReportName)", "MAX(b.ReportName)", "MIN(a.local_time)",
                "AVG(b.local_hour - a.local_hour)", "SUM(b.Version) / COUNT(*)",
                "COUNT(*) FILTER (WHERE b.IsSuccess)", "MEDIAN(b.local_hour)",
                "SUM(CASE WHEN a.IsSuccess AND b.IsSuccess THEN 1 ELSE 0 END)",
            ], 3))
        )
        sql = f"SELECT {key} AS k, {found} FROM events AS a {kind} events AS b ON {on} GROUP BY {key}"
        return Statement("pairs", sql, sql, ["k", "a0", "a1", "a2"], False, [])

    def counted(self) -> Statement:
        """Counts the rows of another statement, none of whose columns is read."""
        chance = self.chance
        inner = chance.choice([self.groups, self.totals, self.windows, self.conditions,
                               self.orders, self.values, self.groups_of_values, self.joins,
                               self.sets, self.subqueries])()
        join = chance.choice(["", " CROSS JOIN (SELECT MAX(Version) AS m FROM events) AS t"])
        ours, duckdb = (
            f"SELECT COUNT(*) AS n FROM ({words}) AS q{join}" for words in (inner.ours, inner.duckdb)
        )
        return Statement("counted", ours, duckdb, ["n"], True, [])
