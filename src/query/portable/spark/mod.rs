//! The words of Spark, from 3.5 on, with ANSI mode on (as 4 has it) or off.
//!
//! Owns: how Spark spells what views are made of; [`statement`] does the same for statements. Must
//! not know the views.

mod statement;

use chrono::{DateTime, SecondsFormat};
use polars::prelude::*;
use sqlparser::ast::Statement;

use crate::query::engine::scan;
use crate::query::portable::dialect::SqlDialect;

pub struct SparkDialect;

impl SqlDialect for SparkDialect {
    /// Without the zone, an instant that meets a time on a clock would be taken to the clocks of
    /// the cluster.
    fn preamble(&self) -> &'static str {
        "-- The views of pbi-analyze over the files of its store, for Spark.\n\
         -- Statements end in a semicolon at the end of a line, and it stands nowhere else.\n\
         SET TIME ZONE 'UTC';\n"
    }

    /// With the columns named, since Spark would take those of one file for those of all, and read
    /// the ends of all files to do better.
    fn files_view(&self, view: &str, paths: &[String]) -> String {
        let columns = scan::table_schema().iter();
        let columns: Vec<String> =
            columns.map(|(name, ty)| format!("`{name}` {}", column_type(ty))).collect();
        let (columns, path) = (columns.join(", "), self.text_literal(&path_glob(paths)));
        format!(
            "CREATE OR REPLACE TEMP VIEW {view} ({columns})\n\
             USING parquet OPTIONS (path {path});\n"
        )
    }

    /// A backslash begins an escape here. Two quotes are one in Spark 4 and none in Spark 3, where
    /// such texts are joined; `${…}` is a variable even in a text.
    fn text_literal(&self, text: &str) -> String {
        let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace("${", "\\u0024{");
        format!("'{}'", text.replace('\n', "\\n").replace('\r', "\\r"))
    }

    /// A timestamp is an instant here, and a time on a clock has a name of its own.
    fn type_name(&self, name: &str) -> String {
        match name {
            "text" => "STRING".to_owned(),
            "timestamp" => "TIMESTAMP_NTZ".to_owned(),
            "timestamptz" => "TIMESTAMP".to_owned(),
            other => other.to_uppercase(),
        }
    }

    fn instant_literal(&self, us: i64) -> String {
        let text = DateTime::from_timestamp_micros(us)
            .map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true));
        // One out of all bounds is no instant, and refused by Spark.
        format!("TIMESTAMP '{}'", text.unwrap_or_default())
    }

    fn local_time_literal(&self, us: i64) -> String {
        let text = DateTime::from_timestamp_micros(us)
            .map(|time| time.format("%Y-%m-%d %H:%M:%S%.6f").to_string());
        format!("TIMESTAMP_NTZ '{}'", text.unwrap_or_default())
    }

    fn epoch_us(&self, instant: &str) -> String {
        format!("unix_micros({instant})")
    }

    fn to_local_time(&self, zone: &str, instant: &str) -> String {
        let utc = format!("CAST({instant} AS TIMESTAMP_NTZ)");
        match zone {
            "UTC" => utc,
            zone => format!("convert_timezone('UTC', {}, {utc})", self.text_literal(zone)),
        }
    }

    fn epoch_day(&self, date: &str) -> String {
        format!("CAST(unix_date({date}) AS BIGINT)")
    }

    /// `weekday` begins with Monday as 0.
    fn weekday(&self, time: &str) -> String {
        format!("CAST(weekday({time}) + 1 AS BIGINT)")
    }

    /// `date_format` has no letters for a week since Spark 3.
    fn iso_week(&self, time: &str) -> String {
        let (year, week) =
            (format!("EXTRACT(YEAROFWEEK FROM {time})"), format!("EXTRACT(WEEK FROM {time})"));
        format!("CONCAT(CAST({year} AS STRING), '-W', LPAD(CAST({week} AS STRING), 2, '0'))")
    }

    fn month(&self, time: &str) -> String {
        format!("date_format({time}, 'yyyy-MM')")
    }

    /// Java's `$` passes over a line feed at the end of a text; `\z` does not.
    fn matches_regex(&self, text: &str, pattern: &str) -> String {
        format!("regexp_like({text}, {})", self.text_literal(&format!("^(?:{pattern})\\z")))
    }

    fn explode(&self, list: &str) -> String {
        format!("explode({list})")
    }

    fn render_statement(&self, statement: &Statement) -> PolarsResult<String> {
        statement::render(statement, self)
    }
}

/// The type of a column of the table.
fn column_type(ty: &DataType) -> String {
    match ty {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Datetime(..) => "TIMESTAMP".to_owned(),
        DataType::List(item) => format!("ARRAY<{}>", column_type(item)),
        DataType::Struct(members) => {
            let member = |of: &Field| format!("`{}`: {}", of.name(), column_type(of.dtype()));
            format!("STRUCT<{}>", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        _ => "STRING".to_owned(),
    }
}

/// The pattern that these files alone fit: a view can name one path only.
fn path_glob(paths: &[String]) -> String {
    let escaped = |path: &str| {
        let is_special = |letter: char| "{}[]*?,\\".contains(letter);
        let letters = path.chars().map(|letter| match is_special(letter) {
            true => format!("\\{letter}"),
            false => letter.to_string(),
        });
        letters.collect::<String>()
    };
    let folder = common_folder(paths);
    let rest: Vec<String> = paths.iter().map(|path| escaped(&path[folder.len()..])).collect();
    match &rest[..] {
        [one] => format!("{}{one}", escaped(folder)),
        several => format!("{}{{{}}}", escaped(folder), several.join(",")),
    }
}

/// The folder that all of these are in, with the slash behind it; nothing if there is none.
fn common_folder(paths: &[String]) -> &str {
    let first = paths.first().map_or("", String::as_str);
    let slashes = first.rmatch_indices('/').map(|(at, _)| &first[..=at]);
    let mut folders = slashes.filter(|folder| paths.iter().all(|path| path.starts_with(folder)));
    folders.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_no_end_of_a_line_and_nothing_that_spark_would_put_in() {
        for (text, expected) in [
            ("a", "'a'"),
            ("it's", r"'it\'s'"),
            (r"a\%", r"'a\\%'"),
            ("a;\nb\r", r"'a;\nb\r'"),
            ("${env:HOME} $5", r"'\u0024{env:HOME} $5'"),
        ] {
            assert_eq!(SparkDialect.text_literal(text), expected);
        }
    }

    #[test]
    fn a_pattern_fits_the_files_and_no_others() {
        let paths =
            |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        for (given, expected) in [
            (paths(&["/s/m=1/a", "/s/m=2/b"]), "/s/{m=1/a,m=2/b}"),
            (paths(&["/s/m=1/a", "/s/m=1/ab"]), "/s/m=1/{a,ab}"),
            (paths(&["/s/m=1/a"]), "/s/m=1/a"),
            (paths(&["/a,b/{c}/x", "/a,b/{c}/y*"]), r"/a\,b/\{c\}/{x,y\*}"),
            (paths(&["x", "y"]), "{x,y}"),
        ] {
            assert_eq!(path_glob(&given), expected);
        }
    }
}
