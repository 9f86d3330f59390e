//! Makes the names of items, workspaces and others unique, so that a visual does not add up two
//! things with one name.
//!
//! Power BI compares texts without their case, so `Sales` and `sales` are one name there.

use std::collections::{HashMap, HashSet};

/// The length of an ID in its usual form.
const GUID_LENGTH: usize = 36;

/// The number of characters of an ID that make a name unique.
const ID_PREFIX: usize = 8;

/// A thing with a name, an ID and a key.
pub struct Labeled<'a> {
    /// Name; `None` if the log never names it.
    pub name: Option<&'a str>,
    /// ID, or the name itself if the log has no ID.
    pub id: &'a str,
    /// Key.
    pub key: i64,
}

/// Returns a label for each thing: its name, or its ID if it has none, followed by a part of the ID
/// if several have the same name. No label equals `reserved`.
pub fn unique_labels(things: &[Labeled<'_>], reserved: &str) -> Vec<String> {
    let name = |thing: &Labeled<'_>| thing.name.unwrap_or(thing.id).to_owned();
    let mut counts: HashMap<String, usize> = HashMap::from([(folded(reserved), 1)]);
    for thing in things {
        *counts.entry(folded(&name(thing))).or_default() += 1;
    }
    let mut used = HashSet::from([folded(reserved)]);
    let mut labels = Vec::with_capacity(things.len());
    for thing in things {
        let mut label = name(thing);
        if counts.get(&folded(&label)).is_some_and(|count| *count > 1) {
            label = format!("{label} ({})", short_id(thing.id));
        }
        if !used.insert(folded(&label)) {
            label = format!("{label} [{}]", thing.key);
            used.insert(folded(&label));
        }
        labels.push(label);
    }
    labels
}

/// Returns a text that is equal for names that Power BI does not distinguish.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

fn short_id(id: &str) -> &str {
    if id.len() == GUID_LENGTH { id.get(..ID_PREFIX).unwrap_or(id) } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_get_a_part_of_their_id() {
        let guid =
            |digit: char| format!("{}-0000-0000-0000-000000000000", digit.to_string().repeat(8));
        let [a, b, c] = ['a', 'b', 'c'].map(guid);
        let thing = |name, id, key| Labeled { name, id, key };
        let labels = unique_labels(
            &[
                thing(Some("Sales"), &a, 1),
                thing(Some("sales "), &b, 2),
                thing(Some("Costs"), &c, 3),
                thing(None, "ffffffff", 4),
                thing(Some("(NONE)"), "x", 5),
                thing(Some("q"), "q", 6),
                thing(Some("Q"), "Q", 7),
            ],
            "(none)",
        );
        let expected = [
            "Sales (aaaaaaaa)",
            "sales  (bbbbbbbb)",
            "Costs",
            "ffffffff",
            "(NONE) (x)",
            "q (q)",
            "Q (Q) [7]",
        ];
        assert_eq!(labels, expected);
    }
}
