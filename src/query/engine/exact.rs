//! Functions of the engine's SQL that replace arithmetic and text functions of the engine whose
//! results are wrong.
//!
//! The engine divides by a constant by multiplying with its reciprocal, so that `49 / 49.0` is less
//! than 1. It calculates in the width of its operands and discards what does not fit, so that
//! `2000000000 * 2` can be negative. `RIGHT` shortens a text that is already shorter.
//!
//! Numbers are calculated here: integers in 64 bits, with an error if a result does not fit, and
//! fractions by the rules of IEEE 754. Dates, times and durations are left to the engine.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use polars::prelude::arity::broadcast_binary_elementwise_values;
use polars::prelude::*;
use polars::sql::{FunctionOptions, FunctionRegistry, SQLContext};

use crate::query::engine::{memoize, picked_texts};

/// Names of the functions. No name can be written without quotation marks, so a statement does not
/// call one by accident.
pub const ADD: &str = "exact +";
/// See [`ADD`].
pub const SUBTRACT: &str = "exact -";
/// See [`ADD`].
pub const MULTIPLY: &str = "exact *";
/// See [`ADD`].
pub const DIVIDE: &str = "exact /";
/// First characters of a text.
pub const LEFT: &str = "exact left";
/// Last characters of a text.
pub const RIGHT: &str = "exact right";
/// Integer of 64 bits if the argument is a narrower one or a Boolean, else the argument.
pub const WIDEN: &str = "exact integer";
/// Midnight of a day, else the argument.
pub const TO_TIME: &str = "exact time";
/// NaN if the second argument is NaN, else the first.
pub const OR_NAN: &str = "exact or nan";
/// Sum if it fits into 64 bits; the arguments are the sum of the values and of them as fractions.
pub const CHECK_SUM: &str = "exact sum";

/// First argument that is not null. Texts keep their bytes, see [`picked_texts`].
pub const COALESCE: &str = "exact coalesce";
/// Null if a text is empty, else the argument.
pub const NULL_IF_EMPTY: &str = "exact null if empty";

/// Largest difference between the sum of integers and their sum as fractions. A sum that does not
/// fit differs by at least 2^64.
const MAX_SUM_DIFFERENCE: f64 = 4_611_686_018_427_387_904.0;

/// Creates an empty context of the engine's SQL with these functions.
pub fn new_context() -> SQLContext {
    static FUNCTIONS: LazyLock<Arc<ExactFunctions>> =
        LazyLock::new(|| Arc::new(ExactFunctions::new()));
    SQLContext::new().with_function_registry(Arc::clone(&FUNCTIONS) as Arc<dyn FunctionRegistry>)
}

