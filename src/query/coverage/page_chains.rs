//! Chains of pages: files of one download, numbered in their names.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::source_log::SourceFacts;

/// The highest first number of a chain: pages are numbered from 0 or 1.
const MAX_FIRST_NUMBER: u64 = 1;

/// Chains of pages: files whose names differ in their last number only, each of which has a
/// continuation except the last.
///
/// Files of an hour each are no such chain: most of them have no continuation.
#[derive(Debug, Default)]
pub struct PageChains<'a> {
    /// Paths of the pages of chains without a gap.
    whole: BTreeSet<&'a str>,
    /// Paths of the pages before a gap, each with the paths of its chain.
    before_gap: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> PageChains<'a> {
    /// Finds the chains of an archive.
    pub fn find(all: &'a [SourceFacts]) -> PageChains<'a> {
        let mut by_name: BTreeMap<(&str, &str), Vec<(u64, &SourceFacts)>> = BTreeMap::new();
        for facts in all.iter().filter(|facts| facts.kind == "rest") {
            if let Some((before, number, after)) = split_at_last_number(&facts.path) {
                by_name.entry((before, after)).or_default().push((number, facts));
            }
        }
        let mut chains = PageChains::default();
        for pages in by_name.into_values() {
            chains.add(pages);
        }
        chains
    }

    fn add(&mut self, mut pages: Vec<(u64, &'a SourceFacts)>) {
        pages.sort_by_key(|(number, _)| *number);
        let Some(((_, last), others)) = pages.split_last() else { return };
        if !others.iter().all(|(_, page)| page.is_continued) {
            return;
        }
        if !has_common_day(&pages) {
            return;
        }
        let paths = || pages.iter().map(|(_, page)| page.path.as_str());
        let numbers: Vec<u64> = pages.iter().map(|(number, _)| *number).collect();
        let gaps = positions_before_gaps(&numbers);
        let is_numbered = numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        let is_damaged = pages.iter().any(|(_, page)| page.damaged);
        // The last pages can be empty, so that no event shows which day they belong to.
        if is_numbered && !is_damaged && !last.is_continued {
            self.whole.extend(paths());
        }
        for at in gaps {
            self.before_gap.insert(pages[at].1.path.as_str(), paths().collect());
        }
    }

    /// Returns true if a source is a page whose continuations are all in the archive.
    pub fn is_whole(&self, page: &SourceFacts) -> bool {
        self.whole.contains(page.path.as_str())
    }

    /// Returns true if another source cannot be the continuation of a page, because the number of
    /// the next page is missing and the other source is a page of the same chain.
    pub fn is_beyond_gap(&self, page: &SourceFacts, other: &SourceFacts) -> bool {
        let chain = self.before_gap.get(page.path.as_str());
        chain.is_some_and(|chain| chain.contains(other.path.as_str()))
    }
}

/// Returns true if all pages with events have events of one UTC day.
///
/// One download is of one UTC day (Microsoft Learn, Admin - Get Activity Events: both ends of the
/// window are in the same UTC day). Files of a day each are no chain, although their names can end
/// in consecutive numbers.
fn has_common_day(pages: &[(u64, &SourceFacts)]) -> bool {
    let mut days = pages.iter().map(|(_, page)| &page.days).filter(|days| !days.is_empty());
    let Some(first) = days.next() else { return true };
    let others: Vec<_> = days.collect();
    first.keys().any(|day| others.iter().all(|days| days.contains_key(day)))
}

/// Returns the positions of the numbers after which at least one number is missing.
///
/// None, if the numbers do not look like those of pages: they begin with another number than 0 or
/// 1, as times and dates do, more of them are missing than present, or they are evenly spaced, as
/// offsets are.
fn positions_before_gaps(numbers: &[u64]) -> Vec<usize> {
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return Vec::new() };
    let expected = last - first + 1;
    let steps: BTreeSet<u64> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let is_spaced = steps.len() == 1 && numbers.len() > 2;
    let missing = expected.saturating_sub(numbers.len() as u64);
    if *first > MAX_FIRST_NUMBER || missing > numbers.len() as u64 || is_spaced {
        return Vec::new();
    }
    let pairs = numbers.windows(2).enumerate();
    pairs.filter(|(_, pair)| pair[1] - pair[0] > 1).map(|(at, _)| at).collect()
}

