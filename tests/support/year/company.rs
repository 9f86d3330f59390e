//! Defines the company: its people, their content and its capacities.
//!
//! The scenes define what happens when.

use chrono_tz::{America, Europe, Tz};

/// Id of the tenant.
pub const TENANT: &str = "94ea1182-a921-4bb2-8fb8-b37c87769dea";

/// A capacity that workspaces run on.
pub struct Capacity {
    pub id: &'static str,
    pub name: &'static str,
}

/// A workspace; a former name is valid up to and including a day.
pub struct Workspace {
    pub id: &'static str,
    pub name: &'static str,
    pub former: Option<(&'static str, &'static str)>,
    pub capacity: Option<&'static Capacity>,
}

/// A semantic model.
pub struct Model {
    pub id: &'static str,
    pub name: &'static str,
    pub workspace: &'static Workspace,
}

/// An app.
pub struct App {
    pub id: &'static str,
    pub name: &'static str,
    pub workspace: &'static Workspace,
}

/// A dashboard.
pub struct Dashboard {
    pub id: &'static str,
    pub name: &'static str,
    pub workspace: &'static Workspace,
}

/// A report, and the days on which people view it.
pub struct Report {
    pub id: &'static str,
    pub name: &'static str,
    pub former: Option<(&'static str, &'static str)>,
    pub model: &'static Model,
    pub app: Option<&'static App>,
    /// Publisher's id, if the report is part of a template app.
    pub publisher_id: Option<&'static str>,
    pub from: &'static str,
    pub until: &'static str,
    pub kind: &'static str,
}

/// A person or a program that acts.
#[derive(Clone, Copy)]
pub struct Actor {
    pub id: &'static str,
    pub user_type: i64,
    pub agent: &'static str,
    pub ip: &'static str,
    pub zone: Tz,
}

/// Period of a person's work: first and last day, and the share of workdays with views of reports.
pub struct Stay(pub &'static str, pub &'static str, pub f64);

/// A person with habits: the first report is viewed most.
pub struct Person {
    pub actor: &'static Actor,
    pub stays: &'static [Stay],
    pub reports: &'static [&'static Report],
}

/// Day before all events.
const EVER: &str = "2024-11-15";
const END: &str = "2026-02-10";

pub static PREMIUM: Capacity =
    Capacity { id: "591EF3AB-CA54-457D-9D69-88A103D06470", name: "P1 Nordlicht" };
pub static FABRIC: Capacity =
    Capacity { id: "D4A97E66-668E-4ECD-AD55-0850AE01F9C2", name: "F64 Netz" };

pub static SALES: Workspace = Workspace {
    id: "c06db433-1f71-4dba-8f4c-8d9271dc9d07",
    name: "Vertrieb",
    former: None,
    capacity: Some(&PREMIUM),
};
pub static FINANCE: Workspace = Workspace {
    id: "657fe22b-6f3c-4faa-843f-98314c72a40f",
    name: "Finance",
    former: None,
    capacity: Some(&PREMIUM),
};
pub static GRID: Workspace = Workspace {
    id: "737b70eb-f93c-4889-8a8d-04fc6f116c35",
    name: "Netzbetrieb",
    former: Some(("Netz", "2025-04-01")),
    capacity: Some(&FABRIC),
};
pub static COMPLIANCE: Workspace = Workspace {
    id: "a7611044-f082-467c-8da3-46529fb02775",
    name: "Regulierung & Compliance",
    former: None,
    capacity: Some(&PREMIUM),
};
pub static HR: Workspace = Workspace {
    id: "214a312c-2ef6-4e0a-9800-140e8fa1a52a",
    name: "HR – Personal",
    former: None,
    capacity: None,
};
pub static WINDPARK: Workspace = Workspace {
    id: "3c98dd76-7cec-47f3-bb76-96287ce46371",
    name: "Projekt Windpark",
    former: None,
    capacity: None,
};
pub static SERVICE: Workspace = Workspace {
    id: "c1453da0-0803-4cd0-852d-90ced42e69d0",
    name: "Kundenservice",
    former: None,
    capacity: None,
};
pub static ANNAS: Workspace = Workspace {
    id: "16ca3451-f018-4754-805b-16448cd503d4",
    name: "PersonalWorkspace Anna Bergmann",
    former: None,
    capacity: None,
};
/// A workspace for experiments, which is deleted.
pub static TRIAL: Workspace = Workspace {
    id: "e2a45b1c-6d0f-4c97-8b3e-15f7d9c0a864",
    name: "Testgelände",
    former: None,
    capacity: None,
};
/// The personal workspace without a GUID, as some events write it.
pub static MINE: Workspace =
    Workspace { id: "My Workspace", name: "My Workspace", former: None, capacity: None };
