//! Ingests the same events in every container and encoding: the rows are equal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::events::{CODINGS, Coding, id, plain, quoted, various};
use crate::exact::Json;
use crate::normal::normal;
use crate::table;
use crate::workdir::{Records, Summary, Workdir};

/// A container: its name, the kind that the program reports, and its files.
struct Container {
    name: &'static str,
    kind: &'static str,
    files: Vec<String>,
}

fn container(name: &'static str, kind: &'static str, text: impl Into<String>) -> Container {
    Container { name, kind, files: vec![text.into()] }
}

fn page(events: &[String]) -> String {
    format!(
        "{{\"activityEventEntities\":[{}],\"continuationUri\":\"https://api.example/?x='[{{'\",\
         \"continuationToken\":\"%2B\",\"lastResultSet\":false}}",
        events.join(",")
    )
}

/// Returns pages of the REST API as scripts store them.
fn rest(events: &[String]) -> Vec<Container> {
    let empty = "{\"activityEventEntities\":[],\"continuationUri\":null,\
                 \"continuationToken\":null,\"lastResultSet\":true}";
    let (first, second) = events.split_at(2);
    let late = format!(
        "{{\"@odata.context\":\"https://api.example\",\"lastResultSet\":true,\
         \"continuationUri\":\"\",\"activityEventEntities\":[\r\n{}\r\n]}}",
        events.join(",\r\n")
    );
    vec![
        container("page", "rest", page(events)),
        container("page whose events come last", "rest", late),
        container("pages end to end", "rest", page(first) + &page(second)),
        container(
            "pages and empty ones",
            "rest",
            [empty, &page(first), "\r\n", empty, "\n", &page(second), empty, "\n"].concat(),
        ),
        Container {
            name: "a file a page",
            kind: "rest",
            files: vec![page(first), empty.to_owned(), page(second)],
        },
    ]
}

/// Returns JSON as PowerShell and other tools write it.
fn json(events: &[String]) -> Vec<Container> {
    let (first, second) = events.split_at(3);
    let array = |events: &[String]| format!("[{}]", events.join(","));
    vec![
        container("array", "array", array(events)),
        container(
            "indented array",
            "array",
            format!("[\r\n    {}\r\n]\r\n", events.join(",\r\n    ")),
        ),
        container("arrays one after another", "array", array(first) + "\r\n\r\n" + &array(second)),
        container(
            "array of Windows PowerShell",
            "array",
            format!("{{\"value\":{},\"Count\":{}}}", array(events), events.len()),
        ),
        Container { name: "bare objects", kind: "ndjson", files: events.to_vec() },
        container("lines", "ndjson", events.join("\n") + "\n"),
        container("lines of Windows", "ndjson", events.join("\r\n") + "\r\n"),
        container("lines, the last without its end", "ndjson", events.join("\n")),
        container("lines with blank ones", "ndjson", events.join("\n\n\r\n") + "\n\n"),
    ]
}

/// Returns the audit log as JSON: an event inside of a record, as an object or as text.
fn audit_json(events: &[String]) -> Vec<Container> {
    let graph = |event: &String| {
        format!(
            "{{\"id\":{},\"createdDateTime\":\"2026-03-02T09:00:00Z\",\
             \"auditLogRecordType\":\"powerBIAudit\",\"operation\":\"x\",\"auditData\":{event}}}",
            member(event, "Id").write()
        )
    };
    let search = |event: &String| {
        format!(
            "{{\"RunspaceId\":\"{}\",\"RecordType\":\"PowerBIAudit\",\"CreationDate\":\
             \"\\/Date(1772442000000)\\/\",\"UserIds\":\"x\",\"Operations\":\"x\",\
             \"AuditData\":{},\"ResultIndex\":1}}",
            id(1, 1),
            Json::text(event.as_str()).write()
        )
    };
    let graph: Vec<String> = events.iter().map(graph).collect();
    let search: Vec<String> = events.iter().map(search).collect();
    vec![
        container(
            "answer of Graph",
            "array",
            format!("{{\"@odata.context\":\"x\",\"value\":[{}]}}", graph.join(",")),
        ),
        container("Search-UnifiedAuditLog as JSON", "array", format!("[{}]", search.join(",\r\n"))),
    ]
}

/// A generation of the CSV of the audit log: the text before and after each event.
struct Generation {
    name: &'static str,
    header: &'static str,
    before: fn(&str) -> String,
    after: &'static str,
}

