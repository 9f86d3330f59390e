//! Converts the rows of a table in JSON to records.
//!
//! The Log Analytics API writes `{"tables":[{"columns":[{"name":…}],"rows":[[…]]}]}`, and pandas
//! `{"columns":[…],"data":[[…]]}`.

use serde_json::Value;
use serde_json::value::RawValue;

/// The names of the columns of a table, as JSON strings.
#[derive(Debug, Default)]
pub(super) struct TableColumns(Vec<String>);

impl TableColumns {
    /// Parses a list of names, or of objects with names. Other items have no name.
    pub(super) fn parse(list: &[u8]) -> Self {
        const NAME_MEMBERS: [&str; 4] = ["name", "Name", "ColumnName", "columnName"];
        let items: Vec<Value> = serde_json::from_slice(list).unwrap_or_default();
        let name = |item: &Value| match item {
            Value::Object(members) => {
                let name = NAME_MEMBERS.iter().find_map(|known| members.get(*known)?.as_str());
                name.unwrap_or_default().to_owned()
            }
            item => item.as_str().unwrap_or_default().to_owned(),
        };
        TableColumns(items.iter().map(|item| Value::String(name(item)).to_string()).collect())
    }

    /// Returns a row, given as a JSON list, as a JSON object.
    ///
    /// # Errors
    ///
    /// The reason for the user why the row cannot be read.
    pub(super) fn record(&self, row: &[u8]) -> Result<Vec<u8>, String> {
        let values: Vec<&RawValue> = serde_json::from_slice(row)
            .map_err(|error| format!("a row of a table that is not valid JSON: {error}"))?;
        if values.len() != self.0.len() {
            return Err(format!(
                "a row with {} values, but the table has {} columns",
                values.len(),
                self.0.len()
            ));
        }
        let mut record = vec![b'{'];
        for (number, (name, value)) in self.0.iter().zip(values).enumerate() {
            if number > 0 {
                record.push(b',');
            }
            record.extend_from_slice(name.as_bytes());
            record.push(b':');
            record.extend_from_slice(value.get().as_bytes());
        }
        record.push(b'}');
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use crate::source::json_table::*;

    #[test]
    fn rows_become_objects_with_the_names_of_the_columns() {
        let columns = TableColumns::parse(br#"[{"name":"Id","type":"string"},"a\"b",7]"#);
        let record = columns.record(br#" ["x", 1.10, {"c":[null]}]"#).unwrap();
        assert_eq!(String::from_utf8(record).unwrap(), r#"{"Id":"x","a\"b":1.10,"":{"c":[null]}}"#);
        assert!(columns.record(b"[1]").unwrap_err().contains("1 values, but the table has 3"));
        assert!(columns.record(b"[1,NaN,2]").unwrap_err().contains("not valid JSON"));
    }
}