pub static SALES_MODEL: Model =
    Model { id: "f910c153-ebdf-402d-ad60-1f2606eaedb0", name: "Sales", workspace: &SALES };
pub static FINANCE_MODEL: Model =
    Model { id: "1429b9fc-1fbb-4a5b-9dac-f7d2d119fe96", name: "Finanzen", workspace: &FINANCE };
pub static GRID_MODEL: Model =
    Model { id: "18e9555e-af9a-42ba-adb8-adb737bfafc0", name: "Netzlast", workspace: &GRID };
pub static COMPLIANCE_MODEL: Model = Model {
    id: "63cbada1-1cb9-4606-ae05-6bf8a934a083",
    name: "Regulierung",
    workspace: &COMPLIANCE,
};
pub static HR_MODEL: Model =
    Model { id: "55cfaf4b-4953-49eb-a185-9427d501e944", name: "Headcount", workspace: &HR };
pub static WINDPARK_MODEL: Model =
    Model { id: "befa61b5-fee9-4bbc-bcee-f07059b79adf", name: "Windpark", workspace: &WINDPARK };
pub static SERVICE_MODEL: Model =
    Model { id: "9745d570-2e94-47f3-be74-937c1c8ce76b", name: "Tickets", workspace: &SERVICE };
pub static NOTES_MODEL: Model =
    Model { id: "924d2351-c74f-4dd2-b280-93b69fceb664", name: "Notizen", workspace: &ANNAS };
pub static SALES_APP: App =
    App { id: "c90bbf3b-30f5-4f9d-9685-ecd6a7934e0d", name: "Vertrieb", workspace: &SALES };
pub static COMPLIANCE_APP: App = App {
    id: "800f3ebf-d3e9-4984-920f-307bf5d22ba8",
    name: "Compliance App",
    workspace: &COMPLIANCE,
};
pub static USAGE_APP: App = App {
    id: "b38c989a-0394-4fe2-8a68-94e06b3b15da",
    name: "Microsoft 365 Usage Analytics",
    workspace: &FINANCE,
};
pub static SALES_BOARD: Dashboard = Dashboard {
    id: "b0658ad3-5d74-4ce1-aed7-fdfc616c8e2d",
    name: "Vertrieb heute",
    workspace: &SALES,
};
pub static GRID_BOARD: Dashboard =
    Dashboard { id: "ca89f016-70b0-43ce-bcc6-0d8e98db6fd0", name: "Leitstand", workspace: &GRID };
pub static TEAM_BOARD: Dashboard =
    Dashboard { id: "431c61b3-7471-42d2-9cb6-e46fad236e31", name: "Team", workspace: &HR };
