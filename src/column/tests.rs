//! Tests that events become columns, and that `Extra` has what no column stores exactly.

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};

use super::*;
use crate::record::csv::EnvelopeFields;
use crate::record::{Parser, RecordKind, time, workload_group};
use crate::schema::column_index;

fn built(events: &[&str]) -> (EventBatch, BatchBuilder) {
    let mut builder = BatchBuilder::new(&Projection::All).unwrap();
    let mut parser = Parser::default();
    for (order, text) in events.iter().enumerate() {
        let appended = parser.parse(text.as_bytes(), |record| match record.kind() {
            RecordKind::Event(event) => {
                let lineage = Lineage { file: "f", kind: "k", sequence: order as u64 };
                builder
                    .append(&event, workload_group(&event), &EnvelopeFields::default(), &lineage)
                    .map(|_| ())
            }
            _ => panic!("an event"),
        });
        appended.unwrap().unwrap();
    }
    (builder.finish().unwrap(), builder)
}

fn text(batch: &EventBatch, name: &str, row: usize) -> Option<String> {
    let at = arrow_schema().index_of(name).unwrap();
    let array = cast(batch.columns[at].as_ref()?, &DataType::Utf8).unwrap();
    let array = array.as_any().downcast_ref::<StringArray>().unwrap();
    array.is_valid(row).then(|| array.value(row).to_owned())
}

const TIME: &str = r#""CreationTime":"2024-03-01T08:15:30""#;