/// Generations whose columns around AuditData contradict the event wherever they can: the values of
/// the event are correct.
const GENERATIONS: [Generation; 7] = [
    Generation {
        name: "CSV of the old portal",
        header: "CreationDate,UserIds,Operations,AuditData",
        before: |_| "2026-03-05T10:00:00.0000000Z ,somebody@else.example,Other,".to_owned(),
        after: "",
    },
    Generation {
        name: "CSV of the new portal",
        header: "RecordId,CreationDate,RecordType,Operation,UserId,AuditData,\
                 AssociatedAdminUnits,AssociatedAdminUnitsNames",
        before: |id| format!("{id},3/5/2026 10:00:00 AM,20,Other,somebody@else.example,"),
        after: ",,",
    },
    Generation {
        name: "CSV of Search-UnifiedAuditLog",
        header: "PSComputerName,RunspaceId,PSShowComputerName,RecordType,CreationDate,UserIds,\
                 Operations,AuditData,ResultIndex,ResultCount,Identity,IsValid,ObjectState",
        before: |_| {
            "\"outlook.office365.com\",\"b8e1\",\"False\",\"PowerBIAudit\",\
             \"05.03.2026 10:00:00\",\"somebody@else.example\",\"Other\","
                .to_owned()
        },
        after: ",\"1\",\"5\",\"other\",\"True\",\"Unchanged\"",
    },
    Generation {
        name: "CSV of Search-UnifiedAuditLog with its type",
        header: "#TYPE Deserialized.Microsoft.Exchange.Data.ApplicationLogic.UnifiedAuditLogEvent\
                 \r\n\"RecordType\",\"CreationDate\",\"UserIds\",\"Operations\",\"AuditData\"",
        before: |_| "\"PowerBIAudit\",\"x\",\"x\",\"Other\",".to_owned(),
        after: "",
    },
    Generation {
        name: "CSV with AuditData first",
        header: "AuditData,Identity,CreationDate",
        before: |_| String::new(),
        after: ",other,5/3/2026 10:00",
    },
    Generation {
        name: "CSV with semicolons",
        header: "RecordType;CreationDate;UserIds;Operations;AuditData;Identity",
        before: |_| "PowerBIAudit;05.03.2026 10:00:00;x;Other;".to_owned(),
        after: ";other",
    },
    Generation {
        name: "CSV with tabs",
        header: "CreationDate\tUserIds\tOperations\tAuditData",
        before: |_| "05.03.2026 10:00:00\tx\tOther\t".to_owned(),
        after: "",
    },
];

fn csv(events: &[String]) -> Vec<Container> {
    let mut containers = Vec::new();
    for generation in GENERATIONS {
        let mut text = generation.header.to_owned() + "\r\n";
        for event in events {
            let id = member(event, "Id").as_text().expect("an id is text").to_owned();
            let (before, after) = ((generation.before)(&id), generation.after);
            let _ = write!(text, "{before}{}{after}\r\n", quoted(event));
        }
        containers.push(container(generation.name, "csv", text));
    }
    // Scripts and editors change line ends and omit the last one.
    let plain = containers[0].files[0].replace("\r\n", "\n");
    containers.push(container("CSV, the last row without its end", "csv", plain.trim_end()));
    containers.push(container("CSV with line feeds", "csv", plain));
    containers
}

fn member(event: &str, name: &str) -> Json {
    Json::parse(event).member(name).expect("every event has it").clone()
}

/// Returns pages and lists as tools around the APIs store them.
fn wrapped_pages(events: &[String]) -> Vec<Container> {
    let page = page(events);
    let text = |json: &str| Json::text(json).write();
    let list = format!("[{}]", events.join(",\n"));
    let rows: Vec<String> = events
        .iter()
        .map(|event| format!("[\"2026-03-02T09:00:00Z\",{},null]", text(event)))
        .collect();
    let mut all = vec![
        container("fab api", "rest", format!("{{\"status_code\":200,\"text\":{page}}}")),
        container(
            "fab api with its page as text",
            "rest",
            format!("{{\"status_code\": 200, \"text\": {}}}", text(&page)),
        ),
        container(
            "HTTP action of Logic Apps",
            "rest",
            format!(
                "{{\"statusCode\":200,\"headers\":{{\"Content-Length\":\"7\",\"x\":[{{}}]}},\
                 \"body\":{page}}}"
            ),
        ),
        container(
            "HTTP action of Power Automate with its body as text",
            "rest",
            format!("{{\"statusCode\":200,\"headers\":{{}},\"body\":{}}}", text(&page)),
        ),
        container(
            "run of a logic app",
            "rest",
            format!("{{\"inputs\":{{}},\"outputs\":{{\"statusCode\":200,\"body\":{page}}}}}"),
        ),
        container(
            "answer of Log Analytics",
            "array",
            format!(
                "{{\"tables\":[{{\"name\":\"PrimaryResult\",\"columns\":[\
                 {{\"name\":\"TimeGenerated\",\"type\":\"datetime\"}},\
                 {{\"name\":\"AuditData\",\"type\":\"dynamic\"}},{{\"name\":\"x\"}}],\
                 \"rows\":[{}]}}]}}",
                rows.join(",\n")
            ),
        ),
    ];
    for name in ["value", "data", "events", "results", "records"] {
        let text = format!("{{\"id\":\"run 7\",\"from\":\"2026-03-02\",\"{name}\":{list}}}");
        all.push(container(name, "array", text));
    }
    all
}

