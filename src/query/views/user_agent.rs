//! What a user agent proves. Owns: the words that tell programs from one another. Where none of
//! them stands, nothing is known, and nothing is said.

use polars::prelude::*;

use crate::query::engine::memoize::{self, filled};

/// Words of programs that are no browser; Microsoft leaves ConsumptionMethod empty for many of
/// their events. Facts of published logs: `MSOLAP` is Excel's driver, `okhttp` that of the Android
/// app.
pub const METHODS: [(&str, &str); 7] = [
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
pub const SYSTEMS: [(&str, &str); 9] = [
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
    coalesce(&[filled(col("ConsumptionMethod")), told(&METHODS)])
}

/// The browser.
pub fn browser() -> Expr {
    told(&BROWSERS)
}

/// The operating system.
pub fn os() -> Expr {
    told(&SYSTEMS)
}

/// The name beside the first word that stands in the user agent.
fn told(words: &'static [(&'static str, &'static str)]) -> Expr {
    memoize::text(col("UserAgent"), move |agent| {
        let agent = agent.to_lowercase();
        let found = words.iter().find(|(word, _)| agent.contains(word));
        found.map(|(_, name)| (*name).to_owned())
    })
}
