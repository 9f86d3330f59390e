//! Formats numbers for people.

/// Formats a number with thousands separators.
pub(super) fn format_number(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// Formats a number with a noun in singular or plural.
pub(super) fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", format_number(number), if number == 1 { "" } else { "s" })
}