#[test]
fn known_fields_are_in_columns_only() {
    let (batch, _) = built(&[
        &format!(r#"{{"Id":"A",{TIME},"RecordType":20,"WorkSpaceName":"Sales","IsSuccess":true}}"#),
        r#"{"id":"B","creationtime":"2024-03-01T08:15:31Z","WorkspaceName":"Ops","AppId":null}"#,
    ]);
    assert_eq!(text(&batch, "WorkspaceName", 0).as_deref(), Some("Sales"));
    assert_eq!(text(&batch, "WorkspaceName", 1).as_deref(), Some("Ops"));
    assert_eq!(text(&batch, "Extra", 0), None);
    assert_eq!(text(&batch, "Extra", 1), None);
    assert_eq!(batch.keys[1].time_us - batch.keys[0].time_us, 1_000_000);
}

#[test]
fn extra_has_values_that_columns_cannot_store_exactly() {
    let odd = concat!(
        r#""RecordType":"PowerBIAudit","ClientIP":"10.1.2.3:555","New":{"b":1.50,"a":null},"#,
        r#""IsSuccess":"True","ArtifactId":7,"CapacityName":["x"]"#
    );
    let (batch, _) = built(&[&format!(r#"{{"Id":"A",{TIME},{odd}}}"#)]);
    let number = |name| {
        let at = column_index(name).unwrap();
        batch.columns[at].as_ref().unwrap().as_primitive::<Int64Type>().value(0)
    };
    assert_eq!(number("RecordType"), 20);
    assert_eq!(text(&batch, "ClientIP", 0).as_deref(), Some("10.1.2.3"));
    assert_eq!(text(&batch, "ArtifactId", 0).as_deref(), Some("7"));
    assert_eq!(text(&batch, "CapacityName", 0), None);
    assert_eq!(
        text(&batch, "Extra", 0).as_deref(),
        Some(concat!(
            r#"{"ArtifactId":7,"CapacityName":["x"],"ClientIP":"10.1.2.3:555","IsSuccess":"True","#,
            r#""New":{"b":1.50,"a":null},"RecordType":"PowerBIAudit"}"#
        ))
    );
}

#[test]
fn both_spellings_of_workspace_name_keep_their_values() {
    let (batch, _) =
        built(&[&format!(r#"{{"Id":"A",{TIME},"WorkSpaceName":"Old","WorkspaceName":"New"}}"#)]);
    // The column's own name counts, wherever it is.
    assert_eq!(text(&batch, "WorkspaceName", 0).as_deref(), Some("New"));
    assert_eq!(
        text(&batch, "Extra", 0).as_deref(),
        Some(r#"{"WorkSpaceName":"Old","WorkspaceName":"New"}"#)
    );
}

#[test]
fn nested_lists_are_typed_and_lossy_ones_are_in_extra() {
    let (batch, _) = built(&[
        &format!(r#"{{"Id":"A",{TIME},"Datasets":[{{"DatasetId":"D1","DatasetName":"x"}}]}}"#),
        &format!(r#"{{"Id":"B",{TIME}}}"#),
        &format!(r#"{{"Id":"C",{TIME},"Datasets":[{{"DatasetName":"y","New":1}},{{}}]}}"#),
        &format!(r#"{{"Id":"D",{TIME},"Datasets":{{"value":[{{"DatasetName":"z"}}],"Count":1}}}}"#),
        &format!(r#"{{"Id":"E",{TIME},"Datasets":{{"value":[{{"DatasetName":"z"}}],"Count":2}}}}"#),
        &format!(r#"{{"Id":"F",{TIME},"Datasets":{{"value":[{{"DatasetName":"z"}}]}}}}"#),
    ]);
    let list = batch.columns[column_index("Datasets").unwrap()].as_ref().unwrap().as_list::<i32>();
    assert_eq!(
        (0..6).map(|row| list.is_valid(row).then(|| list.value_length(row))).collect::<Vec<_>>(),
        [Some(1), None, Some(2), Some(1), Some(1), Some(1)]
    );
    assert_eq!(text(&batch, "Extra", 0), None);
    assert_eq!(
        text(&batch, "Extra", 2).as_deref(),
        Some(r#"{"Datasets":[{"DatasetName":"y","New":1},{}]}"#)
    );
    // A list as Windows PowerShell writes it is that list, unless it differs in any way.
    assert_eq!(text(&batch, "Extra", 3), None);
    assert!(text(&batch, "Extra", 4).unwrap().contains("Count"));
    assert!(text(&batch, "Extra", 5).unwrap().contains("value"));
}

#[test]
fn generated_id_depends_on_content_only() {
    let (a, builder) = built(&[&format!(r#"{{{TIME},"Operation":"X"}}"#)]);
    let (b, _) = built(&[&format!(r#"{{"Operation":"X",{TIME}}}"#)]);
    assert_eq!(builder.generated_ids(), 1);
    assert_eq!(a.keys[0].id(), b.keys[0].id());
    assert!(text(&a, "Id", 0).unwrap().starts_with("content-"));
}

#[test]
fn event_without_time_is_rejected_with_reason() {
    let mut builder = BatchBuilder::new(&Projection::All).unwrap();
    let lineage = Lineage { file: "f", kind: "k", sequence: 0 };
    for (event, expected) in [
        (r#"{"Id":"A"}"#, "CreationTime is missing"),
        (r#"{"Id":"A","CreationTime":"soon"}"#, "soon"),
    ] {
        let rejected = Parser::default().parse(event.as_bytes(), |record| match record.kind() {
            RecordKind::Event(event) => {
                builder
                    .append(&event, workload_group(&event), &EnvelopeFields::default(), &lineage)
                    .unwrap_err()
                    .0
            }
            _ => panic!("an event"),
        });
        assert!(rejected.unwrap().contains(expected));
    }
    assert!(builder.is_empty());
}

#[test]
fn fingerprints_depend_on_content_and_not_on_batches() {
    let a = format!(r#"{{"Id":"A",{TIME},"UserId":"X@y.z","Datasets":[{{"DatasetId":"1"}}]}}"#);
    let b = format!(r#"{{"Id":"A",{TIME},"UserId":"x@y.z","Datasets":[{{"DatasetId":"1"}}]}}"#);
    let c = format!(r#"{{"Id":"A",{TIME},"UserId":"x@y.z","Datasets":[{{"DatasetId":"2"}}]}}"#);
    let fingerprints_of = |events: &[&str]| {
        let (batch, _) = built(events);
        fingerprints(&batch.columns, batch.keys.len(), &[])
    };
    let (one, two) = (fingerprints_of(&[&a, &c]), fingerprints_of(&[&c, &b]));
    assert_eq!((one[0], one[1]), (two[1], two[0]));
    assert_ne!(one[0], one[1]);
}

/// The writer computes fingerprints of staged rows one by one, and of rows in files all together.
#[test]
fn fingerprint_of_one_row_equals_that_of_all_rows() {
    let odd = r#""RecordType":20,"ArtifactKind":"Report","Datasets":[{"DatasetId":"d"}],"Odd":[1]"#;
    let (batch, _) = built(&[
        &format!(r#"{{"Id":"A",{TIME},{odd},"IsSuccess":true}}"#),
        &format!(r#"{{"Id":"B",{TIME}}}"#),
        &format!(r#"{{"Id":"C",{TIME},{odd},"CapacityName":"P1"}}"#),
    ]);
    let without = non_content_columns();
    let all = fingerprints(&batch.columns, 3, without);
    let each = (0..3).map(|row| fingerprint(&batch.columns, row, without));
    assert_eq!(each.collect::<Vec<_>>(), all);
    assert!(all[0] != all[1] && all[0] != all[2]);
}

#[test]
fn projection_builds_its_columns_only() {
    let names = ["Id", "CreationTime"].map(str::to_owned);
    let mut builder = BatchBuilder::new(&Projection::Only(names.into())).unwrap();
    let event = format!(r#"{{"Id":"A",{TIME},"UserId":"x","New":1}}"#);
    Parser::default()
        .parse(event.as_bytes(), |record| {
            if let RecordKind::Event(event) = record.kind() {
                let lineage = Lineage { file: "f", kind: "k", sequence: 0 };
                builder
                    .append(&event, workload_group(&event), &EnvelopeFields::default(), &lineage)
                    .unwrap();
            }
        })
        .unwrap();
    let batch = builder.finish().unwrap();
    assert_eq!(batch.columns.iter().flatten().count(), 2);
}

#[test]
fn repeated_name_keeps_all_values_in_extra() {
    let (batch, _) = built(&[
        &format!(r#"{{"Id":"A",{TIME},"REPORTNAME":"A","ReportName":"B"}}"#),
        &format!(r#"{{"Id":"B",{TIME},"IsSuccess":"yes","ISSUCCESS":true,"isSuccess":null}}"#),
        &format!(r#"{{"Id":"C",{TIME},"ReportName":null,"reportname":"C"}}"#),
    ]);
    assert_eq!(text(&batch, "ReportName", 0).as_deref(), Some("B"));
    let extra = |row| text(&batch, "Extra", row);
    assert_eq!(extra(0).as_deref(), Some(r#"{"REPORTNAME":"A","ReportName":"B"}"#));
    let by_name = r#"{"ISSUCCESS":true,"IsSuccess":"yes"}"#;
    assert_eq!(extra(1).as_deref(), Some(by_name));
    assert_eq!((text(&batch, "ReportName", 2).as_deref(), extra(2)), (Some("C"), None));
}

#[test]
fn localized_date_is_used_only_if_event_has_no_time() {
    let appended = |event: &str, creation_time: &str| {
        let creation_time = Some(creation_time.to_owned());
        let envelope = EnvelopeFields { creation_time, ..EnvelopeFields::default() };
        let lineage = Lineage { file: "f", kind: "k", sequence: 0 };
        let mut builder = BatchBuilder::new(&Projection::All).unwrap();
        let time_us = Parser::default().parse(event.as_bytes(), |record| match record.kind() {
            RecordKind::Event(event) => builder
                .append(&event, workload_group(&event), &envelope, &lineage)
                .map(|key| key.time_us),
            _ => panic!("an event"),
        });
        time_us.unwrap().ok()
    };
    let (iso, localized) = ("2024-03-25T00:00:00", "3/25/2024 12:00:00 AM");
    let expected = time::parse(iso).map(|timestamp| timestamp.epoch_us);
    assert_eq!(appended(r#"{"Id":"A"}"#, localized), expected);
    assert_eq!(appended(r#"{"Id":"A","CreationTime":null}"#, localized), expected);
    assert_eq!(appended(r#"{"Id":"A","CreationTime":"soon"}"#, localized), None);
    assert_eq!(appended(r#"{"Id":"A","CreationTime":"soon"}"#, iso), expected);
    let from_event =
        appended(r#"{"Id":"A","CreationTime":"2024-03-25T00:00:00"}"#, "1/1/2020 1:00");
    assert_eq!(from_event, expected);
    let ambiguous = appended(r#"{"Id":"A"}"#, "3/4/2024 12:00:00 AM");
    assert_eq!(ambiguous, None, "day or month can be first");
}
