//! A finished result: headers and typed cells, row by row.
//!
//! Owns: the few kinds of values that a reader of a report can meet. It is what every query ends
//! in and what every output format starts from, so that formats and reports never multiply. Must
//! not know anything else: no engine, no terminal, no time zone.

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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

impl Kind {
    /// Whether the column is read by its digits, and so belongs to the right.
    pub fn is_number(self) -> bool {
        matches!(self, Kind::Int | Kind::Float)
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
pub struct Column {
    /// Its name, unique in the grid.
    pub name: String,
    /// What its cells are; [`Cell::Null`] may stand in any of them.
    pub kind: Kind,
}

/// A table of values. Every row has as many cells as there are columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// The rows, in their final order.
    pub rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// An empty grid with the columns given.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Kind)>) -> Grid {
        let columns = columns
            .into_iter()
            .map(|(name, kind)| Column { name: name.to_owned(), kind })
            .collect();
        Grid { columns, rows: Vec::new() }
    }
}

/// How a grid is best drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chart {
    /// A bar for each row.
    Bars {
        /// The column that gives its length.
        value: String,
    },
    /// A line for each column.
    Lines {
        /// The columns drawn.
        values: Vec<String>,
        /// The column along which they are drawn.
        over: String,
    },
    /// A field of shades.
    Heat {
        /// The column that gives the shade.
        value: String,
        /// The column that goes from left to right.
        over: String,
        /// The column that goes downwards.
        by: String,
    },
}

impl Chart {
    /// Reads `bars VALUE`, `lines A, B over X` or `heat VALUE over X by Y`. An error is what is
    /// wrong with it.
    pub fn parse(text: &str) -> Result<Chart, String> {
        let form = || {
            format!(
                "chart is `bars VALUE`, `lines A, B over X` or `heat VALUE over X by Y`, not {text:?}"
            )
        };
        let (kind, rest) = text.split_once(' ').ok_or_else(form)?;
        let own = str::to_owned;
        Ok(match kind {
            "bars" => Chart::Bars { value: own(rest.trim()) },
            "lines" => {
                let (values, over) = rest.split_once(" over ").ok_or_else(form)?;
                let values = values.split(',').map(|value| own(value.trim())).collect();
                Chart::Lines { values, over: own(over.trim()) }
            }
            "heat" => {
                let (value, rest) = rest.split_once(" over ").ok_or_else(form)?;
                let (over, by) = rest.split_once(" by ").ok_or_else(form)?;
                Chart::Heat { value: own(value.trim()), over: own(over.trim()), by: own(by.trim()) }
            }
            _ => return Err(form()),
        })
    }
}
