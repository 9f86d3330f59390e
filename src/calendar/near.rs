//! Valid forms that are near to a text that names no days.

/// Names of months in English, recognized by their first three characters.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Returns texts that the user may have meant, the most probable first. Not all are valid days.
pub fn candidates(text: &str, words: &[&str]) -> Vec<String> {
    let text = text.trim().to_lowercase();
    let parts: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let mut found = counted(&text).into_iter().collect::<Vec<_>>();
    found.extend(quarter(&text));
    found.extend(dates(&parts));
    found.extend(nearest_word(&text, words));
    found
}

/// Returns `30d` for `30`, `-30d` and `30 days`, `3m` for `3 months`, `12m` for `1y`.
fn counted(text: &str) -> Option<String> {
    let text = text.trim_start_matches(['-', '+']).trim_start_matches("last").trim();
    let digits = text.trim_start_matches(['-', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (number, unit) = digits.split_at(end);
    // Four digits are a year, eight a date.
    let number = number.parse::<u32>().ok().filter(|_| number.len() < 4)?.max(1);
    match unit.trim_matches(['-', ' ', '.']) {
        "" | "d" | "day" | "days" => Some(format!("{number}d")),
        "w" | "wk" | "week" | "weeks" => Some(format!("{number}w")),
        "m" | "mo" | "mon" | "month" | "months" => Some(format!("{number}m")),
        "q" | "quarter" | "quarters" => Some(format!("{}m", number * 3)),
        "y" | "year" | "years" => Some(format!("{}m", number * 12)),
        _ => None,
    }
}

/// Returns `2026-Q1` for `Q1 2026`, `2026Q1` and `q1/2026`.
fn quarter(text: &str) -> Option<String> {
    let at = text.find('q')?;
    let quarter = text.get(at + 1..)?.chars().next().filter(char::is_ascii_digit)?;
    let year = text.replacen(&format!("q{quarter}"), " ", 1);
    let year = year.trim_matches(|c: char| !c.is_ascii_digit());
    (year.len() == 4).then(|| format!("{year}-Q{quarter}"))
}

/// Returns dates with the parts of a text in the order of ISO 8601: for `01.03.2026` the first of
/// March, then the third of January.
fn dates(parts: &[&str]) -> Vec<String> {
    let joined = |parts: &[&str]| parts.join("-");
    let month = |text: &str| {
        let named = MONTHS.iter().position(|name| text.len() >= 3 && name.starts_with(text));
        named.map_or_else(|| format!("{text:0>2}"), |index| format!("{:02}", index + 1))
    };
    let day = |text: &str| format!("{text:0>2}");
    match parts {
        [digits] if digits.len() == 8 && is_number(digits) => {
            vec![joined(&[&digits[..4], &digits[4..6], &digits[6..]])]
        }
        [digits] if digits.len() == 6 && is_number(digits) => {
            vec![joined(&[&digits[..4], &digits[4..]])]
        }
        // The rest of a date with a time, `2026-03-01T08:30`, is not part of the day.
        [year, first, day_and_hour, ..] if is_year(year) && day_and_hour.get(2..3) == Some("t") => {
            vec![joined(&[year, &month(first), &day_and_hour[..2]])]
        }
        [year, other] if is_year(year) => vec![joined(&[year, &month(other)])],
        [other, year] if is_number(year) => vec![joined(&[year, &month(other)])],
        [year, first, second] if is_year(year) => {
            let last_day = last_day_of_month(year, &month(first));
            let mut dates = vec![joined(&[year, &month(first), &day(second)])];
            dates.extend(
                last_day
                    .filter(|last| second.parse::<u32>().is_ok_and(|day| day > *last))
                    .map(|last| joined(&[year, &month(first), &last.to_string()])),
            );
            dates
        }
        [first, second, year, ..] if is_year(year) => vec![
            joined(&[year, &month(second), &day(first)]),
            joined(&[year, &month(first), &day(second)]),
        ],
        [year, first, second, ..] if is_number(year) => {
            vec![joined(&[year, &month(first), &day(second)])]
        }
        _ => Vec::new(),
    }
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && is_number(text)
}

/// Returns true for a text of digits only.
pub fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the number of days of a month.
fn last_day_of_month(year: &str, month: &str) -> Option<u32> {
    let (year, month) = (year.parse().ok()?, month.parse().ok()?);
    (28..=31).rev().find(|day| chrono::NaiveDate::from_ymd_opt(year, month, *day).is_some())
}

/// Returns the word with the fewest differences, if less than half of it differs.
fn nearest_word(text: &str, words: &[&str]) -> Option<String> {
    let text = text.replace([' ', '_'], "-").replace("previous", "last").replace("current", "this");
    let nearest = words.iter().map(|word| (strsim::osa_distance(&text, word), *word)).min()?;
    (nearest.0 * 2 < nearest.1.len()).then(|| nearest.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_other_tools_have_a_near_form() {
        for (text, expected) in [
            ("30", "30d"),
            ("-30d", "30d"),
            ("0d", "1d"),
            ("3months", "3m"),
            ("2 quarters", "6m"),
            ("last 7 days", "7d"),
            ("1y", "12m"),
            ("Q1 2026", "2026-Q1"),
            ("2026Q1", "2026-Q1"),
            ("03/2026", "2026-03"),
            ("March 2026", "2026-03"),
            ("2026/03/01", "2026-03-01"),
            ("20260301", "2026-03-01"),
            ("202603", "2026-03"),
            ("01.03.2026", "2026-03-01"),
            ("2026-03-01T00:00:00Z", "2026-03-01"),
            ("yesterdy", "yesterday"),
            ("previous month", "last-month"),
            ("lastweek", "last-week"),
        ] {
            let found = candidates(text, &["yesterday", "last-week", "last-month"]);
            assert_eq!(found.first().map(String::as_str), Some(expected), "{text}: {found:?}");
        }
        let found = candidates("2024-02-30", &[]);
        assert_eq!(found, ["2024-02-30", "2024-02-29"], "February has 29 days");
        let found = candidates("03/13/2026", &[]);
        assert_eq!(found, ["2026-13-03", "2026-03-13"], "the first is no date");
        assert!(candidates("whenever", &["yesterday"]).is_empty());
        assert!(candidates("", &["yesterday"]).is_empty());
        assert!(candidates("ä5ö6ü7x", &["yesterday"]).is_empty(), "not ASCII");
    }
}
