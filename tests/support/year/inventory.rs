//! Writes the inventory of the company: two full scans and an incremental one, people with their
//! licenses, the subscribed products, tenant settings, and groups with their members.

use serde_json::{Value, json};

use super::company::{self, Actor, Dashboard, Model, Report, Workspace};
use super::files::File;

const OLD: &str = "2023-09-04T07:30:00";
const PRO: &str = "f8a1db68-be16-40ed-86d5-cb42ce701560";
const E5: &str = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
const PPU: &str = "c1d032e0-5619-4761-9b5c-75b6831e1711";
const GROUP: &str = "5e0f3a52-7a0b-4a3e-9a43-0f6f5b8e1c77";

static WORKSPACES: [&Workspace; 9] = [
    &company::SALES,
    &company::FINANCE,
    &company::GRID,
    &company::COMPLIANCE,
    &company::HR,
    &company::WINDPARK,
    &company::SERVICE,
    &company::ANNAS,
    &company::TRIAL,
];

static REPORTS: [&Report; 18] = [
    &company::OVERVIEW,
    &company::NAMESAKE,
    &company::CASH_OLD,
    &company::CASH_NEW,
    &company::LOAD,
    &company::FAULTS,
    &company::USAGE,
    &company::KPIS,
    &company::HEADCOUNT,
    &company::PROGRESS,
    &company::COSTS,
    &company::JAPAN,
    &company::TICKETS,
    &company::CHURN,
    &company::METERS,
    &company::NOTES,
    &company::PRICES,
    &company::INVOICE,
];

static MODELS: [&Model; 8] = [
    &company::SALES_MODEL,
    &company::FINANCE_MODEL,
    &company::GRID_MODEL,
    &company::COMPLIANCE_MODEL,
    &company::HR_MODEL,
    &company::WINDPARK_MODEL,
    &company::SERVICE_MODEL,
    &company::NOTES_MODEL,
];

static DASHBOARDS: [&Dashboard; 3] =
    [&company::SALES_BOARD, &company::GRID_BOARD, &company::TEAM_BOARD];

/// Returns an ID for something that is in no event.
fn own_id(number: u32) -> String {
    format!("{number:08x}-3b2a-4c1d-8e0f-9a8b7c6d5e4f")
}

fn user(actor: &Actor, right: &str) -> Value {
    json!({
        "groupUserAccessRight": right, "emailAddress": actor.id, "identifier": actor.id,
        "displayName": "x", "principalType": "User",
        "userType": if actor.id.contains("#EXT#") { "Guest" } else { "Member" }
    })
}

fn group_right(name: &str, id: &str) -> Value {
    json!({"groupUserAccessRight": "Admin", "displayName": name, "identifier": id, "graphId": id,
        "principalType": "Group"})
}

/// Returns the owner of the content of a workspace.
fn owner(workspace: &Workspace) -> &'static Actor {
    let at = WORKSPACES.iter().position(|known| known.id == workspace.id).unwrap_or(0);
    [
        &company::ANNA,
        &company::BJORN,
        &company::CARLA,
        &company::DENIZ,
        &company::EMILY,
        &company::FRANK,
        &company::GRETA,
        &company::ANNA,
        &company::HANNA,
    ][at]
}

fn report(held: &Report) -> Value {
    let created = match held.from {
        "2024-11-15" => OLD.to_owned(),
        day => format!("{day}T06:00:00"),
    };
    let author = owner(held.model.workspace).id;
    json!({
        "id": held.id, "name": held.name, "reportType": held.kind, "datasetId": held.model.id,
        "createdDateTime": created, "modifiedDateTime": created, "createdBy": author,
        "modifiedBy": author
    })
}

/// Returns the copy of a report in an app.
fn copy(position: usize, held: &Report) -> Option<Value> {
    let app = held.app.filter(|_| held.publisher_id.is_none())?;
    let mut copy = report(held);
    copy["id"] = json!(own_id(0x100 + position as u32));
    copy["name"] = json!(format!("[App] {}", held.name));
    copy["appId"] = json!(app.id);
    copy["originalReportObjectId"] = json!(held.id);
    Some(copy)
}

fn model(held: &Model) -> Value {
    // The models of sales and finance are built on one that is built on a dataflow.
    let upstream = [company::SALES_MODEL.id, company::FINANCE_MODEL.id].contains(&held.id);
    let upstream: Vec<Value> =
        upstream.then(|| json!({"targetDatasetId": own_id(1)})).into_iter().collect();
    json!({
        "id": held.id, "name": held.name, "configuredBy": owner(held.workspace).id,
        "createdDate": OLD, "contentProviderType": "PbixInImportMode",
        "upstreamDatasets": upstream
    })
}

fn made_model(number: u32, name: &str, upstream: &[u32], dataflows: &[u32]) -> Value {
    let of = |member: &str, numbers: &[u32]| -> Value {
        numbers.iter().map(|number| json!({member: own_id(*number)})).collect()
    };
    json!({
        "id": own_id(number), "name": name, "configuredBy": company::BJORN.id, "createdDate": OLD,
        "upstreamDatasets": of("targetDatasetId", upstream),
        "upstreamDataflows": of("targetDataflowId", dataflows)
    })
}

