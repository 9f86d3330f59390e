//! Suggests a known name for one that is unknown.

/// Returns the known name that is most similar to `name`, in any case.
///
/// Returns `None` if more than half of the characters of every known name differ.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let distance = |known: &str| strsim::osa_distance(&name, &known.to_lowercase());
    let nearest = known.into_iter().map(|known| (distance(known), known)).min();
    nearest
        .filter(|(distance, known)| *distance <= known.chars().count() / 2)
        .map(|(_, known)| known)
}

/// Returns ` Did you mean NAME?` for the known name that is most similar, or an empty text.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |known| format!(" Did you mean {known}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_near() {
        assert_eq!(nearest("dyas", ["top", "days"]), Some("days"));
        assert_eq!(nearest("tpo", ["top", "days"]), Some("top"), "one pair is swapped");
        assert_eq!(nearest("TOP", ["top", "days"]), Some("top"));
        assert_eq!(nearest("tx", ["top", "days"]), None, "two of three characters differ");
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn suggestion_is_empty_without_a_similar_name() {
        assert_eq!(did_you_mean("dyas", ["top", "days"]), " Did you mean days?");
        assert_eq!(did_you_mean("weather", ["top", "days"]), "");
    }
}
