//! Lists the words of an invented tenant: names in several scripts with characters that are
//! difficult for readers and writers of JSON, CSV, Markdown or HTML, and the user agents of real
//! clients.

pub const FIRST_NAMES: &[&str] = &[
    "Jordan",
    "Morgan",
    "Ellis",
    "Ama",
    "Bertil",
    "Chloé",
    "Dilan",
    "Elif",
    "Filip",
    "Grażyna",
    "Hanna",
    "Ingrid",
    "Jürgen",
    "Katarzyna",
    "Liam",
    "Mónica",
    "Nadia",
    "Ólafur",
    "Priya",
    "Quentin",
    "Renée",
    "Søren",
    "Tuğba",
    "Ulrike",
    "Vít",
    "Wanda",
    "Xavier",
    "Yūko",
    "Zoë",
];

pub const LAST_NAMES: &[&str] = &[
    "Adeyemi",
    "Bauer",
    "Çelik",
    "Dubois",
    "Eriksen",
    "Fernández",
    "García",
    "Horváth",
    "Ivanov",
    "Jensen",
    "Kowalski",
    "Lindqvist",
    "Müller",
    "Nowak",
    "O'Neill",
    "Pereira",
    "Quist",
    "Rossi",
    "Sato",
    "Tanaka",
    "Ueda",
    "Varga",
    "Weiß",
    "Xu",
    "Yılmaz",
    "Zhang",
];

pub const DEPARTMENTS: &[&str] = &[
    "Sales",
    "Finance",
    "Supply Chain",
    "Human Resources",
    "Marketing",
    "Produktion",
    "Qualité",
    "Customer Care",
    "IT Operations",
    "Einkauf",
    "Ventas",
    "Legal",
];

pub const SUBJECTS: &[&str] = &[
    "Gross Margin Analysis",
    "Overview",
    "Call Centre Stats",
    "Forecast",
    "Umsätze nach Region",
    "Tableau de bord stratégique",
    "Stock on Hand",
    "Headcount",
    "Pipeline",
    "Scorecard",
    "Qualitätskennzahlen",
    "Churn",
    "Budget vs. Actual",
    "Delivery Times",
];

/// Difficult names; the most used reports have them, so that they occur early.
pub const AWKWARD_NAMES: &[&str] = &[
    "Sales Overview",
    "Plan \"B\", costs; all regions",
    "Sales Overview",
    "Ventes – Île-de-France",
    "P&L <draft> | 50% *final*",
    "売上ダッシュボード",
    "C:\\Shares\\Ops report",
    "🚀 Launch KPIs",
    "Director's view",
    "Отчёт по продажам",
    "=SUM(A1:A9)",
    "Line one\nline two",
    "Tab\there",
];

pub const APP_NAMES: &[&str] = &[
    "Sales Reconciliations App",
    "Tableaux de bord de pilotage",
    "Finance Hub",
    "Operations Portal",
];

pub const CONNECTORS: &[&str] = &[
    "Office 365 Outlook, SharePoint",
    "Microsoft Teams",
    "Power BI, Approvals",
    "SQL Server, Excel Online (Business)",
];

pub const SWITCHES: &[&str] = &[
    "Publish to web",
    "Export to Excel",
    "Allow service principals to use read-only admin APIs",
    "Create workspaces",
    "Users can try Microsoft Fabric paid features",
];

/// Operations that are in no list: new ones appear in any week.
pub const UNKNOWN_OPERATIONS: &[&str] =
    &["SummarizeModelDrift", "RotateTileCache", "ProbeLineageHints"];

pub const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/111.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/110.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
];

pub const MOBILES: &[&str] = &[
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Power BI Mobile",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/121.0.6167.178 Mobile Safari/537.36",
    "okhttp/4.11.0",
];

pub const EXCEL: &str = "MSOLAP 16.0 Client";
pub const MASHUP: &str = "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)";
pub const POWERSHELL: &str = "MicrosoftPowerBIMgmt/1.2.1111.0";
pub const SCANNERS: &[&str] =
    &["python-requests/2.31.0", "MicrosoftPowerBIMgmt/1.2.1111.0", "azure-logic-apps/1.0", ""];
