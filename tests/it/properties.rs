//! Generates unusual events in every container and checks the row invariant: one row per id with
//! the fields of all its copies, no loss, and accounts that add up.
//!
//! A case is an archive of some dozens of records and one run of the program, so that shrinking
//! after a failure is fast.

use std::collections::{BTreeMap, BTreeSet};

use pbi_analyze::internals::schema::{ColumnDefinition, ColumnType, column_index, columns};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::exact::Json;
use crate::normal::normal;
use crate::table;
use crate::workdir::{Records, Workdir};

pub type Members = Vec<(String, Json)>;

pub fn text() -> impl Strategy<Value = String> {
    let any = prop::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter);
    // These characters are difficult for parsers: quotes, line ends, control and joining
    // characters, high planes.
    let nasty = prop::sample::select(vec![
        "",
        "\0",
        "\"\\/\u{8}\u{c}\n\r\t\u{1f}\u{7f}",
        "a,b;\"c\"\r\nd",
        "{\"Id\":\"x\"}",
        "\u{feff}\u{2028}\u{200d}",
        "😀𝔘\u{10ffff}",
        "İstanbul ẞ ﬁ",
        "[]",
        "null",
        "1e400",
    ]);
    prop_oneof![3 => any, 2 => nasty.prop_map(str::to_owned)]
}

/// Returns numbers as text, except `-0`, which as a whole number is zero.
fn number() -> impl Strategy<Value = String> {
    let edges = prop::sample::select(vec![
        "0",
        "-1",
        "-0.0",
        "0.1000",
        "1E5",
        "1e+05",
        "1e308",
        "1e400",
        "-1e-400",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890.0123456789",
        "3.141592653589793238462643383279",
    ]);
    prop_oneof![
        2 => edges.prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => prop::num::f64::NORMAL.prop_map(|number| format!("{number:e}")),
    ]
}

fn guid() -> impl Strategy<Value = String> {
    (any::<u128>(), any::<bool>()).prop_map(|(bits, upper)| guid_of(bits, upper))
}

pub fn guid_of(bits: u128, upper: bool) -> String {
    let digits = if upper { format!("{bits:032X}") } else { format!("{bits:032x}") };
    let group = |from: usize, to: usize| digits[from..to].to_owned();
    [group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32)].join("-")
}

/// Returns times in every form of real archives.
pub fn time() -> impl Strategy<Value = String> {
    let ending = prop::sample::select(vec![
        "",
        "Z",
        ".5Z",
        ".123456",
        ".1234567Z",
        ".1234560",
        "+02:00",
        "-0530",
    ]);
    let iso = (1u32..29, 0u32..24, 0u32..60, ending).prop_map(|(day, hour, second, ending)| {
        format!("2026-03-{day:02}T{hour:02}:30:{second:02}{ending}")
    });
    let ticks = (1_772_000_000_000i64..1_775_000_000_000).prop_map(|ms| format!("/Date({ms})/"));
    prop_oneof![4 => iso, 1 => ticks]
}

/// Returns any value, nested or not.
pub fn anything() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        number().prop_map(Json::Number),
        text().prop_map(Json::Text),
        time().prop_map(Json::Text),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let members = prop::collection::btree_map(text(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Json::List),
            members.prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// Returns a value of the type of the column.
fn fitting(ty: &'static ColumnType) -> BoxedStrategy<Json> {
    let named = || prop::sample::select(vec!["Ann.Ä@X.ORG", "Anonymous", "a#EXT#@b.c"]);
    let address = || prop::sample::select(vec!["10.0.0.1", "10.0.0.1:80", "[2001:db8::1]:443", ""]);
    match ty {
        ColumnType::Text => text().prop_map(Json::Text).boxed(),
        ColumnType::Id => prop_oneof![guid(), text()].prop_map(Json::Text).boxed(),
        ColumnType::User => {
            prop_oneof![named().prop_map(str::to_owned), guid()].prop_map(Json::Text).boxed()
        }
        ColumnType::Ip => address().prop_map(Json::text).boxed(),
        ColumnType::Bool => any::<bool>().prop_map(Json::Bool).boxed(),
        ColumnType::Time => time().prop_map(Json::Text).boxed(),
        ColumnType::Int | ColumnType::RecordType | ColumnType::UserType => {
            any::<i64>().prop_map(|number| Json::Number(number.to_string())).boxed()
        }
        ColumnType::List(item) => {
            let item = prop_oneof![1 => Just(Json::Null), 5 => fitting(item)];
            prop::collection::vec(item, 0..4).prop_map(Json::List).boxed()
        }
        ColumnType::Struct(known) => {
            let member = |(name, ty): &'static (&str, ColumnType)| {
                let value = prop::option::of(fitting(ty));
                value.prop_map(|value| value.map(|value| ((*name).to_owned(), value)))
            };
            let members: Vec<_> = known.iter().map(member).collect();
            members
                .prop_map(|members| Json::Object(members.into_iter().flatten().collect()))
                .boxed()
        }
    }
}

