//! The event that its copies are together.
//!
//! Of each field, all values that the copies have are collected. A value that says less than
//! another one is dropped, and of the others the one with the highest rank counts. The remaining
//! ones are conflicts, which the row keeps in the column `Copies`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::copy::EventCopy;
use super::value_rank::{Content, RankedValue, is_annotation};
use crate::column::field_lookup::name_rank;
use crate::record::{Object, Parser, Value, json, time};
use crate::schema::{column_index, columns};

/// Compares the names of two sources: folder by folder, then by the name of the file. The first
/// source with a copy of an event is the event's `SourceFile`.
pub fn source_order(one: &str, other: &str) -> Ordering {
    one.split('/').cmp(other.split('/'))
}

/// A value of a field, and the first source that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FieldValue {
    value: RankedValue,
    source: String,
}

/// A value of a copy that is not in the event, since another copy contradicts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldConflict<'e> {
    /// The field.
    pub field: &'e str,
    /// The value in the event, as JSON. If its name occurs several times, all its values.
    pub kept: &'e [String],
    /// The other value.
    pub lost: &'e [String],
    /// The first source with the other value.
    pub source: &'e str,
}

/// The memory for reading copies.
#[derive(Default)]
pub struct CopyParsers {
    outer: Parser,
    /// Parses values that are JSON texts.
    inner: Parser,
}

/// The event that its copies are together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedEvent {
    pub(in crate::column) time_us: i64,
    pub(in crate::column) id: String,
    pub(in crate::column) source: (String, String),
    /// The values of each field, the one that counts first.
    fields: BTreeMap<String, Vec<FieldValue>>,
}

impl MergedEvent {
    /// Reads a copy.
    ///
    /// # Errors
    ///
    /// A message if the copy is not a JSON object.
    pub fn from_copy(
        copy: &EventCopy<'_>,
        parsers: &mut CopyParsers,
    ) -> Result<MergedEvent, String> {
        let CopyParsers { outer: parser, inner } = parsers;
        let mut merged = MergedEvent {
            time_us: copy.time_us,
            id: copy.id.to_owned(),
            source: (copy.source.0.to_owned(), copy.source.1.to_owned()),
            fields: BTreeMap::new(),
        };
        let parsed = parser.parse(copy.event, |record| match record.root() {
            Value::Object(object) => {
                merged.add_members(object, inner);
                true
            }
            _ => false,
        });
        if !parsed.map_err(|error| error.reason)? {
            return Err("a copy of an event is not a JSON object".to_owned());
        }
        if !copy.copies.is_empty() {
            let parsed = parser.parse(copy.copies.as_bytes(), |record| match record.root() {
                Value::Object(object) => merged.add_known_copies(object, inner),
                _ => None,
            });
            let message = || "the column Copies is not what this program writes".to_owned();
            parsed.map_err(|error| error.reason)?.ok_or_else(message)?;
        }
        merged.settle();
        Ok(merged)
    }

    fn add_members(&mut self, object: Object<'_>, inner: &mut Parser) {
        for (name, values) in members_by_key(object) {
            let value = RankedValue::new(column_type(&name), &values, inner);
            let source = self.source.0.clone();
            self.fields.entry(name).or_default().push(FieldValue { value, source });
        }
    }

    /// Adds what the column `Copies` says; `None` if it is malformed.
    fn add_known_copies(&mut self, object: Object<'_>, inner: &mut Parser) -> Option<()> {
        if let Some(Value::Object(sources)) = object.member("sources") {
            for (field, source) in sources.members() {
                let Value::Text(source) = source else { return None };
                // `forget` may have removed the field.
                if let Some(value) = self.fields.get_mut(field).and_then(|v| v.first_mut()) {
                    value.source = source.to_owned();
                }
            }
        }
        if let Some(Value::List(conflicts)) = object.member("conflicts") {
            for conflict in conflicts.items() {
                let Value::Object(conflict) = conflict else { return None };
                let (Value::Text(field), Value::Text(source)) =
                    (conflict.member("field")?, conflict.member("source")?)
                else {
                    return None;
                };
                let Value::List(values) = conflict.member("values")? else { return None };
                let values: Vec<Value<'_>> = values.items().collect();
                let value = RankedValue::new(column_type(field), &values, inner);
                let value = FieldValue { value, source: source.to_owned() };
                self.fields.entry(field.to_owned()).or_default().push(value);
            }
        }
        Some(())
    }

