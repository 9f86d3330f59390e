//! The catalogue of operations.

use std::sync::LazyLock;

use super::tsv_rows;

/// Which degree of noise an operation is: reads through the API that say nothing about use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// Somebody's doing.
    No,
    /// Taken out of every report unless asked otherwise: reading the log writes the log.
    Standard,
    /// Taken out with the wide filter only.
    AllReads,
}

/// What is known of one operation.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The value of `Operation` and `Activity` in an event.
    pub name: &'static str,
    /// The name shown in Microsoft's audit search.
    pub friendly_name: &'static str,
    /// What sort of doing it is: View, Create, Share/Access, …
    pub category: &'static str,
    /// What it is done to.
    pub item_kind: &'static str,
    /// VIEW, EXTERNAL, EXPORT, AUTHOR, SHARE, ACCESS, ADMIN, API_READ, or empty.
    pub group: &'static str,
    /// Whether and when it counts as noise.
    pub noise: Noise,
    /// A remark, mostly empty.
    pub note: &'static str,
}

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    tsv_rows(include_str!("operations.tsv"))
        .filter_map(|cells| {
            let [name, friendly_name, category, item_kind, group, noise, note] = cells[..] else {
                return None;
            };
            let noise = match noise {
                "default" => Noise::Standard,
                "wide" => Noise::AllReads,
                _ => Noise::No,
            };
            Some(Operation { name, friendly_name, category, item_kind, group, noise, note })
        })
        .collect()
});

/// All operations known, by name.
pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_an_operation_and_the_default_noise_is_what_the_manual_says() {
        let lines = include_str!("operations.tsv").lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(operations().len(), lines - 1);
        let noise: Vec<_> =
            operations().iter().filter(|o| o.noise == Noise::Standard).map(|o| o.name).collect();
        assert_eq!(noise, ["ExportActivityEvents", "GetDatasources"]);
    }
}