/// Returns the columns that no test sets itself.
fn free_columns() -> Vec<&'static ColumnDefinition> {
    let planned = ["Id", "CreationTime", "RecordType", "Workload"];
    columns().iter().filter(|column| !planned.contains(&column.name)).collect()
}

pub fn spelled(name: &str, style: u8) -> String {
    match style {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => name.to_owned(),
    }
}

/// Returns a known field: its name in any case, and usually a value of its type.
pub fn known_member() -> impl Strategy<Value = (&'static ColumnDefinition, (String, Json))> {
    (prop::sample::select(free_columns()), 0u8..4).prop_flat_map(|(column, style)| {
        let value = prop_oneof![2 => fitting(&column.ty), 1 => anything().boxed()];
        let name = spelled(column.name, style);
        value.prop_map(move |value| (column, (name.clone(), value)))
    })
}

/// Returns a name that no column has; some are names that containers have around events.
fn unknown_name() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec!["value", "Count", "error", "Extra", "month"]);
    let name = prop_oneof![2 => text(), 1 => odd.prop_map(str::to_owned)];
    name.prop_filter("a name without a column", |name| {
        column_index(name).is_none() && !name.eq_ignore_ascii_case("AuditData")
    })
}

/// Returns RecordType and Workload of events that are kept.
fn kept_type() -> impl Strategy<Value = Members> {
    let number = |text: &str| Json::Number(text.to_owned());
    let types = vec![
        vec![],
        vec![("RecordType".to_owned(), number("20"))],
        vec![("recordtype".to_owned(), Json::text("PowerBIAudit"))],
        vec![("RecordType".to_owned(), Json::text("357"))],
        vec![("RecordType".to_owned(), number("20.5")), ("Workload".to_owned(), Json::Null)],
        vec![("Workload".to_owned(), Json::text("PowerBI"))],
        vec![("RecordType".to_owned(), Json::List(vec![])), ("Workload".to_owned(), number("7"))],
    ];
    prop::sample::select(types)
}

/// Returns all members of an event except its id. Names differ by more than case unless `repeated`
/// is set.
pub fn members() -> impl Strategy<Value = Members> {
    let known = prop::collection::vec(known_member(), 0..6);
    let unknown = prop::collection::btree_map(unknown_name(), anything(), 0..4);
    let parts = (time(), kept_type(), known, unknown);
    let joined = parts.prop_map(|(time, mut members, known, unknown)| {
        members.push(("CreationTime".to_owned(), Json::Text(time)));
        let mut taken = Vec::new();
        for (column, member) in known {
            if !taken.contains(&column.name) {
                taken.push(column.name);
                members.push(member);
            }
        }
        members.extend(unknown);
        members
    });
    joined.prop_shuffle()
}

/// A copy of an event in addition to its first one.
#[derive(Debug, Clone, Copy)]
enum Copy {
    Same,
    /// A copy without the member at this index.
    Poorer(usize),
    /// A copy with another value of the member at this index.
    Other(usize),
}

#[derive(Debug, Clone)]
struct Invented {
    members: Members,
    /// 0: a GUID, 1: a text, 2: a number.
    id_kind: u8,
    /// Each copy, with its file and the style that it is written in.
    copies: Vec<(Copy, usize, u8)>,
}

fn invented() -> impl Strategy<Value = Invented> {
    let copy = prop_oneof![
        4 => Just(Copy::Same),
        1 => any::<usize>().prop_map(Copy::Poorer),
        1 => any::<usize>().prop_map(Copy::Other),
    ];
    let copies = prop::collection::vec((copy, 0..FILES.len(), 0u8..3), 1..4);
    (members(), 0u8..3, copies).prop_map(|(members, id_kind, copies)| Invented {
        members,
        id_kind,
        copies,
    })
}