    /// Merges another copy of the same event.
    pub fn merge(&mut self, other: MergedEvent) {
        self.time_us = self.time_us.min(other.time_us);
        if other.id < self.id {
            self.id = other.id;
        }
        let is_earlier = |one: &(String, String), other: &(String, String)| {
            source_order(&one.0, &other.0).then_with(|| one.1.cmp(&other.1)).is_lt()
        };
        if is_earlier(&other.source, &self.source) {
            self.source = other.source;
        }
        for (field, values) in other.fields {
            self.fields.entry(field).or_default().extend(values);
        }
        self.settle();
    }

    /// Chooses the value of each field.
    fn settle(&mut self) {
        let aliases: Vec<(String, BTreeSet<String>)> = self
            .fields
            .iter()
            .filter_map(|(name, values)| Some((own_name(name).filter(|own| own != name)?, values)))
            .map(|(own, values)| {
                let meanings = values.iter().map(|value| value.value.meaning.clone());
                (own.to_owned(), meanings.collect())
            })
            .collect();
        for (name, values) in &mut self.fields {
            if values.len() > 1 {
                settle_field(name, values);
            }
        }
        // A copy that has only an alias has its value in the field itself. If another copy has
        // both names, the value is that of the alias and contradicts nothing.
        for (own, meanings) in aliases {
            let Some(values) = self.fields.get_mut(&own) else { continue };
            if values.iter().any(|value| !meanings.contains(&value.value.meaning)) {
                values.retain(|value| !meanings.contains(&value.value.meaning));
            }
        }
    }