/// Returns records of collectors, each around one event.
fn wrapped_events(events: &[String]) -> Vec<Container> {
    let text = |json: &str| Json::text(json).write();
    let lines = |name, wrap: &dyn Fn(&String) -> String| {
        let lines: Vec<String> = events.iter().map(wrap).collect();
        container(name, "ndjson", lines.join("\n") + "\n")
    };
    let elastic: Vec<String> = events
        .iter()
        .map(|event| format!("{{\"_index\":\"x\",\"_id\":\"7\",\"_source\":{event}}}"))
        .collect();
    vec![
        container(
            "search of Elastic",
            "array",
            format!(
                "{{\"took\":1,\"_shards\":{{\"total\":1}},\"hits\":{{\"total\":{{\"value\":5}},\
                 \"hits\":[{}]}}}}",
                elastic.join(",")
            ),
        ),
        lines("original text of Elastic", &|event| {
            format!(
                "{{\"_source\":{{\"@timestamp\":\"x\",\"event\":{{\"original\":{}}},\"user\":{{}}}}}}",
                text(event)
            )
        }),
        lines("o365audit of Filebeat", &|event| {
            format!("{{\"event\":{{\"action\":\"x\"}},\"o365audit\":{event}}}")
        }),
        lines("alert of Wazuh", &|event| {
            format!(
                "{{\"timestamp\":\"x\",\"rule\":{{\"id\":\"9\"}},\"id\":\"1.2\",\
                 \"data\":{{\"integration\":\"office365\",\"office365\":{event}}}}}"
            )
        }),
        lines("export of Splunk", &|event| {
            format!(
                "{{\"preview\":false,\"offset\":0,\"result\":{{\"_raw\":{},\"host\":\"x\"}}}}",
                text(event)
            )
        }),
        lines("advanced hunting of Defender", &|event| {
            format!("{{\"Timestamp\":\"x\",\"ActionType\":\"y\",\"RawEventData\":{event}}}")
        }),
        lines("diagnostic settings", &|event| {
            format!(
                "{{\"time\":\"x\",\"operationName\":\"y\",\"category\":\"z\",\"properties\":{event}}}"
            )
        }),
        lines("text in a text", &|event| {
            let record =
                format!("{{\"RecordType\":\"PowerBIAudit\",\"AuditData\":{}}}", text(event));
            format!("{{\"log\":{},\"stream\":\"stdout\"}}", text(&record))
        }),
    ]
}

/// Returns CSV in the dialects of Splunk, Defender and Excel.
fn csv_dialects(events: &[String]) -> Vec<Container> {
    let rows = |before: &str, after: &str| {
        let rows = events.iter().map(|event| format!("{before}{}{after}\r\n", quoted(event)));
        rows.collect::<String>()
    };
    vec![
        container(
            "CSV of Splunk",
            "csv",
            format!("\"_raw\",\"_time\",host\r\n{}", rows("", ",x,y")),
        ),
        container(
            "CSV of Defender",
            "csv",
            format!("Timestamp,ActionType,RawEventData,ReportId\r\n{}", rows("x,y,", ",7")),
        ),
        container(
            "CSV of German Excel",
            "csv",
            format!("sep=;\r\nCreationDate;UserIds;AuditData\r\n{}", rows("x;y;", "")),
        ),
        container(
            "CSV with bars and the end mark of DOS",
            "csv",
            format!("CreationDate|AuditData\r\n{}\u{1a}", rows("x|", "")),
        ),
    ]
}

fn containers(events: &[String]) -> Vec<Container> {
    let mut all = rest(events);
    all.extend(wrapped_pages(events));
    all.extend(wrapped_events(events));
    all.extend(csv_dialects(events));
    all.extend(json(events));
    all.extend(audit_json(events));
    all.extend(csv(events));
    all
}