/// Names of the files in the order of reading.
pub const FILES: [&str; 4] = ["0.ndjson", "1.json", "2.json", "3.csv"];

/// A record of a file: its members and its style.
#[derive(Debug, Clone)]
pub struct Record {
    members: Members,
    style: u8,
}

impl Record {
    pub fn new(members: Members, style: u8) -> Self {
        Record { members, style }
    }
}

/// Returns the copies of an event with their files. All have the same id, in any case.
fn copies(event: &Invented, number: usize) -> Vec<(usize, Record)> {
    let record = |(copy, file, style): &(Copy, usize, u8)| {
        let mut members = event.members.clone();
        let is_free = |name: &str| {
            !["CreationTime", "RecordType", "Workload"]
                .iter()
                .any(|planned| planned.eq_ignore_ascii_case(name))
        };
        let free: Vec<usize> = (0..members.len()).filter(|&at| is_free(&members[at].0)).collect();
        match *copy {
            Copy::Poorer(at) if !free.is_empty() => {
                members.remove(free[at % free.len()]);
            }
            Copy::Other(at) if !free.is_empty() => {
                members[free[at % free.len()]].1 = Json::text("something else");
            }
            _ => {}
        }
        let id = match event.id_kind {
            0 => Json::Text(guid_of(number as u128 * 0xabcdef, *style == 1)),
            1 => Json::Text(format!("ид {number}")),
            _ => Json::Number(number.to_string()),
        };
        members.insert(members.len() / 2, ("Id".to_owned(), id));
        (*file, Record::new(members, *style))
    };
    event.copies.iter().map(record).collect()
}

/// Writes a string as JSON, with or without every possible escape.
fn quote(text: &str, style: u8, out: &mut String) {
    if style != 1 {
        out.push_str(&serde_json::to_string(text).expect("any text is JSON"));
        return;
    }
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' | '/' => out.extend(['\\', character]),
            character if character.is_ascii_alphanumeric() => out.push(character),
            character => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    out.push('"');
}

/// Writes a value as JSON. Style 2 writes `space` at every position where white space is allowed.
fn write(json: &Json, style: u8, space: &str, out: &mut String) {
    let space = if style == 2 { space } else { "" };
    match json {
        Json::Text(text) => quote(text, style, out),
        Json::List(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                out.push_str(space);
                write(item, style, space, out);
            }
            out.push_str(space);
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (number, (name, value)) in members.iter().enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                out.push_str(space);
                quote(name, style, out);
                out.push_str(space);
                out.push(':');
                out.push_str(space);
                write(value, style, space, out);
            }
            out.push_str(space);
            out.push('}');
        }
        leaf => out.push_str(&leaf.write()),
    }
}

/// Returns a file of records in its container.
pub fn container(file: usize, records: &[Record]) -> String {
    let space = if file == 0 { " \t" } else { "\r\n  " };
    let texts = records.iter().map(|record| {
        let mut text = String::new();
        write(&Json::Object(record.members.clone()), record.style, space, &mut text);
        text
    });
    let texts: Vec<String> = texts.collect();
    match file {
        0 => texts.iter().map(|text| format!("{text}\n")).collect(),
        1 => format!("[{}]", texts.join(",\n")),
        2 => format!(
            "{{\"activityEventEntities\": [{}],\"continuationToken\":null}}",
            texts.join(",")
        ),
        _ => {
            let row = |text: &String| format!("7,\"{}\",x\r\n", text.replace('"', "\"\""));
            format!("ResultIndex,AuditData,Note\r\n{}", texts.iter().map(row).collect::<String>())
        }
    }
}

/// Returns records that are read and not stored: of other workloads, and without a time.
fn strays() -> impl Strategy<Value = Vec<(usize, bool, Members)>> {
    prop::collection::vec((0..FILES.len(), any::<bool>(), members()), 0..3)
}

fn stray(number: usize, is_other: bool, mut members: Members) -> Record {
    let own = if is_other { "RecordType" } else { "CreationTime" };
    // An object without a time is an envelope if it has a list of records.
    let is_list = |name: &str| !is_other && name == "value";
    members.retain(|(name, _)| !name.eq_ignore_ascii_case(own) && !is_list(name));
    members.push(("Id".to_owned(), Json::text(format!("stray {number}"))));
    if is_other {
        members.push(("RecordType".to_owned(), Json::Number("2".to_owned())));
    } else if !members.iter().any(|(name, _)| name.eq_ignore_ascii_case("Operation")) {
        // JSON without any sign of an event is not a log.
        members.push(("Operation".to_owned(), Json::text("x")));
    }
    Record::new(members, 0)
}