    /// Returns the event as a JSON object.
    pub(in crate::column) fn event_json(&self) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (name, values) in &self.fields {
            for text in values.first().iter().flat_map(|value| &value.value.rank.texts) {
                if out.len() > 1 {
                    out.push(b',');
                }
                json::write_text(name, &mut out);
                out.push(b':');
                out.extend_from_slice(text.as_bytes());
            }
        }
        out.push(b'}');
        out
    }

    /// Returns the content of the column `Copies`: the sources of fields that are not in the first
    /// source, and the conflicting values. Returns `None` if there are neither.
    pub(in crate::column) fn copies_json(&self) -> Option<String> {
        let (mut sources, mut conflicts) = (Vec::new(), Vec::new());
        for (name, values) in &self.fields {
            if let Some(first) = values.first().filter(|first| first.source != self.source.0) {
                push_separator(&mut sources);
                json::write_text(name, &mut sources);
                sources.push(b':');
                json::write_text(&first.source, &mut sources);
            }
            for value in values.iter().skip(1) {
                push_separator(&mut conflicts);
                conflicts.extend_from_slice(b"{\"field\":");
                json::write_text(name, &mut conflicts);
                conflicts.extend_from_slice(b",\"values\":[");
                for (number, text) in value.value.rank.texts.iter().enumerate() {
                    if number > 0 {
                        conflicts.push(b',');
                    }
                    write_shallow(text, &mut conflicts);
                }
                conflicts.extend_from_slice(b"],\"source\":");
                json::write_text(&value.source, &mut conflicts);
                conflicts.push(b'}');
            }
        }
        if sources.is_empty() && conflicts.is_empty() {
            return None;
        }
        let mut out = vec![b'{'];
        if !sources.is_empty() {
            out.extend_from_slice(b"\"sources\":{");
            out.append(&mut sources);
            out.push(b'}');
        }
        if !conflicts.is_empty() {
            push_separator_after_brace(&mut out);
            out.extend_from_slice(b"\"conflicts\":[");
            out.append(&mut conflicts);
            out.push(b']');
        }
        out.push(b'}');
        Some(String::from_utf8_lossy(&out).into_owned())
    }

    /// Returns true if the event says more than `before`, or something else. Annotations do not
    /// count.
    pub fn improves(&self, before: &MergedEvent) -> bool {
        let meaning = |event: &MergedEvent, name: &str| {
            let value = event.fields.get(name).and_then(|values| values.first());
            let value = value.filter(|value| value.value.rank.content > Content::Blank);
            value.map(|value| value.value.meaning.clone())
        };
        let mut names = self.fields.keys().filter(|name| !is_annotation(name));
        names.any(|name| meaning(self, name) != meaning(before, name))
    }

    /// Returns the conflicting values, sorted by field.
    pub fn conflicts(&self) -> impl Iterator<Item = FieldConflict<'_>> {
        self.fields.iter().flat_map(|(field, values)| {
            let kept = values.first().map_or(&[][..], |value| &value.value.rank.texts);
            values.iter().skip(1).map(move |lost| FieldConflict {
                field,
                kept,
                lost: &lost.value.rank.texts,
                source: &lost.source,
            })
        })
    }

    /// Appends the conflicting values as JSON objects, one per line, and returns their number.
    pub fn write_conflicts(&self, out: &mut Vec<u8>) -> u64 {
        let mut count = 0;
        for conflict in self.conflicts() {
            let member = |name: &str, out: &mut Vec<u8>| {
                json::write_text(name, out);
                out.push(b':');
            };
            let time = time::to_rfc3339(self.time_us);
            let texts = [("Id", &self.id), ("CreationTime", &time)];
            let named = [("field", conflict.field), ("source", conflict.source)];
            out.push(b'{');
            for (name, text) in texts.map(|(name, text)| (name, text.as_str())).iter().chain(&named)
            {
                member(name, out);
                json::write_text(text, out);
                out.push(b',');
            }
            for (name, values) in [("kept", conflict.kept), ("lost", conflict.lost)] {
                member(name, out);
                match values {
                    [value] => out.extend_from_slice(value.as_bytes()),
                    values => out.extend_from_slice(format!("[{}]", values.join(",")).as_bytes()),
                }
                out.push(b',');
            }
            out.pop();
            out.extend_from_slice(b"}\n");
            count += 1;
        }
        count
    }

    /// Returns true if a field of the event has conflicting values.
    pub fn has_conflicts(&self) -> bool {
        self.fields.values().any(|values| values.len() > 1)
    }

    /// Returns true if `copy` contradicts the event, or the copies `before` it, in a field.
    pub fn conflicts_with(&self, copy: &MergedEvent, before: Option<&MergedEvent>) -> bool {
        let mut in_conflict = self.fields.iter().filter(|(_, values)| values.len() > 1);
        in_conflict.any(|(name, values)| {
            let Some(value) = copy.fields.get(name).and_then(|values| values.first()) else {
                return false;
            };
            let is_same = |other: &FieldValue| other.value.meaning == value.value.meaning;
            let is_new = || {
                let known = before.and_then(|before| before.fields.get(name));
                known.is_some_and(|known| !known.iter().any(is_same))
            };
            values.iter().any(is_same) && (!values.first().is_some_and(is_same) || is_new())
        })
    }
}

/// Returns the last source of a field that the column `Copies` of a row names; `None` if it names
/// none.
pub fn last_source(copies: &str) -> Option<String> {
    let parsed = Parser::default().parse(copies.as_bytes(), |record| {
        let Value::Object(object) = record.root() else { return None };
        let Some(Value::Object(sources)) = object.member("sources") else { return None };
        let sources = sources.members().filter_map(|(_, source)| match source {
            Value::Text(source) => Some(source),
            _ => None,
        });
        sources.max_by(|one, other| source_order(one, other)).map(str::to_owned)
    });
    parsed.ok().flatten()
}

