//! The nearest of some names to one that is not among them. Owns: what counts as near.

/// The name that was probably meant, if any is near enough: not more than half of its letters
/// differ.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|known| (edit_distance(name, known), known)).min();
    near.filter(|(distance, known)| *distance <= known.len() / 2).map(|(_, known)| known)
}

/// How many letters must be put in, taken out or changed to make one word of the other.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut costs: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut costs[0], row + 1);
        for (at, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = costs[at + 1];
            costs[at + 1] = changed.min(costs[at] + 1).min(diagonal + 1);
        }
    }
    costs[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_what_a_slip_of_the_finger_makes() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "ab"), 2);
        assert_eq!(nearest("tpo", ["top", "days"]), None, "two of three letters differ");
        assert_eq!(nearest("dyas", ["top", "days"]), Some("days"));
        assert_eq!(nearest("x", []), None);
    }
}