fn dashboard(held: &Dashboard) -> Value {
    let shown = REPORTS.iter().find(|report| report.model.workspace.id == held.workspace.id);
    let tile = |report: &&&Report| json!({"reportId": report.id, "datasetId": report.model.id});
    json!({
        "id": held.id, "displayName": held.name, "isReadOnly": false,
        "tiles": shown.iter().map(tile).collect::<Vec<_>>()
    })
}

fn workspace(held: &'static Workspace) -> Value {
    let is_own = |place: &Workspace| place.id == held.id;
    let own = || REPORTS.iter().enumerate().filter(|(_, r)| is_own(r.model.workspace));
    let reports: Vec<Value> = own()
        .map(|(_, found)| report(found))
        .chain(own().filter_map(|(at, found)| copy(at, found)))
        .collect();
    let models = MODELS.iter().filter(|found| is_own(found.workspace));
    let dashboards = DASHBOARDS.iter().filter(|found| is_own(found.workspace));
    let is_personal = is_own(&company::ANNAS);
    let mut scanned = json!({
        "id": held.id, "name": held.name, "state": "Active",
        "type": if is_personal { "PersonalGroup" } else { "Workspace" },
        "isOnDedicatedCapacity": held.capacity.is_some(), "reports": reports,
        "datasets": models.map(|found| model(found)).collect::<Vec<_>>(),
        "dashboards": dashboards.map(|found| dashboard(found)).collect::<Vec<_>>(),
        "users": [user(owner(held), "Admin"), user(&company::KIM, "Viewer")]
    });
    if let Some(capacity) = held.capacity {
        scanned["capacityId"] = json!(capacity.id);
    }
    scanned
}

fn add(scanned: &mut Value, list: &str, item: Value) {
    let all = scanned.as_object_mut().expect("a workspace is an object");
    let list = all.entry(list).or_insert_with(|| json!([]));
    list.as_array_mut().expect("its lists are arrays").push(item);
}

/// Returns the workspaces as of the second full scan.
fn tenant() -> Vec<Value> {
    let mut all: Vec<Value> = WORKSPACES.iter().map(|held| workspace(held)).collect();
    let [sales, finance, grid, _, hr, windpark, service, ..] = all.as_mut_slice() else {
        return all;
    };
    add(sales, "datasets", made_model(1, "Stammdaten", &[], &[3]));
    add(sales, "datasets", made_model(2, "Alte Preise", &[], &[]));
    add(finance, "datasets", made_model(5, "Kreis A", &[6], &[]));
    add(finance, "datasets", made_model(6, "Kreis B", &[5], &[]));
    for (number, name) in [(3, "Kunden"), (4, "Faxe")] {
        let dataflow = json!({"objectId": own_id(number), "name": name, "generation": 1,
            "configuredBy": company::CARLA.id, "upstreamDataflows": []});
        add(grid, "dataflows", dataflow);
    }
    add(grid, "Lakehouse", json!({"id": own_id(7), "name": "Messwerte", "createdDate": OLD}));
    let notebook = json!({"id": own_id(8), "name": "Prognose", "createdDate": OLD,
        "relations": [{"dependentOnArtifactId": own_id(7), "relationType": "Datasource"}]});
    add(grid, "Notebook", notebook);
    // The members of the first group are disabled or gone, the second has an enabled one, and the
    // list of the third is cut.
    hr["users"] = json!([group_right("HR admins", GROUP)]);
    grid["users"] =
        json!([group_right("Netzleitung", &own_id(0x301)), user(&company::KIM, "Viewer")]);
    add(service, "users", group_right("Servicedesk", &own_id(0x302)));
    windpark["users"] = json!([user(&company::FRANK, "Contributor")]);
    let forgotten = json!({"id": own_id(9), "name": "Vergessen", "reportType": "PowerBIReport",
        "datasetId": own_id(2), "createdDateTime": OLD, "createdBy": company::GRETA.id,
        "users": [{"reportUserAccessRight": "Read", "emailAddress": company::PAT.id,
            "identifier": company::PAT.id, "principalType": "User", "userType": "Guest"}]});
    add(service, "reports", forgotten);
    all
}

fn scan(taken: &str, workspaces: &[Value]) -> Value {
    json!({"workspaces": workspaces, "datasourceInstances": [], "scanCreatedDateTime": taken})
}