fn column_type(name: &str) -> Option<&'static crate::schema::ColumnType> {
    column_index(name).map(|at| &columns()[at].ty)
}

/// Returns the own name of the column that a name belongs to.
fn own_name(name: &str) -> Option<&'static str> {
    column_index(name).map(|at| columns()[at].name)
}

/// Returns the members of an event by the field that they are. Of several names of a column, the
/// best one is the field of the column: its own name, then a name in another case, then an alias.
/// The others are fields of their own.
fn members_by_key<'v>(object: Object<'v>) -> BTreeMap<String, Vec<Value<'v>>> {
    let mut best: BTreeMap<usize, (bool, bool, &str)> = BTreeMap::new();
    let members = || {
        object.members().filter_map(|(name, value)| {
            let column = column_index(name);
            (column.is_none() || !matches!(value, Value::Null)).then_some((name, column, value))
        })
    };
    for (name, column, _) in members() {
        let Some(column) = column else { continue };
        let rank = name_rank(name, columns()[column].name);
        let known = best.entry(column).or_insert(rank);
        *known = rank.min(*known);
    }
    let mut fields: BTreeMap<String, Vec<Value<'v>>> = BTreeMap::new();
    for (name, column, value) in members() {
        let is_best = |column: usize| best.get(&column).is_some_and(|best| best.2 == name);
        let key = match column {
            Some(column) if is_best(column) => columns()[column].name,
            _ => name,
        };
        fields.entry(key.to_owned()).or_default().push(value);
    }
    fields
}

/// Removes the values of a field that others make redundant, and sorts the others by rank.
fn settle_field(name: &str, values: &mut Vec<FieldValue>) {
    let by_source = |one: &FieldValue, other: &FieldValue| source_order(&one.source, &other.source);
    values.sort_by(|one, other| {
        let by_meaning = one.value.meaning.cmp(&other.value.meaning);
        by_meaning.then_with(|| other.value.rank.cmp(&one.value.rank))
    });
    // Of values with one meaning, the highest stays, with the first source of all of them.
    let mut kept: Vec<FieldValue> = Vec::with_capacity(values.len());
    for value in values.drain(..) {
        match kept.last_mut().filter(|kept| kept.value.meaning == value.value.meaning) {
            Some(kept) if by_source(&value, kept).is_lt() => kept.source = value.source,
            Some(_) => {}
            None => kept.push(value),
        }
    }
    kept.sort_by(|one, other| other.value.rank.cmp(&one.value.rank));
    if let Some(highest) = kept.first().map(|value| value.value.rank.content) {
        if highest.can_conflict() && !is_annotation(name) {
            kept.retain(|value| value.value.rank.content == highest);
        } else {
            kept.truncate(1);
        }
    }
    *values = kept;
}