/// Renamed on 2025-09-15: one row under its new name.
pub static OVERVIEW: Report = Report {
    id: "fcfec9c2-289c-45e5-b9bd-5e54b8a5d83d",
    name: "Sales Overview",
    former: Some(("Umsatzübersicht", "2025-09-14")),
    model: &SALES_MODEL,
    app: Some(&SALES_APP),
    publisher_id: None,
    from: EVER,
    until: END,
    kind: "PowerBIReport",
};
/// Another report of that name: a row of its own.
pub static NAMESAKE: Report = Report {
    id: "69e30657-52a9-4232-b15b-916c06fe8416",
    name: "Sales Overview",
    former: None,
    model: &FINANCE_MODEL,
    app: None,
    publisher_id: None,
    from: EVER,
    until: END,
    kind: "PowerBIReport",
};
/// Published again under a new id on 2025-08-01.
pub static CASH_OLD: Report = Report {
    id: "7243149c-fb6c-4aab-b062-2f4e8129fd24",
    name: "Cash Flow",
    former: None,
    model: &FINANCE_MODEL,
    app: None,
    publisher_id: None,
    from: EVER,
    until: "2025-07-31",
    kind: "PowerBIReport",
};
pub static CASH_NEW: Report = Report {
    id: "a7334a45-1899-4f3d-a455-128ece2a4c31",
    name: "Cash Flow",
    former: None,
    model: &FINANCE_MODEL,
    app: None,
    publisher_id: None,
    from: "2025-08-01",
    until: END,
    kind: "PowerBIReport",
};
pub static LOAD: Report = Report {
    id: "58092ff6-320f-42ac-9d77-c23a8daec7e2",
    name: "Netzlast Live",
    former: None,
    model: &GRID_MODEL,
    app: None,
    publisher_id: None,
    from: EVER,
    until: END,
    kind: "PowerBIReport",
};
/// With characters that Markdown and HTML must escape.
pub static FAULTS: Report = Report {
    id: "cc6eeec0-7112-4e5b-b345-8c4e39e97889",
    name: "Störungen <24h> | Übersicht",
    former: None,
    model: &GRID_MODEL,
    app: None,
    publisher_id: None,
    from: EVER,
    until: END,
    kind: "PowerBIReport",
};
/// Part of a template app: views in its workspace have the publisher's id.
pub static USAGE: Report = Report {
    id: "03ebe968-3b10-4ea3-939c-b5e2a19af99e",
    name: "Microsoft 365 Usage",
    former: None,
    model: &FINANCE_MODEL,
    app: Some(&USAGE_APP),
    publisher_id: Some("f561796c-11a9-4ec9-a763-b56506da1e37"),
    from: "2025-02-03",
    until: END,
    kind: "PowerBIReport",
};
pub static KPIS: Report = Report {
    id: "c9a96fc6-54bd-4703-9782-dcb45604be06",
    name: "Regulatory KPIs",
    former: None,
    model: &COMPLIANCE_MODEL,
    app: Some(&COMPLIANCE_APP),
    publisher_id: None,
    from: EVER,
    until: END,
    kind: "PowerBIReport",
};
/// Unused for more than nine months at the end, as is its workspace.
pub static HEADCOUNT: Report = Report {
    id: "6cbe143f-9ac9-47a7-8e65-a0b26ec87a43",
    name: "Headcount",
    former: None,
    model: &HR_MODEL,
    app: None,
    publisher_id: None,
    from: EVER,
    until: "2025-04-11",
    kind: "PowerBIReport",
};
/// Occasionally used: in the last nine months, not in the last one.
pub static PROGRESS: Report = Report {
    id: "33645325-f27a-43b6-a517-2237d842e3ad",
    name: "Windpark Fortschritt",
    former: None,
    model: &WINDPARK_MODEL,
    app: None,
    publisher_id: None,
    from: "2025-01-07",
    until: "2025-10-30",
    kind: "PowerBIReport",
};
/// With a name that a spreadsheet would take for a formula.
pub static COSTS: Report = Report {
    id: "647e3107-f0dc-4f00-87ad-bf2f82f2b3ef",
    name: "=Summe(Kosten)",
    former: None,
    model: &FINANCE_MODEL,
    app: None,
    publisher_id: None,
    from: "2025-10-13",
    until: END,
    kind: "PowerBIReport",
};
/// Created on 2025-10-06, viewed by another person three days later.
pub static JAPAN: Report = Report {
    id: "73bd3193-9e32-4460-a95a-ba4df11c6b72",
    name: "日本市場レポート",
    former: None,
    model: &SERVICE_MODEL,
    app: None,
    publisher_id: None,
    from: "2025-10-09",
    until: END,
    kind: "PowerBIReport",
};
/// Viewed only by its author.
pub static TICKETS: Report = Report {
    id: "f23273f0-fbcf-44f0-92bf-6f6d3b93fc82",
    name: "Tickets, offen; \"dringend\"",
    former: None,
    model: &SERVICE_MODEL,
    app: None,
    publisher_id: None,
    from: "2099-01-01",
    until: END,
    kind: "PowerBIReport",
};
/// Viewed by others on its first day.
pub static CHURN: Report = Report {
    id: "1c3e8c08-03ef-4b2a-9a7b-c206ed7332be",
    name: "Churn Modell",
    former: None,
    model: &SALES_MODEL,
    app: None,
    publisher_id: None,
    from: "2026-01-12",
    until: END,
    kind: "PowerBIReport",
};
/// Viewed by others nine days after it was created, first by a guest.
pub static METERS: Report = Report {
    id: "47d1c9e2-0b6a-4f38-9e75-d83a2c5f1b06",
    name: "Zählerstände",
    former: None,
    model: &GRID_MODEL,
    app: None,
    publisher_id: None,
    from: "2026-01-05",
    until: END,
    kind: "PowerBIReport",
};
/// In a personal workspace.
pub static NOTES: Report = Report {
    id: "2944ca4b-a984-4a5a-ba3c-d47e249196a6",
    name: "Private Notizen",
    former: None,
    model: &NOTES_MODEL,
    app: None,
    publisher_id: None,
    from: EVER,
    until: END,
    kind: "PowerBIReport",
};
/// Published to the web.
pub static PRICES: Report = Report {
    id: "c5956355-bc02-4727-a953-86a271477077",
    name: "Energiepreise (öffentlich)",
    former: None,
    model: &SALES_MODEL,
    app: None,
    publisher_id: None,
    from: "2025-05-05",
    until: END,
    kind: "PowerBIReport",
};
pub static INVOICE: Report = Report {
    id: "b3c2319f-837d-4e97-b3e0-39c26ebebaa6",
    name: "Rechnung",
    former: None,
    model: &FINANCE_MODEL,
    app: None,
    publisher_id: None,
    from: "2025-06-02",
    until: END,
    kind: "PaginatedReport",
};