fn people(is_later: bool) -> Value {
    let person = |(number, held): (usize, &company::Person)| {
        let skus: &[&str] = match number % 5 {
            0 => &[E5],
            1 => &[PPU, PRO],
            _ => &[PRO],
        };
        let licenses = skus.iter().map(|sku| json!({"skuId": sku, "disabledPlans": []}));
        let departments = ["Vertrieb", "Netz", "Finanzen"];
        let group = (number % 3 == 0).then_some(GROUP);
        let states = skus.iter().map(|sku| {
            json!({"skuId": sku, "assignedByGroup": group, "state": "Active", "disabledPlans": []})
        });
        json!({
            "id": own_id(0x200 + number as u32), "userPrincipalName": held.actor.id,
            "displayName": "x", "accountEnabled": !(is_later && number == 5),
            "department": departments[number % 3],
            "createdDateTime": "2020-01-01T00:00:00Z",
            "assignedLicenses": licenses.collect::<Vec<_>>(),
            "licenseAssignmentStates": states.collect::<Vec<_>>()
        })
    };
    let listed = company::PEOPLE.iter().enumerate();
    let listed = listed.filter(|(number, _)| !(is_later && *number == 6)).map(person);
    json!({"@odata.context": "x$metadata#users", "value": listed.collect::<Vec<_>>()})
}

fn products() -> Value {
    let product = |(sku, part): &(&str, &str)| {
        json!({"skuId": sku, "skuPartNumber": part, "consumedUnits": 20, "appliesTo": "User",
            "capabilityStatus": "Enabled", "servicePlans": [],
            "prepaidUnits": {"enabled": 25, "suspended": 0, "warning": 0}})
    };
    let all = [(PRO, "POWER_BI_PRO"), (PPU, "PBI_PREMIUM_PER_USER"), (E5, "SPE_E5")];
    json!({"value": all.iter().map(product).collect::<Vec<_>>()})
}

fn settings(is_later: bool) -> Value {
    let setting = |name: &str, is_enabled: bool, groups: Value| {
        json!({"settingName": name, "title": format!("{name} title"), "enabled": is_enabled,
            "canSpecifySecurityGroups": true, "tenantSettingGroup": "Export and sharing settings",
            "enabledSecurityGroups": groups})
    };
    let auditors = json!([{"graphId": GROUP, "name": "Auditors"}]);
    let mut all = vec![
        setting("PublishToWeb", !is_later, json!([])),
        setting("ExportToExcelSetting", true, if is_later { auditors } else { json!([]) }),
        setting("CertifyDatasets", false, json!([])),
    ];
    if !is_later {
        all.push(setting("Retired", true, json!([])));
    }
    json!({"value": all})
}

fn groups() -> Value {
    let user = |number: u32| {
        json!({"@odata.type": "#microsoft.graph.user", "id": own_id(0x200 + number),
            "displayName": "x", "userPrincipalName": company::PEOPLE[number as usize].actor.id})
    };
    let nested = |id: &str| json!({"@odata.type": "#microsoft.graph.group", "id": id});
    let within = own_id(0x300);
    json!({"value": [
        {"id": GROUP, "displayName": "HR admins", "members": [user(5), nested(&within)]},
        {"id": within, "displayName": "Ehemalige", "members": [user(6), nested(GROUP)]},
        {"id": own_id(0x301), "displayName": "Netzleitung", "members": [user(2), user(5)]},
        {"id": own_id(0x302), "displayName": "Servicedesk", "members": [user(5)],
            "members@odata.nextLink": "https://graph.microsoft.com/v1.0/groups"}
    ]})
}

/// Returns the files of the inventory.
pub fn files() -> Vec<File> {
    let later = tenant();
    let mut earlier = later.clone();
    // Until the second scan, a report gets a name and an owner, and one is deleted.
    if let Some([first, second, ..]) = earlier[6]["reports"].as_array_mut().map(|r| &mut r[..]) {
        first["name"] = json!("Entwurf");
        second["createdBy"] = json!(company::HANNA.id);
    }
    let deleted = json!({"id": own_id(10), "name": "Kurzlebig", "reportType": "PowerBIReport",
        "createdDateTime": OLD, "createdBy": company::GRETA.id});
    add(&mut earlier[6], "reports", deleted);
    let later: Vec<Value> =
        later.into_iter().filter(|held| held["id"] != company::TRIAL.id).collect();
    let mut changed = later[0].clone();
    let models = changed["datasets"].as_array_mut().expect("its lists are arrays");
    models.retain(|held| held["name"] != "Alte Preise");
    let all = [
        ("scans/2025-11-01.fullscan.json", scan("2025-11-01T02:00:00Z", &earlier)),
        ("scans/2026-02-01.fullscan.json", scan("2026-02-01T02:00:00Z", &later)),
        ("scans/2026-02-08.incremental.json", scan("2026-02-08T02:00:00Z", &[changed])),
        ("graph/2025/11/01/users.json", people(false)),
        ("graph/2026/02/08/users.json", people(true)),
        ("graph/2026/02/08/subscribedskus.json", products()),
        ("graph/2026/02/08/groups.json", groups()),
        ("tenant/2025/11/01/tenant-settings.json", settings(false)),
        ("tenant/2026/02/08/tenant-settings.json", settings(true)),
    ];
    let file = |(name, content): (&str, Value)| File {
        name: format!("inventory/{name}"),
        bytes: content.to_string().into_bytes(),
    };
    all.into_iter().map(file).collect()
}