fn push_separator(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

fn push_separator_after_brace(out: &mut Vec<u8>) {
    if out.len() > 1 {
        out.push(b',');
    }
}

/// The most levels of nesting of a conflicting value. The column `Copies` adds some, and the parser
/// reads 100.
const MAX_CONFLICT_DEPTH: usize = 90;

/// Appends a value, or its JSON text as a string if it is nested too deep for the column.
fn write_shallow(text: &str, out: &mut Vec<u8>) {
    let (mut depth, mut deepest, mut in_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    match deepest <= MAX_CONFLICT_DEPTH {
        true => out.extend_from_slice(text.as_bytes()),
        false => json::write_text(text, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(source: &str, event: &str) -> MergedEvent {
        let event = event.as_bytes();
        let copy = EventCopy { time_us: 1, id: "e1", source: (source, "array"), copies: "", event };
        MergedEvent::from_copy(&copy, &mut CopyParsers::default()).unwrap()
    }

    /// Reads the event again from what its row stores.
    fn stored(merged: &MergedEvent) -> MergedEvent {
        let (event, copies) = (merged.event_json(), merged.copies_json().unwrap_or_default());
        let source = (merged.source.0.as_str(), merged.source.1.as_str());
        let copy = EventCopy { time_us: 1, id: "e1", source, copies: &copies, event: &event };
        MergedEvent::from_copy(&copy, &mut CopyParsers::default()).unwrap()
    }

    fn merged(copies: &[&MergedEvent]) -> MergedEvent {
        let mut all = copies[0].clone();
        for copy in &copies[1..] {
            all.merge((*copy).clone());
            all = stored(&all);
        }
        all
    }

    #[test]
    fn merge_is_commutative_associative_and_idempotent() {
        let copies = [
            copy("b/1", r#"{"Id":"e1","ReportName":"A","New":1,"Datasets":"System.Object[]"}"#),
            copy("a/2", r#"{"Id":"e1","ReportName":"BB","New":"1","_ts":5}"#),
            copy(
                "a-b/3",
                r#"{"Id":"e1","id":"x","ReportName":"C","Datasets":[{"DatasetId":"d"}]}"#,
            ),
            copy("c/4", r#"{"Id":"e1","ReportName":"","RecordType":"PowerBIAudit","_ts":7}"#),
            copy("d/5", r#"{"Id":"e1","id":"y","RecordType":20,"X":null,"Datasets":[]}"#),
        ];
        let [a, b, c, d, e] = &copies;
        let all = merged(&[a, b, c, d, e]);
        assert_eq!(merged(&[e, d, c, b, a]), all);
        assert_eq!(merged(&[c, a, e, b, d, a, c]), all);
        assert_eq!(merged(&[&merged(&[d, a]), &merged(&[&merged(&[b, e]), c])]), all);
        assert_eq!(all.source.0, "a/2");
        let event = String::from_utf8(all.event_json()).unwrap();
        let expected = r#"{"Datasets":[{"DatasetId":"d"}],"Id":"e1","New":1,"RecordType":20,"#;
        assert!(event.starts_with(expected), "{event}");
        assert!(event.contains(r#""ReportName":"BB""#) && event.contains(r#""X":null"#), "{event}");
        let lost: Vec<_> = all.conflicts().map(|lost| (lost.field, lost.lost[0].clone())).collect();
        let text = |text: &str| format!("{text:?}");
        assert_eq!(lost, [("ReportName", text("C")), ("ReportName", text("A")), ("id", text("x"))]);
        let sources: Vec<_> = all.conflicts().map(|lost| lost.source).collect();
        assert_eq!(sources, ["a-b/3", "b/1", "a-b/3"]);
        assert_eq!(last_source(&all.copies_json().unwrap()).as_deref(), Some("d/5"));
    }

    #[test]
    fn copy_improves_an_event_only_if_it_says_more() {
        let before = copy("a", r#"{"Id":"e1","RecordType":20,"ReportName":"A"}"#);
        for (other, improves) in [
            (r#"{"Id":"e1","RecordType":"PowerBIAudit"}"#, false),
            (r#"{"Id":"e1","_etag":"7","X@odata.type":"y","Empty":""}"#, false),
            (r#"{"Id":"e1","AppId":"p"}"#, true),
            (r#"{"Id":"e1","ReportName":"AB"}"#, true),
            (r#"{"Id":"e1","ReportName":"."}"#, false),
        ] {
            let all = merged(&[&before, &copy("b", other)]);
            assert_eq!(all.improves(&before), improves, "{other}");
        }
    }

    #[test]
    fn deep_conflicting_value_is_kept_as_text() {
        let deep = format!("{}1{}", "[".repeat(95), "]".repeat(95));
        let one = copy("a", &format!(r#"{{"Id":"e1","New":{deep}}}"#));
        let other = copy("b", &format!(r#"{{"Id":"e1","New":{}}}"#, deep.replace('1', "23")));
        let all = merged(&[&one, &other]);
        assert_eq!(all.conflicts().next().unwrap().lost, [format!("{deep:?}")]);
        assert_eq!(merged(&[&other, &one]), all);
    }
}