/// Returns the expected content of the table, by the row invariant.
fn expected(events: &[String]) -> BTreeMap<String, Json> {
    let row = |event: &String| {
        let normal = normal(&Json::parse(event));
        let id = normal.member("Id").and_then(Json::as_text).expect("an id is text").to_owned();
        (id, normal)
    };
    events.iter().map(row).collect()
}

/// Asserts that all events were stored once, and nothing else.
#[track_caller]
fn assert_holds(dir: &Workdir, store: &str, expected: &BTreeMap<String, Json>, kind: &str) {
    let found = table::events(&dir.join(store));
    assert!(found.keys().eq(expected.keys()), "{store}: {:?}", found.keys());
    for (id, event) in expected {
        assert_eq!(&found[id], event, "{store}");
    }
    table::for_each_row(&dir.join(store), |row| {
        assert_eq!(row.text("SourceKind"), Some(kind), "{store}");
    });
}

/// Asserts the accounts of a run that stores all events.
#[track_caller]
fn assert_all_stored(summary: &Summary, events: u64) {
    let all = Records { read: events, stored: events, ..Records::default() };
    assert_eq!(summary.records, all, "{summary:#?}");
}

fn every_container_in(coding: Coding) {
    let events = various();
    let expected = expected(&events);
    let dir = Workdir::new();
    for container in containers(&events) {
        for (number, text) in container.files.iter().enumerate() {
            // The extension does not matter; the content defines the kind of a file.
            dir.write(&format!("{}/{number}.dat", container.name), coding.encode(text));
        }
        let store = format!("store of {}", container.name);
        let (ran, summary) = dir.ingest(&store, &[container.name]);
        let ran = ran.ended(0);
        assert_all_stored(&summary, events.len() as u64);
        assert!(!ran.stderr.contains("byte"), "{}", ran.stderr);
        assert_holds(&dir, &store, &expected, container.kind);
    }
}

#[test]
fn every_container_gives_the_same_rows_in_utf_8() {
    every_container_in(Coding::Utf8);
}

#[test]
fn every_container_gives_the_same_rows_in_utf_8_with_a_byte_order_mark() {
    every_container_in(Coding::Utf8Marked);
}

#[test]
fn every_container_gives_the_same_rows_in_utf_16() {
    every_container_in(Coding::Utf16Le);
}

#[test]
fn every_container_gives_the_same_rows_in_utf_16_big_endian() {
    every_container_in(Coding::Utf16Be);
}

/// A redirection that appends writes no byte order mark, and some tools never write one.
#[test]
fn utf_16_json_is_recognized_without_a_byte_order_mark() {
    let events = various();
    let dir = Workdir::new();
    for (coding, store) in [(Coding::Utf16Le, "le"), (Coding::Utf16Be, "be")] {
        let text = format!("[{}]", events.join(",\r\n"));
        dir.write(&format!("{store}.json"), &coding.encode(&text)[2..]);
        let (ran, summary) = dir.ingest(store, &[&format!("{store}.json")]);
        ran.ended(0);
        assert_all_stored(&summary, events.len() as u64);
        assert_holds(&dir, store, &expected(&events), "array");
    }
}