/// Splits the name in a path at its last number.
fn split_at_last_number(path: &str) -> Option<(&str, u64, &str)> {
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    let is_digit = |c: char| c.is_ascii_digit();
    let end = name_at + path[name_at..].rfind(is_digit)? + 1;
    let start = name_at + path[name_at..end].trim_end_matches(is_digit).len();
    Some((&path[..start], path[start..end].parse().ok()?, &path[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str, is_continued: bool) -> SourceFacts {
        SourceFacts { path: name.into(), kind: "rest".into(), is_continued, ..Default::default() }
    }

    /// Returns the pages before a gap, and true if the chain is whole.
    fn found(names: &[&str]) -> (Vec<String>, bool) {
        let is_last = |at: usize| at + 1 == names.len();
        let all: Vec<SourceFacts> =
            names.iter().enumerate().map(|(at, name)| page(name, !is_last(at))).collect();
        let chains = PageChains::find(&all);
        let is_before = |one: &&SourceFacts| all.iter().any(|x| chains.is_beyond_gap(one, x));
        let before = all.iter().filter(is_before).map(|page| page.path.clone());
        (before.collect(), chains.is_whole(&all[0]))
    }

    #[test]
    fn missing_number_is_a_gap() {
        assert_eq!(found(&["d_1.json", "d_2.json", "d_3.json"]), (vec![], true));
        assert_eq!(found(&["d_1.json", "d_2.json", "d_4.json"]), (vec!["d_2.json".into()], false));
        assert_eq!(found(&["d_0.json", "d_2.json"]), (vec!["d_0.json".into()], false));
        assert_eq!(
            found(&["d_01.json", "d_03.json", "d_04.json", "d_06.json"]).0,
            ["d_01.json", "d_04.json"]
        );
    }

    #[test]
    fn times_offsets_and_files_of_an_hour_are_no_page_numbers() {
        for names in [
            &["p_0.json", "p_100.json", "p_200.json"][..],
            &["p_0.json", "p_5000.json"],
            &["p-20260103.json", "p-20260105.json"],
            &["p_93000.json", "p_93012.json", "p_93013.json"],
            &["p_8.json", "p_11.json", "p_12.json"],
        ] {
            assert_eq!(found(names).0, Vec::<String>::new(), "{names:?}");
        }
        let hours = [page("h_1.json", true), page("h_2.json", false), page("h_4.json", false)];
        let chains = PageChains::find(&hours);
        assert!(!chains.is_beyond_gap(&hours[0], &hours[2]));
    }

    /// Returns the numbers of the pages in a whole chain, given the digits in the name of each
    /// page, with a plus sign if the page has a continuation.
    fn whole_chain(pages: &[&str]) -> Vec<String> {
        let page = |text: &&str| SourceFacts {
            path: format!("a/20260105_{}.json", text.trim_end_matches('+')),
            kind: "rest".into(),
            is_continued: text.ends_with('+'),
            ..SourceFacts::default()
        };
        let mut pages: Vec<SourceFacts> = pages.iter().map(page).collect();
        pages.sort_by(|one, other| one.path.cmp(&other.path));
        let whole = PageChains::find(&pages).whole;
        let number = |path: &&str| path["a/20260105_".len()..path.len() - 5].to_owned();
        whole.iter().map(number).collect()
    }

    #[test]
    fn files_of_a_day_each_are_no_chain() {
        let on = |name: &str, day: &str, is_continued| SourceFacts {
            days: BTreeMap::from([(day.to_owned(), 9)]),
            ..page(name, is_continued)
        };
        let days =
            [on("2026-01-03.json", "2026-01-03", true), on("2026-01-04.json", "2026-01-04", false)];
        assert!(!PageChains::find(&days).is_whole(&days[0]));
        let pages = [on("a3.json", "2026-01-03", true), page("a4.json", false)];
        assert!(PageChains::find(&pages).is_whole(&pages[0]));
    }

    #[test]
    fn numbered_pages_with_one_end_are_a_whole_chain() {
        assert_eq!(whole_chain(&["0008+", "0009+", "0010"]), ["0008", "0009", "0010"]);
        assert_eq!(whole_chain(&["8+", "9+", "10"]).len(), 3);
        assert_eq!(whole_chain(&["1+", "3"]), [""; 0], "a page is missing");
        assert_eq!(whole_chain(&["1+", "2+"]), [""; 0], "the last page is missing");
        assert_eq!(whole_chain(&["01+", "02", "03+", "04"]), [""; 0], "hours");
        assert_eq!(whole_chain(&["7"]), ["7"]);
        assert_eq!(split_at_last_number("2026/page.json"), None);
        assert_eq!(split_at_last_number("a/p2-x.7z"), Some(("a/p2-x.", 7, "z")));
    }
}