/// Registry of the functions.
struct ExactFunctions(BTreeMap<&'static str, UserDefinedFunction>);

impl ExactFunctions {
    fn new() -> ExactFunctions {
        let operations = [
            (ADD, ArithmeticOperation::Add),
            (SUBTRACT, ArithmeticOperation::Subtract),
            (MULTIPLY, ArithmeticOperation::Multiply),
            (DIVIDE, ArithmeticOperation::Divide),
        ];
        let mut all: BTreeMap<&'static str, UserDefinedFunction> = operations
            .map(|(name, operation)| {
                let ty = move |[left, right]: [&DataType; 2]| result_type(operation, left, right);
                (name, function(name, ty, move |[left, right]| calculate(operation, left, right)))
            })
            .into();
        let text = |_: [&DataType; 2]| Ok(DataType::String);
        all.insert(
            LEFT,
            function(LEFT, text, |[text, count]| part_of_text(text, count, Side::Left)),
        );
        all.insert(
            RIGHT,
            function(RIGHT, text, |[text, count]| part_of_text(text, count, Side::Right)),
        );
        let widened = |[ty]: [&DataType; 1]| Ok(widened_type(ty));
        all.insert(WIDEN, function(WIDEN, widened, |[column]| widen(column)));
        let time = |[ty]: [&DataType; 1]| Ok(time_type(ty));
        all.insert(TO_TIME, function(TO_TIME, time, |[day]| day.cast(&time_type(day.dtype()))));
        let first = |[ty, _]: [&DataType; 2]| Ok(ty.clone());
        all.insert(OR_NAN, function(OR_NAN, first, |[value, other]| or_nan(value, other)));
        let sum = |[ty, _]: [&DataType; 2]| Ok(widened_type(ty));
        all.insert(
            CHECK_SUM,
            function(CHECK_SUM, sum, |[sum, fractions]| check_sum(sum, fractions)),
        );
        let same = |[ty]: [&DataType; 1]| Ok(ty.clone());
        all.insert(NULL_IF_EMPTY, function(NULL_IF_EMPTY, same, |[texts]| null_if_empty(texts)));
        let ty = |types: Vec<&DataType>| coalesced_type(&types);
        all.insert(
            COALESCE,
            function_of_any(COALESCE, ty, |columns| coalesce_columns_of(&columns)),
        );
        ExactFunctions(all)
    }
}

impl FunctionRegistry for ExactFunctions {
    fn register(&mut self, name: &str, _: UserDefinedFunction) -> PolarsResult<()> {
        polars_bail!(SQLInterface: "cannot register {name}: the functions are fixed")
    }

    fn get_udf(&self, name: &str) -> PolarsResult<Option<UserDefinedFunction>> {
        Ok(self.0.get(name).cloned())
    }

    fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Creates a function of `N` arguments that is calculated row by row.
fn function<const N: usize>(
    name: &str,
    ty: impl Fn([&DataType; N]) -> PolarsResult<DataType> + Send + Sync + 'static,
    make: impl Fn([&Column; N]) -> PolarsResult<Column> + Send + Sync + 'static,
) -> UserDefinedFunction {
    fn exactly<T, const N: usize>(all: Vec<T>) -> PolarsResult<[T; N]> {
        <[T; N]>::try_from(all)
            .map_err(|all| polars_err!(SQLInterface: "expected {N} arguments, found {}", all.len()))
    }
    let ty = move |types: Vec<&DataType>| ty(exactly(types)?);
    function_of_any(name, ty, move |columns| make(exactly(columns)?))
}

/// Creates a function of any number of arguments that is calculated row by row.
fn function_of_any(
    name: &str,
    ty: impl Fn(Vec<&DataType>) -> PolarsResult<DataType> + Send + Sync + 'static,
    make: impl Fn(Vec<&Column>) -> PolarsResult<Column> + Send + Sync + 'static,
) -> UserDefinedFunction {
    let make = move |columns: &mut [Column]| make(columns.iter().collect());
    let field = move |_: &Schema, fields: &[Field]| {
        let types = fields.iter().map(|field| field.dtype().clone().materialize_unknown(true));
        let types: Vec<DataType> = types.collect::<PolarsResult<_>>()?;
        let name = fields.first().map(|field| field.name().clone()).unwrap_or_default();
        Ok(Field::new(name, ty(types.iter().collect())?))
    };
    UserDefinedFunction {
        name: name.into(),
        fun: new_column_udf(BaseColumnUdf::new(make, field)),
        options: FunctionOptions::elementwise(),
    }
}

/// Arithmetic operation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum ArithmeticOperation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl ArithmeticOperation {
    fn symbol(self) -> char {
        match self {
            ArithmeticOperation::Add => '+',
            ArithmeticOperation::Subtract => '-',
            ArithmeticOperation::Multiply => '*',
            ArithmeticOperation::Divide => '/',
        }
    }

    /// Returns the operation of the engine.
    fn engine_expr(self, left: Expr, right: Expr) -> Expr {
        match self {
            ArithmeticOperation::Add => left + right,
            ArithmeticOperation::Subtract => left - right,
            ArithmeticOperation::Multiply => left * right,
            ArithmeticOperation::Divide => left.true_div(right),
        }
    }
}

/// Returns the type in which an operation on numbers is calculated; `None` for other operands.
fn number_type(
    operation: ArithmeticOperation,
    left: &DataType,
    right: &DataType,
) -> Option<DataType> {
    let is_number = |ty: &DataType| ty.is_primitive_numeric() || ty.is_null();
    if !is_number(left) || !is_number(right) {
        return None;
    }
    let has_fractions =
        operation == ArithmeticOperation::Divide || left.is_float() || right.is_float();
    Some(if has_fractions { DataType::Float64 } else { DataType::Int64 })
}

fn result_type(
    operation: ArithmeticOperation,
    left: &DataType,
    right: &DataType,
) -> PolarsResult<DataType> {
    if let Some(ty) = number_type(operation, left, right) {
        return Ok(ty);
    }
    let empty = |ty: &DataType| Column::new_empty(PlSmallStr::EMPTY, ty);
    Ok(calculate_by_engine(operation, &empty(left), &empty(right))?.dtype().clone())
}

/// Calculates an operation on two columns of one length; a column of one value fits any length.
fn calculate(
    operation: ArithmeticOperation,
    left: &Column,
    right: &Column,
) -> PolarsResult<Column> {
    let Some(ty) = number_type(operation, left.dtype(), right.dtype()) else {
        return calculate_by_engine(operation, left, right);
    };
    let rows = common_len(left, right);
    let (left, right) = (distinct_values(left), distinct_values(right));
    let (left, right) = (left.strict_cast(&ty)?, right.strict_cast(&ty)?);
    let values = match ty {
        DataType::Float64 => {
            calculate_fractions(operation, left.f64()?, right.f64()?).into_series()
        }
        _ => calculate_integers(operation, left.i64()?, right.i64()?)?.into_series(),
    };
    Ok(if values.len() == rows {
        values.into_column()
    } else {
        values.new_from_index(0, rows).into_column()
    })
}

fn common_len(left: &Column, right: &Column) -> usize {
    if left.len() == 1 { right.len() } else { left.len() }
}

/// Returns the values of a column; a single one if all are equal by construction.
fn distinct_values(column: &Column) -> Series {
    match column {
        Column::Scalar(scalar) => scalar.as_single_value_series(),
        Column::Series(series) => Series::clone(series),
    }
}

fn calculate_fractions(
    operation: ArithmeticOperation,
    left: &Float64Chunked,
    right: &Float64Chunked,
) -> Float64Chunked {
    fn each(
        left: &Float64Chunked,
        right: &Float64Chunked,
        calculate: impl Fn(f64, f64) -> f64,
    ) -> Float64Chunked {
        broadcast_binary_elementwise_values(left, right, calculate)
    }
    match operation {
        ArithmeticOperation::Add => each(left, right, |left, right| left + right),
        ArithmeticOperation::Subtract => each(left, right, |left, right| left - right),
        ArithmeticOperation::Multiply => each(left, right, |left, right| left * right),
        ArithmeticOperation::Divide => each(left, right, |left, right| left / right),
    }
}

fn calculate_integers(
    operation: ArithmeticOperation,
    left: &Int64Chunked,
    right: &Int64Chunked,
) -> PolarsResult<Int64Chunked> {
    fn each(
        left: &Int64Chunked,
        right: &Int64Chunked,
        calculate: impl Fn(i64, i64) -> (i64, bool),
    ) -> (Int64Chunked, bool) {
        let mut overflows = false;
        let values = broadcast_binary_elementwise_values(left, right, |left: i64, right: i64| {
            let (value, overflow) = calculate(left, right);
            overflows |= overflow;
            value
        });
        (values, overflows)
    }
    let (values, overflows) = match operation {
        ArithmeticOperation::Add => each(left, right, i64::overflowing_add),
        ArithmeticOperation::Subtract => each(left, right, i64::overflowing_sub),
        ArithmeticOperation::Multiply | ArithmeticOperation::Divide => {
            each(left, right, i64::overflowing_mul)
        }
    };
    if overflows {
        // The operands of a null can have any value.
        refuse_overflow(operation, left, right)?;
    }
    Ok(values)
}

/// Fails if the result of two operands does not fit.
fn refuse_overflow(
    operation: ArithmeticOperation,
    left: &Int64Chunked,
    right: &Int64Chunked,
) -> PolarsResult<()> {
    let value =
        |values: &Int64Chunked, row: usize| values.get(if values.len() == 1 { 0 } else { row });
    for row in 0..left.len().max(right.len()) {
        let (Some(one), Some(other)) = (value(left, row), value(right, row)) else { continue };
        let result = match operation {
            ArithmeticOperation::Add => one.checked_add(other),
            ArithmeticOperation::Subtract => one.checked_sub(other),
            ArithmeticOperation::Multiply | ArithmeticOperation::Divide => one.checked_mul(other),
        };
        if result.is_none() {
            polars_bail!(
                ComputeError: "{one} {} {other} does not fit into an integer of 64 bits; \
                write CAST(… AS DOUBLE) for one of the two", operation.symbol()
            );
        }
    }
    Ok(())
}

/// Calculates an operation as the engine does, with the conversions of its planner.
fn calculate_by_engine(
    operation: ArithmeticOperation,
    left: &Column,
    right: &Column,
) -> PolarsResult<Column> {
    let rows = common_len(left, right);
    let column = |column: &Column, name: &str| {
        let column =
            if column.len() == rows { column.clone() } else { column.new_from_index(0, rows) };
        column.with_name(name.into())
    };
    let frame = DataFrame::new(rows, vec![column(left, "left"), column(right, "right")])?;
    let result = operation.engine_expr(col("left"), col("right"));
    let result = frame.lazy().select([result.alias(left.name().clone())]).collect()?;
    Ok(result.columns().first().cloned().unwrap_or_default())
}

/// Side of a text.
#[derive(Debug, Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Returns the characters on one side of a text; for a negative number, all but those on the other
/// side.
fn part_of_text(text: &Column, count: &Column, side: Side) -> PolarsResult<Column> {
    if text.dtype().is_null() {
        return text.cast(&DataType::String);
    }
    let rows = common_len(text, count);
    let (texts, count) = (distinct_values(text), distinct_values(count).into_column());
    let mut part = match side {
        Side::Left => texts.str()?.str_head(&count)?,
        Side::Right => texts.str()?.str_tail(&count)?,
    };
    // Texts in order can have parts that are not.
    part.set_sorted_flag(polars::series::IsSorted::Not);
    let part = part.into_series();
    Ok(if part.len() == rows { part } else { part.new_from_index(0, rows) }.into_column())
}

fn widened_type(ty: &DataType) -> DataType {
    let is_narrow = ty.is_bool() || (ty.is_integer() && *ty != DataType::Int64);
    if is_narrow { DataType::Int64 } else { ty.clone() }
}

fn widen(column: &Column) -> PolarsResult<Column> {
    let ty = widened_type(column.dtype());
    if ty == *column.dtype() { Ok(column.clone()) } else { column.strict_cast(&ty) }
}

/// Returns the type of a time for that of a day; other types stay unchanged.
fn time_type(ty: &DataType) -> DataType {
    if ty.is_date() { DataType::Datetime(TimeUnit::Microseconds, None) } else { ty.clone() }
}

/// Returns NaN for rows where the second column is NaN, else the value of the first.
fn or_nan(value: &Column, other: &Column) -> PolarsResult<Column> {
    if !value.dtype().is_float() || !other.dtype().is_float() {
        return Ok(value.clone());
    }
    let rows = common_len(value, other);
    let (values, others) = (distinct_values(value), distinct_values(other));
    let others = others.cast(&DataType::Float64)?;
    let is_nan = others.f64()?.is_nan();
    let nan = Series::new(PlSmallStr::EMPTY, [f64::NAN]).cast(values.dtype())?;
    let found = nan.zip_with(&is_nan, &values)?.with_name(value.name().clone());
    Ok(if found.len() == rows { found } else { found.new_from_index(0, rows) }.into_column())
}

/// Returns the sum of integers; fails if it differs from their sum as fractions.
fn check_sum(sum: &Column, fractions: &Column) -> PolarsResult<Column> {
    let sum = widen(sum)?;
    if *sum.dtype() != DataType::Int64 || fractions.dtype().is_null() {
        return Ok(sum);
    }
    let fractions = fractions.cast(&DataType::Float64)?;
    for (sum, expected) in sum.i64()?.iter().zip(fractions.f64()?.iter()) {
        let (Some(sum), Some(expected)) = (sum, expected) else { continue };
        if (sum as f64 - expected).abs() > MAX_SUM_DIFFERENCE {
            polars_bail!(
                ComputeError: "a SUM of about {expected:e} does not fit into an integer of 64 \
                bits; write SUM(CAST(… AS DOUBLE))"
            );
        }
    }
    Ok(sum)
}

/// Returns null for empty texts.
fn null_if_empty(texts: &Column) -> PolarsResult<Column> {
    match texts.dtype() {
        DataType::String => Ok(memoize::empty_to_null(texts.str()?).into_column()),
        DataType::Null => Ok(texts.clone()),
        other => polars_bail!(
            InvalidOperation: "NULLIF(…, '') needs a text, and {} has the type {other}",
            texts.name()
        ),
    }
}

/// Returns the type of the first value that is not null.
fn coalesced_type(types: &[&DataType]) -> PolarsResult<DataType> {
    if types.iter().all(|ty| **ty == DataType::String || ty.is_null()) {
        return Ok(DataType::String);
    }
    let columns: Vec<Column> =
        types.iter().map(|ty| Column::new_empty(PlSmallStr::EMPTY, ty)).collect();
    Ok(coalesce_by_engine(&columns.iter().collect::<Vec<_>>())?.dtype().clone())
}

/// Returns the first value of each row that is not null.
fn coalesce_columns_of(columns: &[&Column]) -> PolarsResult<Column> {
    let types: Vec<&DataType> = columns.iter().map(|column| column.dtype()).collect();
    if coalesced_type(&types)? != DataType::String {
        return coalesce_by_engine(columns);
    }
    let height = columns.iter().map(|column| column.len()).find(|len| *len != 1).unwrap_or(1);
    let texts = columns.iter().map(|column| distinct_values(column).cast(&DataType::String));
    let texts = texts.collect::<PolarsResult<Vec<Series>>>()?;
    let texts = texts.iter().map(|texts| texts.str()).collect::<PolarsResult<Vec<_>>>()?;
    let chosen = picked_texts::coalesce_texts(&texts)?.into_series();
    Ok(if chosen.len() == height { chosen } else { chosen.new_from_index(0, height) }.into_column())
}

fn coalesce_by_engine(columns: &[&Column]) -> PolarsResult<Column> {
    let height = columns.iter().map(|column| column.len()).find(|len| *len != 1).unwrap_or(1);
    let named = columns.iter().enumerate().map(|(at, column)| {
        let all = match column.len() == height {
            true => Column::clone(column),
            false => column.new_from_index(0, height),
        };
        all.with_name(PlSmallStr::from_string(at.to_string()))
    });
    let frame = DataFrame::new(height, named.collect())?;
    let names: Vec<Expr> = frame.get_column_names_owned().into_iter().map(col).collect();
    let name = columns.first().map(|column| column.name().clone()).unwrap_or_default();
    let result = frame.lazy().select([coalesce(&names).alias(name)]).collect()?;
    Ok(result.columns().first().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the values of a SELECT over the table `t`.
    fn select(table: &DataFrame, sql: &str) -> PolarsResult<Column> {
        let mut context = new_context();
        context.register("t", table.clone().lazy());
        let frame = context.execute(sql)?.collect()?;
        Ok(frame.columns()[0].clone())
    }

    #[test]
    fn division_by_every_constant_is_exact() {
        let whole: Vec<i64> = (-50..=50).collect();
        for divisor in 2..=1000_i64 {
            let product: Vec<i64> = whole.iter().map(|number| number * divisor).collect();
            let table = df!("n" => product).unwrap();
            for constant in [format!("{divisor}"), format!("{divisor}.0")] {
                let sql = format!("SELECT \"exact /\"(n, {constant}) AS x FROM t");
                let quotients = select(&table, &sql).unwrap();
                let expected = whole.iter().map(|number| *number as f64);
                assert!(quotients.f64().unwrap().into_no_null_iter().eq(expected), "{constant}");
            }
        }
    }

    #[test]
    fn integers_of_any_width_are_calculated_in_64_bits() {
        let table = df!("n" => [Some(2_000_000_000_i32), None], "u" => [1_u32, 2]).unwrap();
        let sum = select(&table, "SELECT \"exact +\"(n, n) AS x FROM t").unwrap();
        assert_eq!(Vec::from(sum.i64().unwrap()), [Some(4_000_000_000), None]);
        let less = select(&table, "SELECT \"exact -\"(u, 5) AS x FROM t").unwrap();
        assert_eq!(Vec::from(less.i64().unwrap()), [Some(-4), Some(-3)]);
        let product = select(&table, "SELECT \"exact *\"(n, NULL) AS x FROM t").unwrap();
        assert_eq!(product.null_count(), 2);
        let fraction = select(&table, "SELECT \"exact *\"(u, 0.5) AS x FROM t").unwrap();
        assert_eq!(Vec::from(fraction.f64().unwrap()), [Some(0.5), Some(1.0)]);
        let empty = table.head(Some(0));
        assert_eq!(select(&empty, "SELECT \"exact *\"(u, 2) AS x FROM t").unwrap().len(), 0);
    }

    #[test]
    fn results_beyond_64_bits_are_errors_except_for_nulls() {
        let table = df!("n" => [i64::MAX, 1], "m" => [1_i64, 2]).unwrap();
        for (sql, message) in [
            ("SELECT \"exact +\"(n, m) AS x FROM t", "9223372036854775807 + 1 does not fit"),
            ("SELECT \"exact -\"(-2, n) AS x FROM t", "-2 - 9223372036854775807 does not fit"),
            ("SELECT \"exact *\"(n, 3) AS x FROM t", "9223372036854775807 * 3 does not fit"),
            (
                "SELECT \"exact sum\"(SUM(n), SUM(CAST(n AS DOUBLE))) AS x FROM \
                 (SELECT n FROM t UNION ALL SELECT n FROM t) AS u",
                "a SUM of about 1.8446744073709552e19 does not fit",
            ),
        ] {
            match select(&table, sql) {
                Ok(found) => panic!("{sql}: {found:?}"),
                Err(error) => assert!(error.to_string().contains(message), "{sql}: {error}"),
            }
        }
        let hidden = Int64Chunked::from_vec("n".into(), vec![i64::MAX, 1]);
        let hidden = hidden.set(&BooleanChunked::new("".into(), [true, false]), None).unwrap();
        let table = DataFrame::new(2, vec![hidden.into_series().into_column()]).unwrap();
        let sum = select(&table, "SELECT \"exact *\"(n, 4611686018427387904) AS x FROM t").unwrap();
        assert_eq!(Vec::from(sum.i64().unwrap()), [None, Some(1 << 62)]);
    }

    #[test]
    fn dates_and_times_are_calculated_by_the_engine() {
        let table = df!("day" => [20_513_i32, 20_514], "n" => [1_i64, 2]).unwrap().lazy();
        let table = table.with_column(col("day").cast(DataType::Date)).collect().unwrap();
        let sql = "SELECT \"exact -\"(day, DATE '2026-03-01') AS x FROM t";
        let days = select(&table, sql).unwrap();
        assert!(days.dtype().is_duration(), "{days:?}");
    }

    #[test]
    fn nan_is_greater_than_every_number() {
        let table = df!("n" => [Some(1.0), None, Some(f64::NAN)], "m" => [2.0, f64::NAN, 3.0]);
        let sql = "SELECT \"exact or nan\"(\"exact or nan\"(GREATEST(n, m, 2), n), m) AS x FROM t";
        let found = select(&table.unwrap(), sql).unwrap();
        let found: Vec<String> =
            found.f64().unwrap().iter().map(|number| format!("{number:?}")).collect();
        assert_eq!(found, ["Some(2.0)", "Some(NaN)", "Some(NaN)"]);
    }

    #[test]
    fn hours_after_a_day_are_a_time() {
        let table = df!("day" => [20_513_i32]).unwrap().lazy();
        let table = table.with_column(col("day").cast(DataType::Date)).collect().unwrap();
        let time = select(&table, "SELECT \"exact time\"(day) + INTERVAL '2 hours' AS x FROM t");
        assert_eq!(time.unwrap().get(0).unwrap().to_string(), "2026-03-01 02:00:00");
    }

    #[test]
    fn parts_of_texts_have_at_most_the_whole_text() {
        let table = df!("s" => [Some("Rep 0"), Some("ß日"), None], "n" => [6_i64, 1, 1]).unwrap();
        for (call, expected) in [
            ("\"exact right\"(s, 6)", [Some("Rep 0"), Some("ß日"), None]),
            ("\"exact right\"(s, 1)", [Some("0"), Some("日"), None]),
            ("\"exact right\"(s, -1)", [Some("ep 0"), Some("日"), None]),
            ("\"exact right\"(s, 0)", [Some(""), Some(""), None]),
            ("\"exact left\"(s, n)", [Some("Rep 0"), Some("ß"), None]),
            ("\"exact left\"(s, -1)", [Some("Rep "), Some("ß"), None]),
            ("\"exact left\"(s, 0)", [Some(""), Some(""), None]),
        ] {
            let part = select(&table, &format!("SELECT {call} AS x FROM t")).unwrap();
            assert_eq!(Vec::from(part.str().unwrap()), expected, "{call}");
        }
    }
}
