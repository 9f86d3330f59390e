//! A finished result: headers and typed cells, row by row.
//!
//! Owns: the few kinds of values that a reader of a report can meet. It is what every query ends
//! in and what every output format starts from, so that formats and reports never multiply. Must
//! not know anything else: no engine, no terminal, no time zone.

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Words; nested values are JSON text.
    Text,
    /// Whole numbers.
    Int,
    /// Fractions.
    Float,
    /// True or false.
    Bool,
    /// Instants, shown in the time zone of the report.
    Time,
    /// Wall-clock times, which carry no zone.
    LocalTime,
    /// Calendar days.
    Date,
}

impl CellKind {
    /// Whether the column is read by its digits, and so belongs to the right.
    pub fn is_number(self) -> bool {
        matches!(self, CellKind::Int | CellKind::Float)
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing is known, or nothing applies.
    Null,
    /// Words.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// An instant.
    Time {
        /// Microseconds since 1970 (UTC).
        us: i64,
    },
    /// A wall-clock time.
    LocalTime {
        /// Microseconds since 1970-01-01T00:00:00 on the same clock.
        us: i64,
    },
    /// A calendar day.
    Date {
        /// Days since 1970-01-01.
        days: i32,
    },
}

/// One column: its header and what its cells are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridColumn {
    /// Its name, unique in the grid.
    pub name: String,
    /// What its cells are; [`Cell::Null`] may stand in any of them.
    pub kind: CellKind,
}

/// A table of values. Every row has as many cells as there are columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    /// The columns, left to right.
    pub columns: Vec<GridColumn>,
    /// The rows, in their final order.
    pub rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// An empty grid with the columns given.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, CellKind)>) -> Grid {
        let columns = columns
            .into_iter()
            .map(|(name, kind)| GridColumn { name: name.to_owned(), kind })
            .collect();
        Grid { columns, rows: Vec::new() }
    }
}

/// How the rows are best drawn, by the names of the columns that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chart {
    /// A bar for the value of each row.
    Bars {
        /// Its length.
        value: String,
    },
    /// One line through all rows for each value.
    Lines {
        /// What goes up and down.
        values: Vec<String>,
        /// What goes from left to right.
        over: String,
    },
    /// A plane of shaded cells, one for each row.
    Heatmap {
        /// How dark a cell is.
        value: String,
        /// Which column of the plane it is in.
        over: String,
        /// Which line of the plane it is in.
        by: String,
    },
}

impl Chart {
    /// Reads `bars VALUE`, `lines A, B over X` or `heat VALUE over X by Y`, as it stands in the
    /// header of a report.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, and what is right.
    pub fn parse(text: &str) -> Result<Chart, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (kind, rest) = words.split_first().unwrap_or((&"", &[]));
        let chart = match *kind {
            "bars" => parse_column_name(rest, "VALUE").map(|value| Chart::Bars { value }),
            "lines" => parse_lines(rest),
            "heat" => parse_heatmap(rest),
            "" => Err("it is empty".to_owned()),
            other => Err(format!("there is no kind {other:?}")),
        };
        chart.map_err(|wrong| {
            format!(
                "chart {text:?}: {wrong}; write `bars VALUE`, `lines A, B over X` or \
                 `heat VALUE over X by Y`"
            )
        })
    }

    /// The names of all columns that it takes.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Chart::Bars { value } => vec![value],
            Chart::Lines { values, over } => {
                values.iter().chain([over]).map(String::as_str).collect()
            }
            Chart::Heatmap { value, over, by } => vec![value, over, by],
        }
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
    let (value, plane) = split_at_word(words, "over")?;
    let (over, by) = split_at_word(plane, "by")?;
    Ok(Chart::Heatmap {
        value: parse_column_name(value, "VALUE")?,
        over: parse_column_name(over, "X")?,
        by: parse_column_name(by, "Y")?,
    })
}

/// What stands before and behind a word.
fn split_at_word<'w>(
    words: &'w [&str],
    at: &str,
) -> Result<(&'w [&'w str], &'w [&'w str]), String> {
    let found = words.iter().position(|word| *word == at).ok_or(format!("it has no `{at}`"))?;
    Ok((&words[..found], &words[found + 1..]))
}

/// The name of one column, where `role` says which.
fn parse_column_name(words: &[&str], role: &str) -> Result<String, String> {
    match words.join(" ") {
        name if name.is_empty() => Err(format!("the column {role} is missing")),
        name if name.contains([' ', ',']) => Err(format!("{name:?} is not one column")),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_read_as_it_stands_in_a_header() {
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
    fn what_is_no_chart_is_refused_with_what_is_wrong() {
        for (text, wrong) in [
            ("", "it is empty"),
            ("pie views", "no kind \"pie\""),
            ("bars", "the column VALUE is missing"),
            ("bars views viewers", "\"views viewers\" is not one column"),
            ("lines views", "it has no `over`"),
            ("lines over day", "the column A is missing"),
            ("lines views, over day", "the column A is missing"),
            ("lines views over", "the column X is missing"),
            ("heat views over hour", "it has no `by`"),
            ("heat views over by weekday", "the column X is missing"),
            ("heat views over hour by", "the column Y is missing"),
        ] {
            let told = Chart::parse(text).unwrap_err();
            assert!(told.contains(wrong) && told.contains("`bars VALUE`"), "{text:?}: {told}");
        }
    }
}
