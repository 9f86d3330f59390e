//! Formats numbers for people.

/// Formats a number with thousands separators.
pub(super) fn format_number(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// Formats a number with a noun in singular or plural.
pub(super) fn count(number: u64, thing: &str) -> String {
    count_of(number, [thing, &format!("{thing}s")])
}

/// Formats a number with a noun, which is given in singular and plural.
pub(super) fn count_of(number: u64, [one, many]: [&str; 2]) -> String {
    format!("{} {}", format_number(number), if number == 1 { one } else { many })
}
