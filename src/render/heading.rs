//! Returns the names of columns as headings in words, for formats that are read and not queried.

/// Words of column names with a spelling of their own.
const WORDS: [(&str, &str); 16] = [
    ("id", "ID"),
    ("ids", "IDs"),
    ("ip", "IP"),
    ("os", "OS"),
    ("rls", "RLS"),
    ("utc", "UTC"),
    ("url", "URL"),
    ("dau", "DAU"),
    ("wau", "WAU"),
    ("mau", "MAU"),
    ("kib", "KiB"),
    ("pct", "%"),
    ("avg", "average"),
    ("max", "maximum"),
    ("min", "minimum"),
    ("excel", "Excel"),
];

/// Returns the name of a column as a heading: `views_per_viewer` is "Views per viewer". A name that
/// is not in lower case with underscores was written by a person, and stays as it is.
pub fn heading(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.chars().all(is_plain) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return name.to_owned();
    }
    let words: Vec<String> = name.split('_').filter(|word| !word.is_empty()).map(word).collect();
    let mut text = words.join(" ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Returns true if the values of a column are percentages from 0 to 100, by the name of the column.
pub fn is_percentage(name: &str) -> bool {
    name == "pct" || name.ends_with("_pct")
}

/// Returns true if a column contains IDs, by its name.
pub fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id")
}

fn word(word: &str) -> String {
    if let Some((_, special)) = WORDS.iter().find(|(known, _)| *known == word) {
        return (*special).to_owned();
    }
    // Columns such as `viewers_7d` count within so many days.
    match word.strip_suffix('d') {
        Some(days) if !days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{days} days")
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns_are_words() {
        for (name, expected) in [
            ("report", "Report"),
            ("views_per_viewer", "Views per viewer"),
            ("report_id", "Report ID"),
            ("os", "OS"),
            ("failed_pct", "Failed %"),
            ("viewers_30d", "Viewers 30 days"),
            ("avg_7d", "Average 7 days"),
            ("max_per_day", "Maximum per day"),
            ("dau", "DAU"),
            ("excel_pct", "Excel %"),
            ("trend_", "Trend"),
            ("d", "D"),
        ] {
            assert_eq!(heading(name), expected);
        }
    }

    #[test]
    fn names_that_people_wrote_stay() {
        for name in ["Total Views", "UserId", "é", "2026", "_x", "", "count(*)"] {
            assert_eq!(heading(name), name);
        }
    }

    #[test]
    fn percentages_are_recognized_by_their_suffix() {
        let found = ["share_pct", "pct", "pct_x", "aspct"].map(is_percentage);
        assert_eq!(found, [true, true, false, false]);
    }
}
