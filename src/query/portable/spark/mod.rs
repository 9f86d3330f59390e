//! The SQL dialect of Spark 3.5 and later, with ANSI mode on (the default of Spark 4) or off.

mod statement;

use chrono::{DateTime, SecondsFormat};
use polars::prelude::*;
use sqlparser::ast::Statement;

use crate::query::engine::scan;
use crate::query::portable::dialect::SqlDialect;

/// SQL dialect of Spark.
pub struct SparkDialect;

impl SqlDialect for SparkDialect {
    /// Sets the time zone, because Spark would convert instants to the time zone of the cluster in
    /// comparisons with local times.
    fn preamble(&self) -> &'static str {
        "-- The views of pbi-analyze over the files of its store, for Spark.\n\
         -- Each statement ends with a semicolon at the end of a line, and no other line does.\n\
         SET TIME ZONE 'UTC';\n"
    }

    /// Names the columns, because Spark would take the columns of one file for all files, or read
    /// the footers of all files.
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

    /// Escapes backslashes, quotes and `${…}`, which is a variable even in a text. Two quotes are
    /// one quote in Spark 4 and no quote in Spark 3, which joins such texts.
    fn text_literal(&self, text: &str) -> String {
        let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace("${", "\\u0024{");
        format!("'{}'", text.replace('\n', "\\n").replace('\r', "\\r"))
    }

    /// Maps the types of times: `TIMESTAMP` is an instant in Spark, `TIMESTAMP_NTZ` a local time.
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
        // Spark refuses the empty text of an instant out of range.
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

    /// Adds 1, because `weekday` is 0 for Monday.
    fn weekday(&self, time: &str) -> String {
        format!("CAST(weekday({time}) + 1 AS BIGINT)")
    }

    /// Avoids `date_format`, which cannot format weeks since Spark 3.
    fn iso_week(&self, time: &str) -> String {
        let (year, week) =
            (format!("EXTRACT(YEAROFWEEK FROM {time})"), format!("EXTRACT(WEEK FROM {time})"));
        format!("CONCAT(CAST({year} AS STRING), '-W', LPAD(CAST({week} AS STRING), 2, '0'))")
    }

    fn month(&self, time: &str) -> String {
        format!("date_format({time}, 'yyyy-MM')")
    }

    /// Ends the pattern with `\z`, because Java's `$` ignores a line feed at the end of a text.
    fn matches_regex(&self, text: &str, pattern: &str) -> String {
        format!("regexp_like({text}, {})", self.text_literal(&format!("^(?:{pattern})\\z")))
    }

    fn explode(&self, list: &str) -> String {
        format!("explode({list})")
    }

    fn only_item(&self, list: &str) -> String {
        format!("(CASE WHEN size({list}) = 1 THEN {list}[0] END)")
    }

    fn render_statement(&self, statement: &Statement) -> PolarsResult<String> {
        statement::render(statement, self)
    }
}

/// Returns the Spark type of a column of the table.
fn column_type(ty: &DataType) -> String {
    match ty {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Datetime(..) => "TIMESTAMP".to_owned(),
        DataType::List(item) => format!("ARRAY<{}>", column_type(item)),
        DataType::Struct(members) => {
            let member =
                |field: &Field| format!("`{}`: {}", field.name(), column_type(field.dtype()));
            format!("STRUCT<{}>", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        _ => "STRING".to_owned(),
    }
}

/// Returns a pattern that only these files match, because a view can have one path only.
fn path_glob(paths: &[String]) -> String {
    let escaped = |path: &str| {
        let is_special = |character: char| "{}[]*?,\\".contains(character);
        let characters = path.chars().map(|character| match is_special(character) {
            true => format!("\\{character}"),
            false => character.to_string(),
        });
        characters.collect::<String>()
    };
    let folder = common_folder(paths);
    let rest: Vec<String> = paths.iter().map(|path| escaped(&path[folder.len()..])).collect();
    match &rest[..] {
        [one] => format!("{}{one}", escaped(folder)),
        several => format!("{}{{{}}}", escaped(folder), several.join(",")),
    }
}

/// Returns the common folder of the paths, with a trailing slash; empty if there is none.
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
    fn text_literals_escape_line_ends_and_variables() {
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
    fn path_pattern_matches_only_the_files() {
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
