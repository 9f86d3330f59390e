//! What a user agent proves. Owns: the words that tell programs from one another. Where none of
//! them stands, nothing is known, and nothing is said.

use polars::prelude::*;

use crate::query::engine::memoize::{self, null_if_empty};

/// Words of programs that are no browser; Microsoft leaves ConsumptionMethod empty for many of
/// their events. Facts of published logs: `MSOLAP` is Excel's driver, `okhttp` that of the Android
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

/// Browsers; the first word that stands in a user agent decides, since most of them name others
/// too.
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

/// Operating systems, in the same way.
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

/// How it was opened: what Microsoft says, else what the user agent proves.
pub fn consumption_method() -> Expr {
    coalesce(&[null_if_empty(col("ConsumptionMethod")), match_keyword(&CONSUMPTION_METHODS)])
}

/// The browser.
pub fn browser() -> Expr {
    match_keyword(&BROWSERS)
}

/// The operating system.
pub fn os() -> Expr {
    match_keyword(&OPERATING_SYSTEMS)
}

/// The name beside the first word that stands in the user agent.
fn match_keyword(words: &'static [(&'static str, &'static str)]) -> Expr {
    memoize::map_text(col("UserAgent"), move |agent| {
        let agent = agent.to_lowercase();
        let found = words.iter().find(|(word, _)| agent.contains(word));
        found.map(|(_, name)| (*name).to_owned())
    })
}