/// Ingests all containers together, for example a day from the activity log and from the audit log.
#[test]
fn all_containers_together_give_one_row_per_event() {
    let events = various();
    let dir = Workdir::new();
    let (mut copies, mut files) = (0, 0);
    for (number, container) in containers(&events).iter().enumerate() {
        copies += events.len() as u64;
        let coding = CODINGS[number % CODINGS.len()];
        for text in &container.files {
            files += 1;
            dir.write(&format!("archive/{files:03}"), coding.encode(text));
        }
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    let stored = events.len() as u64;
    // All copies come from the same event and are equal, so none conflicts with another.
    let duplicates = copies - stored;
    let all = Records { read: copies, stored, duplicates, ..Records::default() };
    assert_eq!(summary.records, all);
    assert_eq!(table::events(&dir.join("store")), expected(&events));
}

/// A day without events can be written in many ways, and none of them is a problem.
#[test]
fn archive_of_a_day_without_events_is_no_problem() {
    let dir = Workdir::new();
    let nothing = [
        "",
        "\r\n",
        "null",
        "[]",
        "[ ]\r\n",
        "{\"value\":[],\"Count\":0}",
        "{\"activityEventEntities\":[],\"lastResultSet\":true}",
        "{\"activityEventEntities\":null}",
        "CreationDate,UserIds,Operations,AuditData\r\n",
    ];
    for (number, text) in nothing.iter().enumerate() {
        for (coding, folder) in CODINGS.iter().zip(["a", "b", "c", "d"]) {
            dir.write(&format!("archive/{folder}/{number}.json"), coding.encode(text));
        }
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!(summary.records, Records::default());
    assert_eq!(summary.sources.new, (nothing.len() * CODINGS.len()) as u64);
}

/// Reads a file of more than ten chunks, each of which ends inside of another record.
#[test]
fn file_of_many_chunks_gives_its_rows_in_every_encoding() {
    let events: Vec<String> = (0..40_000).map(|number| plain(3, number)).collect();
    let expected: Vec<String> = (0..40_000).map(|number| id(3, number)).collect();
    // Only some rows are compared; the ids show that none is missing or duplicated.
    let some: BTreeMap<String, Json> =
        self::expected(&events[..]).into_iter().step_by(97).collect();
    let dir = Workdir::new();
    for coding in [Coding::Utf8Marked, Coding::Utf16Le, Coding::Utf16Be] {
        for container in [
            container("array", "array", format!("[{}]", events.join(",\r\n"))),
            container("lines", "ndjson", events.join("\n")),
            container("pages", "rest", events.chunks(5_000).map(page).collect::<String>()),
            csv(&events).swap_remove(0),
        ] {
            let name = format!("{} {coding:?}", container.name);
            let bytes = coding.encode(&container.files[0]);
            assert!(bytes.len() > 6 << 20, "{name} is small");
            dir.write(&name, bytes);
            let store = format!("store of {name}");
            let (ran, summary) = dir.ingest(&store, &[&name]);
            ran.ended(0);
            assert_all_stored(&summary, 40_000);
            assert_eq!(table::ids(&dir.join(&store)), expected, "{name}");
            let mut compared = 0;
            table::for_each_row(&dir.join(&store), |row| {
                if let Some(event) = row.text("Id").and_then(|id| some.get(id)) {
                    assert_eq!(&row.event(), event, "{name}");
                    compared += 1;
                }
            });
            assert_eq!(compared, some.len());
        }
    }
}

/// The activity log and the audit log have the same id for an event, in any case, but other
/// members. It is one event, and the copy with more members is kept.
#[test]
fn event_of_both_logs_is_one_row() {
    let id = "0F1E2D3C-0000-4000-8000-00000000000A";
    let activity = format!(
        "{{\"Id\":\"{}\",\"RecordType\":20,\"CreationTime\":\"2026-03-02T09:00:00Z\",\
         \"Operation\":\"ViewReport\",\"UserId\":\"Ann@North.example\",\"Activity\":\"ViewReport\",\
         \"ReportName\":\"Sales\",\"ConsumptionMethod\":\"Power BI Web\"}}",
        id.to_lowercase()
    );
    let audit = format!(
        "{{\"Id\":\"{id}\",\"RecordType\":20,\"CreationTime\":\"2026-03-02T09:00:00\",\
         \"Operation\":\"ViewReport\",\"UserId\":\"ann@north.example\",\"ReportName\":\"Sales\"}}"
    );
    let rows = format!(
        "RecordId,CreationDate,RecordType,Operation,UserId,AuditData\r\n\
         {id},2026-03-02T09:00:00.0000000Z ,20,ViewReport,ann@north.example,{}\r\n",
        quoted(&audit)
    );
    // The result depends neither on the order of the copies nor on the number of runs.
    for (rest, office) in [("1", "2"), ("2", "1")] {
        let dir = Workdir::new();
        dir.write(&format!("archive/{rest}"), page(std::slice::from_ref(&activity)));
        dir.write(&format!("archive/{office}"), Coding::Utf8Marked.encode(&rows));
        let (ran, summary) = dir.ingest("store", &["archive"]);
        ran.ended(0);
        assert_eq!((summary.records.stored, summary.records.duplicates), (1, 1));
        let expected = expected(std::slice::from_ref(&activity));
        // The source of a row is the first of its sources by name.
        let first = if rest == "1" { "rest" } else { "csv" };
        assert_holds(&dir, "store", &expected, first);
        dir.ingest("one by one", &["archive/1"]);
        let (_, second) = dir.ingest("one by one", &["archive/2"]);
        assert_eq!((second.records.stored, second.records.duplicates), (0, 1));
        assert_eq!(table::ids(&dir.join("one by one")), [id.to_lowercase()]);
    }
}
