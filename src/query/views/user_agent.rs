//! Browser, operating system and consumption method by keywords of the user agent. Null if no
//! keyword is found.

use polars::prelude::*;

use crate::query::engine::memoize::{self, null_if_empty};
use crate::query::engine::picked_texts::first_text;

/// Keywords of programs other than browsers; Microsoft leaves `ConsumptionMethod` empty for many of
/// their events. From published logs: `MSOLAP` is the driver of Excel, `okhttp` that of the Android
/// app.
pub const CONSUMPTION_METHODS: [(&str, &str); 7] = [
    ("msolap", "Excel"),
    ("microsoft.data.mashup", "Power Query"),
    ("microsoftpowerbimgmt", "PowerShell"),
    ("iphone", "Mobile"),
    ("ipad", "Mobile"),
    ("android", "Mobile"),
    ("okhttp", "Mobile"),
];

/// Keywords of browsers. The first that a user agent contains decides, because most user agents
/// name several browsers.
pub const BROWSERS: [(&str, &str); 12] = [
    ("edg/", "Edge"),
    ("edge/", "Edge"),
    ("edga/", "Edge"),
    ("edgios/", "Edge"),
    ("opr/", "Opera"),
    ("firefox/", "Firefox"),
    ("fxios/", "Firefox"),
    ("crios/", "Chrome"),
    ("chrome/", "Chrome"),
    ("trident/", "Internet Explorer"),
    ("msie ", "Internet Explorer"),
    ("safari/", "Safari"),
];

/// Keywords of operating systems. The first that a user agent contains decides.
pub const OPERATING_SYSTEMS: [(&str, &str); 9] = [
    ("iphone", "iOS"),
    ("ipad", "iOS"),
    ("android", "Android"),
    ("windows", "Windows"),
    ("cros ", "ChromeOS"),
    ("mac os x", "macOS"),
    ("macintosh", "macOS"),
    ("linux", "Linux"),
    ("x11", "Linux"),
];

/// Returns the consumption method: `ConsumptionMethod`, else the program of the user agent.
pub fn consumption_method() -> Expr {
    first_text([null_if_empty(col("ConsumptionMethod")), match_keyword(&CONSUMPTION_METHODS)])
}

/// Returns the browser.
pub fn browser() -> Expr {
    match_keyword(&BROWSERS)
}

/// Returns the operating system.
pub fn os() -> Expr {
    match_keyword(&OPERATING_SYSTEMS)
}

/// Returns the name for the first keyword that the user agent contains.
fn match_keyword(keywords: &'static [(&'static str, &'static str)]) -> Expr {
    memoize::map_text(col("UserAgent"), move |agent| {
        let agent = agent.to_lowercase();
        let found = keywords.iter().find(|(keyword, _)| agent.contains(keyword));
        found.map(|(_, name)| (*name).to_owned())
    })
}