const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0";
const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15";
const IPHONE: &str = "PowerBI/33.8 (iPhone; iOS 18.1; Scale/3.00)";
const ANDROID: &str = "okhttp/4.12.0";
/// Agents of programs that read models and the service.
pub const EXCEL: &str = "MSOLAP 16.0 Client";
pub const POWER_QUERY: &str =
    "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)";
pub const POWERSHELL: &str = "MicrosoftPowerBIMgmt/1.2.1111.0";

/// Frequent, a creator.
pub static ANNA: Actor = Actor {
    id: "anna.bergmann@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.10",
    zone: Europe::Berlin,
};
/// Frequent, a viewer.
pub static BJORN: Actor = Actor {
    id: "bjorn.lund@aurora-energi.example",
    user_type: 0,
    agent: CHROME,
    ip: "192.0.2.11",
    zone: Europe::Berlin,
};
/// Frequent; the case of her name changes.
pub static CARLA: Actor = Actor {
    id: "Carla.Neumann@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.12",
    zone: Europe::Berlin,
};
/// Frequent, a creator.
pub static DENIZ: Actor = Actor {
    id: "deniz.yilmaz@nordlicht-energie.example",
    user_type: 0,
    agent: FIREFOX,
    ip: "192.0.2.13",
    zone: Europe::Berlin,
};
/// Frequent, from New York.
pub static EMILY: Actor = Actor {
    id: "emily.carter@nordlicht-energie.example",
    user_type: 0,
    agent: SAFARI,
    ip: "192.0.2.14",
    zone: America::New_York,
};
/// Frequent; an apostrophe in the name.
pub static FRANK: Actor = Actor {
    id: "frank.o'connor@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.15",
    zone: America::New_York,
};
/// Frequent, on a phone.
pub static GRETA: Actor = Actor {
    id: "greta.hansen@aurora-energi.example",
    user_type: 0,
    agent: IPHONE,
    ip: "192.0.2.16",
    zone: Europe::Berlin,
};
/// Frequent by exactly nine of twelve months.
pub static HANNA: Actor = Actor {
    id: "hanna.weiss@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.17",
    zone: Europe::Berlin,
};
/// Active only: eight of twelve months.
pub static IVO: Actor = Actor {
    id: "ivo.petrov@nordlicht-energie.example",
    user_type: 0,
    agent: CHROME,
    ip: "192.0.2.18",
    zone: Europe::Berlin,
};
/// Active: in the last month, not in the last week.
pub static JANA: Actor = Actor {
    id: "jana.novak@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.19",
    zone: Europe::Berlin,
};
/// Occasional.
pub static KENJI: Actor = Actor {
    id: "kenji.tanaka@aurora-energi.example",
    user_type: 0,
    agent: CHROME,
    ip: "192.0.2.20",
    zone: Europe::Berlin,
};
/// Occasional, for nearly nine months.
pub static LENA: Actor = Actor {
    id: "lena.fischer@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.21",
    zone: Europe::Berlin,
};
/// Inactive.
pub static MAREK: Actor = Actor {
    id: "marek.kowalski@nordlicht-energie.example",
    user_type: 0,
    agent: FIREFOX,
    ip: "192.0.2.22",
    zone: Europe::Berlin,
};
/// Inactive: came on one day.
pub static NINA: Actor = Actor {
    id: "nina.olsen@aurora-energi.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.23",
    zone: Europe::Berlin,
};
/// New in March, a creator since.
pub static OLIVER: Actor = Actor {
    id: "oliver.brandt@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.24",
    zone: Europe::Berlin,
};
/// New in September.
pub static PAULA: Actor = Actor {
    id: "paula.souza@nordlicht-energie.example",
    user_type: 0,
    agent: CHROME,
    ip: "192.0.2.25",
    zone: Europe::Berlin,
};
/// Lost for four months, then back.
pub static QUENTIN: Actor = Actor {
    id: "quentin.moreau@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.26",
    zone: Europe::Berlin,
};
/// Built reports more than six months ago: a viewer now.
pub static ROSA: Actor = Actor {
    id: "rosa.martini@nordlicht-energie.example",
    user_type: 0,
    agent: SAFARI,
    ip: "192.0.2.27",
    zone: Europe::Berlin,
};
/// Comes every 28 days: neither lost nor returning.
pub static SVEN: Actor = Actor {
    id: "sven.aalto@aurora-energi.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.28",
    zone: Europe::Berlin,
};
/// Comes every 29 days: lost and returning each time.
pub static TESS: Actor = Actor {
    id: "tess.vandijk@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.29",
    zone: Europe::Berlin,
};
/// On call: at midnight, and when clocks change.
pub static UMAR: Actor = Actor {
    id: "umar.khan@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.30",
    zone: America::New_York,
};
/// On a phone that only says okhttp.
pub static VERA: Actor = Actor {
    id: "vera.lindqvist@aurora-energi.example",
    user_type: 0,
    agent: ANDROID,
    ip: "192.0.2.31",
    zone: Europe::Berlin,
};
/// Works in Excel and opens no report.
pub static WEI: Actor = Actor {
    id: "wei.zhang@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.32",
    zone: Europe::Berlin,
};
/// Exports and prints, and opens no report otherwise.
pub static XENIA: Actor = Actor {
    id: "xenia.popov@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.33",
    zone: Europe::Berlin,
};
/// The administrator.
pub static YUSUF: Actor = Actor {
    id: "yusuf.demir@nordlicht-energie.example",
    user_type: 2,
    agent: EDGE,
    ip: "192.0.2.34",
    zone: Europe::Berlin,
};
/// Uses Power Apps alone.
pub static ZOE: Actor = Actor {
    id: "zoe.laurent@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.35",
    zone: Europe::Berlin,
};
/// New in the last month.
pub static ADA: Actor = Actor {
    id: "ada.keller@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.36",
    zone: Europe::Berlin,
};
/// A guest by name.
pub static LARS: Actor = Actor {
    id: "lars.meyer_partnerhaus.example#EXT#@nordlicht-energie.example",
    user_type: 0,
    agent: EDGE,
    ip: "192.0.2.37",
    zone: Europe::Berlin,
};
/// A guest by type.
pub static KIM: Actor = Actor {
    id: "kim.lee@aurora-energi.example",
    user_type: 10,
    agent: CHROME,
    ip: "192.0.2.38",
    zone: Europe::Berlin,
};
/// A guest by domain.
pub static PAT: Actor = Actor {
    id: "pat.jones@gridaudit.example",
    user_type: 0,
    agent: FIREFOX,
    ip: "192.0.2.39",
    zone: America::New_York,
};