fn key(record: &Record) -> String {
    let id = record.members.iter().find(|(name, _)| name == "Id").map(|(_, id)| id);
    match id.expect("every record has an id") {
        Json::Text(text) => normal_id(text),
        Json::Number(text) => text.clone(),
        other => panic!("an id of another kind: {other:?}"),
    }
}

fn normal_id(text: &str) -> String {
    if crate::normal::is_guid(text) { text.to_lowercase() } else { text.to_owned() }
}

fn law(events: &[Invented], strays: Vec<(usize, bool, Members)>) -> Result<(), TestCaseError> {
    let mut files: [Vec<Record>; 4] = Default::default();
    for (number, event) in events.iter().enumerate() {
        for (file, record) in copies(event, number) {
            files[file].push(record);
        }
    }
    let mut copies_by_id = BTreeMap::<String, Vec<Json>>::new();
    for record in files.iter().flatten() {
        let form = normal(&Json::Object(record.members.clone()));
        copies_by_id.entry(key(record)).or_default().push(form);
    }
    let records: usize = copies_by_id.values().map(Vec::len).sum();
    // A copy that equals the first one can contradict another one.
    let differ = |copies: &&Vec<Json>| copies.iter().any(|copy| *copy != copies[0]);
    let differing = copies_by_id.values().filter(differ).map(|copies| copies.len() as u64 - 1);
    let differing: u64 = differing.sum();
    let others = strays.iter().filter(|(_, is_other, _)| *is_other).count() as u64;
    let rejected = strays.len() as u64 - others;
    let stored = copies_by_id.len() as u64;
    let duplicates = records as u64 - stored;
    for (number, (file, is_other, members)) in strays.into_iter().enumerate() {
        files[file].push(stray(number, is_other, members));
    }

    let dir = Workdir::new();
    for (file, records) in files.iter().enumerate() {
        dir.write(&format!("archive/{}", FILES[file]), container(file, records));
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    let expected = Records {
        read: stored + duplicates + others + rejected,
        stored,
        duplicates,
        // Which of the differing copies contradict others depends on what they differ in.
        conflicting: summary.records.conflicting,
        improved: 0,
        other_workloads: others,
        rejected,
    };
    prop_assert_eq!(summary.records, expected, "{:#?}", ran);
    prop_assert!(summary.records.conflicting <= differing);
    prop_assert_eq!(ran.code, if rejected > 0 { 3 } else { 0 });
    if stored > 0 {
        let found = table::events(&dir.join("store"));
        prop_assert!(found.keys().eq(copies_by_id.keys()), "{:?}", found.keys());
        for (id, event) in found {
            check_event(&event, &copies_by_id[&id])?;
        }
    }
    Ok(())
}

/// Checks that an event has all fields of its copies, each with a value of one of them.
fn check_event(event: &Json, copies: &[Json]) -> Result<(), TestCaseError> {
    if copies.iter().all(|copy| copy == &copies[0]) {
        prop_assert_eq!(event.write(), copies[0].write());
        return Ok(());
    }
    let values = |event: &Json| {
        let members = event.members().iter().map(|(name, value)| {
            let name = column_index(name).map_or(name.clone(), |at| columns()[at].name.to_owned());
            (name, value.write())
        });
        members.collect::<Vec<_>>()
    };
    let mut known = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in copies.iter().flat_map(values) {
        known.entry(name).or_default().push(value);
    }
    let mut names = BTreeSet::new();
    for (name, value) in values(event) {
        let is_known = known.get(&name).is_some_and(|values| values.contains(&value));
        prop_assert!(is_known, "{}: {} in none of {:?}", name, value, copies);
        names.insert(name);
    }
    prop_assert!(known.keys().eq(names.iter()), "{:?}: {:?}", names, copies);
    Ok(())
}

proptest! {
    // A failure is printed with its seed, and no file is written into the repository.
    #![proptest_config(Config {
        cases: 40,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn whatever_an_event_holds_comes_back_from_its_row(
        events in prop::collection::vec(invented(), 0..24),
        strays in strays(),
    ) {
        law(&events, strays)?;
    }
}
