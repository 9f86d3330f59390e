//! Decides if the tests write their expected files anew.

use std::ffi::OsStr;

/// Returns true if `PBI_BLESS` is set. Every test that compares with a file asks this.
///
/// # Panics
///
/// Panics if `CI` is set too: a check of the project must not rewrite what it checks.
pub fn is_blessing() -> bool {
    let [bless, ci] = ["PBI_BLESS", "CI"].map(std::env::var_os);
    decide(bless.as_deref(), ci.as_deref())
}

fn decide(bless: Option<&OsStr>, ci: Option<&OsStr>) -> bool {
    let is_ci = ci.is_some_and(|value| !value.is_empty());
    assert!(
        bless.is_none() || !is_ci,
        "PBI_BLESS is refused because CI is set: run the tests on your machine with PBI_BLESS=1, \
         check the changed files, and commit them"
    );
    bless.is_some()
}

#[test]
fn expected_files_are_written_only_if_asked_for() {
    let set = Some(OsStr::new("1"));
    assert!(decide(set, None) && decide(set, Some(OsStr::new(""))));
    assert!(!decide(None, None) && !decide(None, set));
}

#[test]
#[should_panic(expected = "PBI_BLESS is refused because CI is set")]
fn expected_files_are_not_written_in_ci() {
    decide(Some(OsStr::new("1")), Some(OsStr::new("true")));
}
