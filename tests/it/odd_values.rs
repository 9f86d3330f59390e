//! Checks events as other tools rewrite them: the values mean what they meant before.

use serde_json::{Value, json};

use crate::workdir::{Records, Workdir};

const HEAD: &str = r#""RecordType":20,"Workload":"PowerBI","CreationTime":"2026-03-02T09:15:00""#;

fn rows(dir: &Workdir, command: &[&str]) -> Vec<Value> {
    let arguments = [command, &["--store", "store", "--format", "json"]].concat();
    let answer = dir.pbi(arguments).ended(0).stdout;
    let answer: Value = serde_json::from_str(&answer).expect("the answer is JSON");
    answer["rows"].as_array().expect("rows are a list").clone()
}

fn sql(dir: &Workdir, statement: &str) -> Vec<Value> {
    rows(dir, &["sql", statement])
}

/// A service with the UserType `6.0` was a person. pandas writes a column of numbers like that.
#[test]
fn whole_number_with_a_fraction_of_zeros_is_that_number() {
    let dir = Workdir::new();
    let event = |id: &str, user_type: &str| {
        format!(
            r#"{{"Id":"{id}",{HEAD},"Operation":"ViewReport","UserId":"u-{id}@x.org",
                "UserType":{user_type}}}"#
        )
    };
    let events = [event("a", "6"), event("b", "6.0"), event("c", r#""6.0""#), event("d", "0.0")];
    let other =
        r#"{"Id":"e","RecordType":2.0,"CreationTime":"2026-03-02T09:15:00","Operation":"x"}"#;
    dir.write("a.json", format!("[{},{other}]", events.join(",")));
    let (ran, summary) = dir.ingest("store", &["a.json"]);
    ran.ended(0);
    assert_eq!((summary.records.stored, summary.records.other_workloads), (4, 1));
    let query = "SELECT Id, is_service, UserType FROM events ORDER BY Id NULLS LAST";
    let found = rows(&dir, &["sql", query, "--actors", "all"]);
    let expected = [("a", true, 6), ("b", true, 6), ("c", true, 6), ("d", false, 0)];
    let expected = expected.map(
        |(id, is_service, number)| json!({"Id": id, "is_service": is_service, "UserType": number}),
    );
    assert_eq!(found, expected);
    // The value stays as it was written.
    let exported = dir.pbi(["export", "--store", "store"]).ended(0).stdout;
    assert!(exported.contains(r#""UserType":6.0"#) && exported.contains(r#""UserType":"6.0""#));
}

/// Lists of recipients as JSON text had no recipients.
#[test]
fn nested_values_as_json_text_have_their_members() {
    let dir = Workdir::new();
    let shared = r#"[{"RecipientEmail":"zoe@out.org","ResharePermission":"Read"}]"#;
    let subscribed = r#"{"RecipientEmail":"kim@out.org"}"#;
    let info = r#"{"UsersAdded":"[\"new@out.org\"]"}"#;
    let event = |id: &str, activity: &str, field: &str, text: &str| {
        let text = json!(text).to_string();
        format!(
            r#"{{"Id":"{id}",{HEAD},"Operation":"{activity}","UserId":"ann@x.org",
                "{field}":{text}}}"#
        )
    };
    let events = [
        event("a", "ShareReport", "SharingInformation", shared),
        event("b", "CreateEmailSubscription", "SubscribeeInformation", subscribed),
        event("c", "UpdateApp", "UserInformation", info),
        event("d", "ShareReport", "SharingInformation", "[not JSON"),
        event("e", "ShareReport", "SharingInformation", "System.Object[]"),
        event("f", "UpdateApp", "UserInformation", "[1]"),
    ];
    dir.write("a.json", format!("[{}]", events.join(",")));
    dir.ingest("store", &["a.json"]).0.ended(0);
    let found =
        sql(&dir, "SELECT event_id, recipient, kind FROM recipients ORDER BY event_id NULLS LAST");
    let expected = [
        ("a", "zoe@out.org", "share"),
        ("b", "kim@out.org", "subscription"),
        ("c", "new@out.org", "user added"),
    ];
    let expected = expected
        .map(|(id, recipient, kind)| json!({"event_id": id, "recipient": recipient, "kind": kind}));
    assert_eq!(found, expected);
    let exported = dir.pbi(["export", "--store", "store"]).ended(0).stdout;
    for text in [shared, subscribed, "[not JSON"] {
        assert!(exported.contains(&json!(text).to_string()), "{text} stays as it was written");
    }
    // Names in the text are replaced like all others.
    dir.pbi(["forget", "--store", "store", "--user", "zoe@out.org", "--pseudonymize"]).ended(0);
    let exported = dir.pbi(["export", "--store", "store"]).ended(0).stdout;
    assert!(!exported.contains("zoe@out.org"), "{exported}");
    assert!(!sql(&dir, "SELECT recipient FROM recipients").contains(&json!({
        "recipient": "zoe@out.org"
    })));
}

/// A record of Graph without auditData was rejected, although it has a time, a user and an
/// activity.
#[test]
fn record_of_graph_without_audit_data_is_kept() {
    let dir = Workdir::new();
    let record = |id: &str, rest: &str| {
        format!(
            r#"{{"id":"{id}","createdDateTime":"2026-03-02T09:15:00Z","operation":"ViewReport",
                "auditLogRecordType":"PowerBIAudit","userId":"10032000A8DBA471","service":"PowerBI",
                "userPrincipalName":"lena@x.org","clientIp":"10.1.2.3"{rest}}}"#
        )
    };
    let records = [
        record("a", ""),
        record("b", r#","auditData":null"#),
        record("c", r#","auditData":{}"#),
        record("d", r#","auditData":"""#),
    ];
    dir.write("a.json", format!(r#"{{"value":[{}]}}"#, records.join(",")));
    let (ran, summary) = dir.ingest("store", &["a.json"]);
    ran.ended(0);
    assert_eq!(summary.records, Records { read: 4, stored: 4, ..Records::default() });
    let found = sql(
        &dir,
        "SELECT DISTINCT user_id, UserKey, RecordType, ClientIP, activity_name FROM events",
    );
    let expected = json!({
        "user_id": "lena@x.org", "UserKey": "10032000A8DBA471", "RecordType": 20,
        "ClientIP": "10.1.2.3", "activity_name": "ViewReport",
    });
    assert_eq!(found, [expected]);
}

/// Events without Id beside the same events with Id were reported, but not counted.
#[test]
fn events_that_probably_count_twice_are_counted() {
    let dir = Workdir::new();
    let view = |minute: u32, report: &str, rest: &str| {
        format!(
            r#"{{"CreationTime":"2026-03-02T09:{minute}:00","Operation":"ViewReport",
                "UserId":"lena@x.org","ReportId":"{report}"{rest}}}"#
        )
    };
    let with_id = |id: &str| format!(r#","Id":"{id}","RecordType":20"#);
    let full = [
        view(15, "r1", &with_id("a")),
        view(15, "r2", &with_id("b")),
        view(16, "r1", &with_id("c")),
    ];
    let selected = [view(15, "r1", ""), view(16, "r1", ""), view(16, "r3", ""), view(20, "r1", "")];
    dir.write("full.json", format!("[{}]", full.join(",")));
    dir.write("selected.json", format!("[{}]", selected.join(",")));
    dir.ingest("store", &["full.json", "selected.json"]).0.ended(0);
    let issues = rows(&dir, &["report", "data-quality"]);
    let twice = issues.iter().find(|row| row["issue"] == "probably counted twice");
    assert_eq!(twice.map(|row| &row["affected"]), Some(&json!(2)), "{issues:?}");
}

/// A deleted semantic model was a deleted report, if the event names a report that uses it.
#[test]
fn event_about_a_semantic_model_is_not_about_a_report() {
    let dir = Workdir::new();
    let event = |id: &str, activity: &str, rest: &str| {
        format!(
            r#"{{"Id":"{id}",{HEAD},"Operation":"{activity}","UserId":"ann@x.org",
                "ReportId":"r1","ReportName":"Rep"{rest}}}"#
        )
    };
    let events = [
        event("a", "DeleteDataset", r#","DatasetName":"Model""#),
        event("b", "RefreshDataset", r#","DatasetId":"m1","DatasetName":"Model""#),
        event("c", "RefreshDataset", r#","ItemName":"Model""#),
        event("d", "ViewReport", r#","DatasetId":"m1""#),
    ];
    dir.write("a.json", format!("[{}]", events.join(",")));
    dir.ingest("store", &["a.json"]).0.ended(0);
    let columns = "SELECT Id, item_kind, item_id, item_name FROM events ORDER BY Id NULLS LAST";
    let expected = [
        json!({"Id": "a", "item_kind": "SemanticModel", "item_id": null, "item_name": "Model"}),
        json!({"Id": "b", "item_kind": "SemanticModel", "item_id": "m1", "item_name": "Model"}),
        json!({"Id": "c", "item_kind": null, "item_id": null, "item_name": "Model"}),
        json!({"Id": "d", "item_kind": "Report", "item_id": "r1", "item_name": "Rep"}),
    ];
    assert_eq!(sql(&dir, columns), expected);
    let deleted = &rows(&dir, &["report", "deletions-and-takeovers"])[0];
    assert_eq!((&deleted["item"], &deleted["item_id"]), (&json!("Model"), &Value::Null));
}

/// The description of an API with events as examples was a damaged file.
#[test]
fn description_of_an_api_is_no_damaged_log() {
    let dir = Workdir::new();
    let event = format!(r#"{{"Id":"a",{HEAD},"Operation":"ViewReport","UserId":"ann@x.org"}}"#);
    dir.write("archive/a.json", format!("[{event}]"));
    let example = format!(r#"{{"activityEventEntities":[{event}]}}"#);
    let swagger = format!(
        r#"{{"swagger":"2.0","info":{{"title":"Power BI"}},"paths":{{"/activityevents":
            {{"get":{{"x-ms-examples":{{"a":{{"body":{example}}}}}}}}}}}}}"#
    );
    dir.write("archive/swagger.json", swagger);
    let (ran, summary) = dir.ingest("store", &["archive"]);
    let stderr = ran.ended(0).stderr;
    assert_eq!(summary.records, Records { read: 1, stored: 1, ..Records::default() });
    assert!(stderr.contains("an OpenAPI description of an API"), "{stderr}");
}
