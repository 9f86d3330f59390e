//! The result of a query: columns, and rows of typed cells. Every output format starts from it.

/// Kind of the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Text; nested values are JSON text.
    Text,
    /// Integers.
    Int,
    /// Floating-point numbers.
    Float,
    /// True or false.
    Bool,
    /// Instants, shown in the time zone of the report.
    Time,
    /// Local times without a time zone.
    LocalTime,
    /// Dates.
    Date,
}

impl CellKind {
    /// Returns true for numbers, which are aligned to the right.
    pub fn is_number(self) -> bool {
        matches!(self, CellKind::Int | CellKind::Float)
    }
}

/// Value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Unknown or not applicable.
    Null,
    /// Text.
    Text(String),
    /// Integer.
    Int(i64),
    /// Floating-point number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Instant.
    Time {
        /// Microseconds since 1970 (UTC).
        us: i64,
    },
    /// Local time without a time zone.
    LocalTime {
        /// Microseconds since 1970-01-01T00:00:00 on the same clock.
        us: i64,
    },
    /// Date.
    Date {
        /// Days since 1970-01-01.
        days: i32,
    },
}

/// Column of a grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridColumn {
    /// Name, unique in the grid.
    pub name: String,
    /// Kind of its cells; any of them can be [`Cell::Null`].
    pub kind: CellKind,
}

/// Table of values. Every row has one cell for each column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    /// Columns from left to right.
    pub columns: Vec<GridColumn>,
    /// Rows in their final order.
    pub rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// Creates a grid with these columns and no rows.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, CellKind)>) -> Grid {
        let columns = columns
            .into_iter()
            .map(|(name, kind)| GridColumn { name: name.to_owned(), kind })
            .collect();
        Grid { columns, rows: Vec::new() }
    }

    /// Returns the position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// Chart of the rows, with the names of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chart {
    /// One bar for each row.
    Bars {
        /// Column of the length of a bar.
        value: String,
    },
    /// One line for each column of values.
    Lines {
        /// Columns of the vertical axis.
        values: Vec<String>,
        /// Column of the horizontal axis.
        over: String,
    },
    /// Heatmap with one shaded cell for each row.
    Heatmap {
        /// Column of the darkness of a cell.
        value: String,
        /// Column of the horizontal position.
        over: String,
        /// Column of the vertical position.
        by: String,
    },
}

impl Chart {
    /// Parses `bars VALUE`, `lines A, B over X` or `heat VALUE over X by Y` from the header of a
    /// report.
    ///
    /// # Errors
    ///
    /// The problem with the text, and the valid forms.
    pub fn parse(text: &str) -> Result<Chart, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (kind, rest) = words.split_first().unwrap_or((&"", &[]));
        let chart = match *kind {
            "bars" => parse_column_name(rest, "VALUE").map(|value| Chart::Bars { value }),
            "lines" => parse_lines(rest),
            "heat" => parse_heatmap(rest),
            "" => Err("the text is empty".to_owned()),
            other => Err(format!("unknown kind {other:?}")),
        };
        chart.map_err(|problem| {
            format!(
                "chart {text:?}: {problem}; write `bars VALUE`, `lines A, B over X` or \
                 `heat VALUE over X by Y`"
            )
        })
    }

    /// Returns the names of all columns of the chart.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Chart::Bars { value } => vec![value],
            Chart::Lines { values, over } => {
                values.iter().chain([over]).map(String::as_str).collect()
            }
            Chart::Heatmap { value, over, by } => vec![value, over, by],
        }
    }

    /// Returns true if a grid has all columns of the chart.
    pub fn has_columns_in(&self, grid: &Grid) -> bool {
        self.columns().iter().all(|name| grid.position(name).is_some())
    }
}

fn parse_lines(words: &[&str]) -> Result<Chart, String> {
    let (values, over) = split_at_word(words, "over")?;
    let values = values.join(" ");
    let values = values.split(',').map(|value| parse_column_name(&[value.trim()], "A"));
    Ok(Chart::Lines {
        values: values.collect::<Result<_, _>>()?,
        over: parse_column_name(over, "X")?,
    })
}

fn parse_heatmap(words: &[&str]) -> Result<Chart, String> {
    let (value, axes) = split_at_word(words, "over")?;
    let (over, by) = split_at_word(axes, "by")?;
    Ok(Chart::Heatmap {
        value: parse_column_name(value, "VALUE")?,
        over: parse_column_name(over, "X")?,
        by: parse_column_name(by, "Y")?,
    })
}

/// Returns the words before and after a word.
fn split_at_word<'w>(
    words: &'w [&str],
    at: &str,
) -> Result<(&'w [&'w str], &'w [&'w str]), String> {
    let found = words.iter().position(|word| *word == at).ok_or(format!("`{at}` is missing"))?;
    Ok((&words[..found], &words[found + 1..]))
}

/// Returns the name of a single column; `role` names it in errors.
fn parse_column_name(words: &[&str], role: &str) -> Result<String, String> {
    match words.join(" ") {
        name if name.is_empty() => Err(format!("the column {role} is missing")),
        name if name.contains([' ', ',']) => Err(format!("{name:?} is not the name of one column")),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_of_headers_are_parsed() {
        let bars = Chart::parse("bars views").unwrap();
        assert_eq!(bars, Chart::Bars { value: "views".into() });
        let lines = Chart::parse(" lines  views,viewers , opens over  day ").unwrap();
        let values = ["views", "viewers", "opens"].map(str::to_owned).into();
        assert_eq!(lines, Chart::Lines { values, over: "day".into() });
        let heat = Chart::parse("heat views over hour by weekday").unwrap();
        let [value, over, by] = ["views", "hour", "weekday"].map(str::to_owned);
        assert_eq!(heat, Chart::Heatmap { value, over, by });
        assert_eq!(heat.columns(), ["views", "hour", "weekday"]);
        assert_eq!(lines.columns(), ["views", "viewers", "opens", "day"]);
    }

    #[test]
    fn invalid_charts_are_errors_with_the_problem() {
        for (text, problem) in [
            ("", "the text is empty"),
            ("pie views", "unknown kind \"pie\""),
            ("bars", "the column VALUE is missing"),
            ("bars views viewers", "\"views viewers\" is not the name of one column"),
            ("lines views", "`over` is missing"),
            ("lines over day", "the column A is missing"),
            ("lines views, over day", "the column A is missing"),
            ("lines views over", "the column X is missing"),
            ("heat views over hour", "`by` is missing"),
            ("heat views over by weekday", "the column X is missing"),
            ("heat views over hour by", "the column Y is missing"),
        ] {
            let message = Chart::parse(text).unwrap_err();
            assert!(
                message.contains(problem) && message.contains("`bars VALUE`"),
                "{text:?}: {message}"
            );
        }
    }
}
