//! Writes the most important changes of a period as sentences, from its key figures and changes.

use super::changes::Changes;
use super::columns::column_texts;
use super::people::PeopleMask;
use crate::Result;
use crate::grid::{Cell, Grid};
use crate::render::html::{FigureChange, KeyFigure, SentencePart, format_number};

/// Returns one to three sentences.
pub fn sentences(
    figures: &[KeyFigure],
    changes: &Changes,
    comparison: &str,
    mask: &PeopleMask,
) -> Result<Vec<Vec<SentencePart>>> {
    let figure = |name: &str| figures.iter().find(|figure| figure.name == name);
    let [views, viewers, reports] = ["views", "viewers", "reports"].map(figure);
    let changed = |figure: Option<&KeyFigure>| figure.and_then(|figure| figure.change);
    let Some(change) = changed(views) else {
        let number = |figure: Option<&KeyFigure>| figure.and_then(|figure| figure.value);
        let [views, viewers, reports] = [views, viewers, reports].map(number);
        let mut sentences = Vec::new();
        if let (Some(views), Some(viewers), Some(reports)) = (views, viewers, reports) {
            let [people, reports, views] = [
                counted(viewers, "person", "people"),
                counted(reports, "report", "reports"),
                counted(views, "time", "times"),
            ];
            sentences.push(vec![words(format!("{people} viewed {reports} {views}."))]);
        }
        sentences.push(vec![words(comparison.to_owned())]);
        return Ok(sentences);
    };
    let mut first = format!("Report views {}", moved(change));
    if let Some(viewers) = changed(viewers) {
        first += &format!("; the number of viewers {}", moved(viewers));
    }
    let mut sentences = vec![vec![words(format!("{first}, compared with the period before."))]];
    sentences.extend(extremes(changes, mask)?);
    sentences.extend(arrivals(changes).map(|sentence| vec![words(sentence)]));
    Ok(sentences)
}

fn words(text: String) -> SentencePart {
    SentencePart::Words(text)
}

/// Returns a number with its noun.
fn counted(number: f64, one: &str, many: &str) -> String {
    format!("{} {}", format_number(number), if number == 1.0 { one } else { many })
}

/// Returns the change of a figure in words.
fn moved(change: FigureChange) -> String {
    let [now, before] = [change.value, change.previous].map(format_number);
    match change.percent() {
        None => format!("went from {before} to {now}"),
        Some(percent) if percent > 0.0 => {
            format!("rose by {} % to {now} (from {before})", format_number(percent))
        }
        Some(percent) if percent < 0.0 => {
            format!("fell by {} % to {now} (from {before})", format_number(-percent))
        }
        Some(_) => format!("stayed at {now} (from {before})"),
    }
}

/// Returns the sentence on the reports that changed most.
fn extremes(changes: &Changes, mask: &PeopleMask) -> Result<Option<Vec<SentencePart>>> {
    let (rising, falling) = (first_change(&changes.rising)?, first_change(&changes.falling)?);
    let name = |name: &str| SentencePart::Name(mask.text(name));
    let views = |change: i64| counted(change.unsigned_abs() as f64, "view", "views");
    let mut parts = Vec::new();
    if let Some((report, change)) = rising {
        parts.push(name(report));
        parts.push(words(format!(" gained most ({} more)", views(change))));
    }
    if let Some((report, change)) = falling {
        if !parts.is_empty() {
            parts.push(words(", ".to_owned()));
        }
        parts.push(name(report));
        parts.push(words(format!(" lost most ({} fewer)", views(change))));
    }
    if parts.is_empty() {
        return Ok(None);
    }
    parts.push(words(".".to_owned()));
    Ok(Some(parts))
}

/// Returns the name and the difference of the first row.
fn first_change(grid: &Grid) -> Result<Option<(&str, i64)>> {
    if grid.rows.is_empty() {
        return Ok(None);
    }
    let name = column_texts(grid, "report")?.first().copied().flatten();
    let change = grid.position("views_change").and_then(|at| grid.rows.first()?.get(at));
    Ok(match (name, change) {
        (Some(name), Some(Cell::Int(change))) => Some((name, *change)),
        _ => None,
    })
}

/// Returns the sentence on new reports and people, and on those that are no longer there.
fn arrivals(changes: &Changes) -> Option<String> {
    let count = |grid: &Grid| grid.rows.len() as f64;
    let reports = |grid: &Grid| counted(count(grid), "report", "reports");
    let people = |grid: &Grid| counted(count(grid), "person", "people");
    let Changes { new, silent, new_people, silent_people, .. } = changes;
    let were = |grid: &Grid| if grid.rows.len() == 1 { "was" } else { "were" };
    let facts = [
        (new, format!("{} {} viewed for the first time", reports(new), were(new))),
        (silent, format!("{} {} no longer viewed", reports(silent), were(silent))),
        (new_people, format!("{} viewed content for the first time", people(new_people))),
        (silent_people, format!("{} stopped viewing", people(silent_people))),
    ];
    let facts: Vec<String> =
        facts.into_iter().filter(|(grid, _)| !grid.rows.is_empty()).map(|(_, fact)| fact).collect();
    (!facts.is_empty()).then(|| format!("{}.", facts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_words_without_a_sign() {
        let text = |value: f64, previous: f64| moved(FigureChange { value, previous });
        assert_eq!(text(1_120.0, 1_000.0), "rose by 12 % to 1,120 (from 1,000)");
        assert_eq!(text(990.0, 1_000.0), "fell by 1 % to 990 (from 1,000)");
        assert_eq!(text(999.0, 1_000.0), "stayed at 999 (from 1,000)");
        assert_eq!(text(3.0, 0.0), "went from 0 to 3");
    }
}
