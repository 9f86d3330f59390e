//! Checks that the names and IDs of people follow their addresses, in every field that names
//! people, in pseudonymized stores and after `forget`.

use serde_json::{Value, json};

use crate::workdir::Workdir;

const OLGA: &str = "o.fremd@partner.example";
const OLGA_ID: &str = "11111111-2222-3333-4444-555555555555";
const SALES_ID: &str = "99999999-2222-3333-4444-555555555555";

/// Returns the fields that name Olga, in the forms in which collectors write them.
fn fields_with_olga() -> Vec<Value> {
    let recipient = json!([{
        "RecipientEmail": OLGA, "RecipientName": "Olga Fremd", "ObjectId": OLGA_ID,
        "ResharePermission": "Read"
    }]);
    let user = json!({
        "UserEmailAddress": OLGA, "Identifier": OLGA_ID, "PrincipalType": "User",
        "GroupUserAccessRight": "Admin"
    });
    vec![
        json!({"SharingInformation": recipient}),
        json!({"SubscribeeInformation": recipient}),
        // The same as text, as tables contain it.
        json!({"SharingInformation": recipient.to_string()}),
        json!({"SharingInformation":
            "[{'RecipientEmail': 'o.fremd@partner.example', 'RecipientName': 'Olga Fremd'}]"}),
        json!({"SharingInformation":
            "@{RecipientEmail=o.fremd@partner.example; RecipientName=Olga Fremd; Id=7}"}),
        json!({"SharingInformation.RecipientEmail": OLGA,
            "SharingInformation.RecipientName": "Olga Fremd"}),
        json!({"SubscribeeRecipientNames": "Olga Fremd", "SubscribeeRecipientEmails": OLGA}),
        json!({"NewField": {"To": [{"RecipientEmail": OLGA, "RecipientName": "Fremd, Olga"}]}}),
        // Without an address next to it.
        json!({"SubscribeeInformation": [{"RecipientName": "Olga Fremd", "ObjectId": OLGA_ID}]}),
        json!({"FolderAccessRequests": [{"UserObjectId": OLGA_ID, "RolePermissions": "Read"}]}),
        json!({"WorkspaceAccessList": [{"WorkspaceId": "w", "UserAccessList": [user]}]}),
        json!({"OriginalOwner": "Olga Fremd", "TakingOverOwner": OLGA}),
        json!({"WorkspaceName": "PersonalWorkspace Olga Fremd"}),
        json!({"PropertyCollection": [
            {"Name": "enduser.id", "Value": OLGA_ID},
            {"Name": "enduser.principal_name", "Value": OLGA}
        ]}),
        json!({"AdditionalInfo": format!(r#"{{"userPrincipalName":"{OLGA}","sum":1.10}}"#)}),
        json!({"UserInformation": {"UsersAdded": [OLGA, "Olga Fremd"]}}),
        json!({"PropertyCollection": [
            {"Name": "targetuser.id", "Value": OLGA_ID},
            {"Name": "powerplatform.analytics.resource.principal.name", "Value": "Olga Fremd"}
        ]}),
    ]
}

/// Writes an event for each of the fields, and events that must not change.
fn archive() -> Workdir {
    let dir = Workdir::new();
    let event = |id: usize, fields: &Value| {
        let mut event = json!({
            "Id": format!("e{id:02}"), "CreationTime": format!("2026-03-02T09:{id:02}:00"),
            "Operation": "ShareReport", "RecordType": 20, "Workload": "PowerBI",
            "UserId": "lena@tannhof.example", "UserKey": "1003", "ReportId": "r1",
            "ReportName": "Umsatz"
        });
        for (name, value) in fields.as_object().expect("it is an object") {
            event[name] = value.clone();
        }
        event
    };
    let mut events: Vec<Value> =
        fields_with_olga().iter().enumerate().map(|(id, fields)| event(id, fields)).collect();
    events.push(event(40, &others()));
    events.push(event(41, &json!({"ReportName": "Olga Fremd"})));
    dir.write("archive/a.json", Value::from(events).to_string());
    dir
}

/// Returns fields that name other people and an application.
fn others() -> Value {
    json!({
        "SharingInformation": [{"RecipientEmail": "max@tannhof.example", "RecipientName": "Max M."}],
        "WorkspaceAccessList": [{"WorkspaceId": "w", "UserAccessList": [
            {"Identifier": SALES_ID, "PrincipalType": "App"}
        ]}]
    })
}

/// Returns the events of the store as `export` writes them.
fn exported(dir: &Workdir, store: &str) -> Vec<Value> {
    let lines = dir.pbi(["export", "--store", store]).ended(0).stdout;
    lines.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

/// Fails if an event names Olga, other than the one with a report of this name.
#[track_caller]
fn assert_olga_is_gone(events: &[Value]) {
    for event in events.iter().filter(|event| event["Id"] != "e41") {
        let text = event.to_string().to_lowercase();
        for name in ["olga", "fremd", OLGA_ID] {
            assert!(!text.contains(name), "{name} is in {text}");
        }
    }
}

fn by_id<'e>(events: &'e [Value], id: &str) -> &'e Value {
    events.iter().find(|event| event["Id"] == id).expect("the event is stored")
}

/// Checks the forms in which Olga's pseudonym occurs.
#[track_caller]
fn assert_one_pseudonym(events: &[Value]) {
    let recipient = &by_id(events, "e00")["SharingInformation"][0];
    let address = recipient["RecipientEmail"].as_str().expect("it is text");
    let (pseudonym, domain) = address.split_once('@').expect("it is an address");
    assert_eq!(domain, "partner.example");
    assert_eq!(recipient["RecipientName"], pseudonym);
    assert_eq!(by_id(events, "e01")["SubscribeeInformation"][0]["RecipientName"], pseudonym);
    assert_eq!(by_id(events, "e05")["SharingInformation.RecipientName"], pseudonym);
    assert_eq!(by_id(events, "e07")["NewField"]["To"][0]["RecipientName"], pseudonym);
    let id = &recipient["ObjectId"];
    assert_eq!(&by_id(events, "e09")["FolderAccessRequests"][0]["UserObjectId"], id);
    let user = &by_id(events, "e10")["WorkspaceAccessList"][0]["UserAccessList"][0];
    assert_eq!((&user["Identifier"], &user["PrincipalType"]), (id, &json!("User")));
    assert_eq!(&by_id(events, "e13")["PropertyCollection"][0]["Value"], id);
    assert_eq!(by_id(events, "e14")["AdditionalInfo"], {
        format!(r#"{{"userPrincipalName":"{address}","sum":1.10}}"#)
    });
}

#[test]
fn pseudonymized_store_contains_no_name_of_a_recipient() {
    let dir = archive();
    dir.write("key", "8f2b1d90c37a4e65f01b6a2c9d84e733");
    dir.ingest("store", &["archive", "--pseudonymize", "--key-file", "key"]).0.ended(0);
    let events = exported(&dir, "store");
    assert_eq!(events.len(), fields_with_olga().len() + 2);
    assert_olga_is_gone(&events);
    assert_one_pseudonym(&events);
    let app = &by_id(&events, "e40")["WorkspaceAccessList"][0]["UserAccessList"][0];
    assert_eq!(app["Identifier"], SALES_ID, "applications are not people");
    let text = by_id(&events, "e40").to_string();
    assert!(!text.contains("Max") && !text.contains("max@"), "{text}");

    // With the key, she is found and forgotten there too.
    let forget = ["forget", "--user", OLGA, "--key-file", "key", "--store", "store"];
    let before = by_id(&events, "e00")["SharingInformation"].to_string();
    dir.pbi([&forget[..], &["--pseudonymize"]].concat()).ended(0);
    let events = exported(&dir, "store");
    assert_ne!(by_id(&events, "e00")["SharingInformation"].to_string(), before);
    assert_one_pseudonym(&events);
}

#[test]
fn names_of_a_forgotten_recipient_are_replaced_everywhere() {
    let dir = archive();
    for (store, arguments) in [("erased", &[][..]), ("kept", &["--pseudonymize"][..])] {
        dir.ingest(store, &["archive"]).0.ended(0);
        let before = exported(&dir, store);
        let forget = ["forget", "--user", OLGA, "--store", store];
        let ran = dir.pbi([&forget[..], arguments].concat()).ended(0);
        assert!(ran.stdout.contains("\nevents   0 erased, 17 changed\n"), "{}", ran.stdout);
        let events = exported(&dir, store);
        assert_olga_is_gone(&events);
        assert_one_pseudonym(&events);
        for id in ["e40", "e41"] {
            assert_eq!(by_id(&events, id), by_id(&before, id), "other events stay");
        }
        dir.pbi(["verify", "--store", store]).ended(0);
    }
}

#[test]
fn name_of_two_people_is_replaced_only_next_to_the_right_address() {
    let dir = Workdir::new();
    let share = |id: u8, fields: &str| {
        format!(
            r#"{{"Id":"e{id}","CreationTime":"2026-03-02T09:0{id}:00","Operation":"ShareReport",
            "RecordType":20,"UserId":"lena@x.com",{fields}}}"#
        )
    };
    let recipient = |address: &str| {
        format!(
            r#""SharingInformation":[{{"RecipientEmail":"{address}","RecipientName":"Max Muster"}}]"#
        )
    };
    let events = [
        share(1, &recipient("max.muster@x.com")),
        share(2, &recipient("max.muster2@x.com")),
        share(3, r#""SharingInformation":[{"RecipientName":"Max Muster"}]"#),
    ];
    dir.write("archive/a.json", format!("[{}]", events.join(",")));
    dir.ingest("store", &["archive"]).0.ended(0);
    let before = exported(&dir, "store");
    dir.pbi(["forget", "--user", "max.muster@x.com", "--store", "store"]).ended(0);
    let after = exported(&dir, "store");
    assert!(!after[0].to_string().contains("Max Muster"), "{}", after[0]);
    assert_eq!(after[1..], before[1..]);
}

#[test]
fn names_in_conflicting_copies_are_replaced() {
    let dir = Workdir::new();
    let takeover = |owner: &str| {
        json!([{
            "Id": "e1", "CreationTime": "2026-03-02T09:00:00", "Operation": "TakeOverDataset",
            "RecordType": 20, "UserId": "lena@tannhof.example", "OriginalOwner": owner,
            "SharingInformation": [{"RecipientEmail": OLGA, "RecipientName": "Olga Fremd"}]
        }])
    };
    dir.write("archive/a.json", takeover("max@tannhof.example").to_string());
    dir.write("archive/b.json", takeover("Olga Fremd").to_string());
    dir.ingest("store", &["archive"]).0.one_of(&[0, 3]);
    let conflicts = || dir.pbi(["export", "--conflicts", "--store", "store"]).ended(0).stdout;
    assert!(conflicts().contains("\"Olga Fremd\""), "{}", conflicts());
    dir.pbi(["forget", "--user", OLGA, "--store", "store"]).ended(0);
    assert!(!conflicts().contains("Olga"), "{}", conflicts());
}