/// An anonymous viewer of a report that was published to the web.
pub static ANONYMOUS: Actor = Actor {
    id: "Anonymous",
    user_type: 10,
    agent: SAFARI,
    ip: "198.51.100.7",
    zone: Europe::Berlin,
};
/// Anonymous too, once logged as the system.
pub static ANONYMOUS_SYSTEM: Actor =
    Actor { id: "Anonymous", user_type: 4, agent: EDGE, ip: "", zone: Europe::Berlin };

/// The service principal that downloads the log.
pub static ARCHIVER: Actor = Actor {
    id: "fc559c4c-f54d-401f-969c-b5c4e928b3f4",
    user_type: 5,
    agent: POWERSHELL,
    ip: "0.0.0.0",
    zone: Europe::Berlin,
};
/// The service principal of a portal that embeds reports.
pub static EMBEDDER: Actor = Actor {
    id: "c29d2fce-2995-4a85-8cf2-273683dade3b",
    user_type: 6,
    agent: "python-requests/2.32.3",
    ip: "0.0.0.0",
    zone: Europe::Berlin,
};
/// A service principal with the type of a person; only its id shows the difference.
pub static REFRESHER: Actor = Actor {
    id: "b6642217-dabe-4e95-b0e9-6bd813f153c1",
    user_type: 0,
    agent: "python-requests/2.32.3",
    ip: "0.0.0.0",
    zone: Europe::Berlin,
};
/// The service itself.
pub static SYSTEM: Actor =
    Actor { id: "Power BI Service", user_type: 4, agent: "", ip: "", zone: Europe::Berlin };

/// All people who view reports.
pub static PEOPLE: [Person; 30] = [
    Person {
        actor: &ANNA,
        stays: &[Stay(EVER, END, 0.7)],
        reports: &[&OVERVIEW, &LOAD, &NOTES, &CASH_OLD, &CASH_NEW, &CHURN],
    },
    Person {
        actor: &BJORN,
        stays: &[Stay(EVER, END, 0.6)],
        reports: &[&LOAD, &FAULTS, &OVERVIEW, &COSTS],
    },
    Person {
        actor: &CARLA,
        stays: &[Stay(EVER, END, 0.65)],
        reports: &[&KPIS, &OVERVIEW, &NAMESAKE, &INVOICE],
    },
    Person {
        actor: &DENIZ,
        stays: &[Stay(EVER, END, 0.55)],
        reports: &[&CASH_OLD, &CASH_NEW, &NAMESAKE],
    },
    Person { actor: &EMILY, stays: &[Stay(EVER, END, 0.6)], reports: &[&OVERVIEW, &USAGE, &KPIS] },
    Person { actor: &FRANK, stays: &[Stay(EVER, END, 0.5)], reports: &[&NAMESAKE, &USAGE, &COSTS] },
    Person {
        actor: &GRETA,
        stays: &[Stay(EVER, END, 0.5)],
        reports: &[&LOAD, &KPIS, &FAULTS, &PROGRESS],
    },
    Person {
        actor: &HANNA,
        stays: &[Stay(EVER, "2024-12-20", 0.3), Stay("2025-06-02", END, 0.5)],
        reports: &[&OVERVIEW, &JAPAN, &CHURN],
    },
    Person { actor: &IVO, stays: &[Stay("2025-07-01", END, 0.5)], reports: &[&OVERVIEW, &JAPAN] },
    Person {
        actor: &JANA,
        stays: &[Stay(EVER, "2026-01-20", 0.5)],
        reports: &[&CASH_OLD, &CASH_NEW, &KPIS],
    },
    Person {
        actor: &KENJI,
        stays: &[Stay(EVER, "2025-12-12", 0.3)],
        reports: &[&JAPAN, &LOAD, &PROGRESS],
    },
    Person {
        actor: &LENA,
        stays: &[Stay(EVER, "2025-06-20", 0.35)],
        reports: &[&KPIS, &HEADCOUNT, &OVERVIEW],
    },
    Person {
        actor: &MAREK,
        stays: &[Stay(EVER, "2025-04-30", 0.5)],
        reports: &[&HEADCOUNT, &CASH_OLD],
    },
    Person { actor: &NINA, stays: &[], reports: &[&OVERVIEW] },
    Person {
        actor: &OLIVER,
        stays: &[Stay("2025-03-03", END, 0.55)],
        reports: &[&LOAD, &FAULTS, &PROGRESS, &CHURN],
    },
    Person {
        actor: &PAULA,
        stays: &[Stay("2025-09-01", END, 0.25)],
        reports: &[&JAPAN, &OVERVIEW, &PRICES],
    },
    Person {
        actor: &QUENTIN,
        stays: &[Stay(EVER, "2025-05-30", 0.4), Stay("2025-10-01", END, 0.4)],
        reports: &[&KPIS, &COSTS, &CASH_OLD, &CASH_NEW],
    },
    Person {
        actor: &ROSA,
        stays: &[Stay(EVER, END, 0.1)],
        reports: &[&HEADCOUNT, &KPIS, &INVOICE],
    },
    Person { actor: &SVEN, stays: &[], reports: &[&OVERVIEW] },
    Person { actor: &TESS, stays: &[], reports: &[&KPIS] },
    Person { actor: &UMAR, stays: &[Stay(EVER, END, 0.08)], reports: &[&LOAD] },
    Person {
        actor: &VERA,
        stays: &[Stay("2025-01-13", END, 0.35)],
        reports: &[&FAULTS, &LOAD, &PROGRESS],
    },
    Person { actor: &WEI, stays: &[], reports: &[&OVERVIEW] },
    Person { actor: &XENIA, stays: &[], reports: &[&INVOICE] },
    Person { actor: &YUSUF, stays: &[Stay(EVER, END, 0.05)], reports: &[&USAGE, &KPIS] },
    Person { actor: &ZOE, stays: &[], reports: &[&OVERVIEW] },
    Person { actor: &ADA, stays: &[Stay("2026-01-12", END, 0.6)], reports: &[&CHURN, &OVERVIEW] },
    Person { actor: &LARS, stays: &[Stay("2025-02-10", END, 0.12)], reports: &[&KPIS, &OVERVIEW] },
    Person { actor: &KIM, stays: &[Stay("2025-05-12", "2026-01-09", 0.12)], reports: &[&LOAD] },
    Person { actor: &PAT, stays: &[Stay("2025-11-03", END, 0.15)], reports: &[&KPIS, &FAULTS] },
];
