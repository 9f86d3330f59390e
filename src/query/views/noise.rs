//! Noise: automated API activity that reports exclude.
//!
//! Source: Microsoft's tenant-level auditing guidance (exclude the activity of scanners and service
//! principals). The catalog of activities says which activities are noise.
//!
//! The rule exists a second time as SQL text in `portable/expressions.rs`, on purpose: a test
//! compares the results of both.

use std::collections::HashSet;

use polars::prelude::*;

use crate::query::views::activities::test_activity;
use crate::schema::{self, Noise};

/// Automated API activity that reports exclude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoiseFilter {
    /// Exclude the events that reading the log and scanning data sources write into the log.
    #[default]
    Exclude,
    /// Exclude every known read through the API.
    ExcludeAllReads,
    /// Exclude nothing.
    Include,
}

/// Returns the operations of the catalog that `level` excludes.
pub fn noise_activities(level: NoiseFilter) -> Vec<&'static str> {
    let is_noise = |operation: &&schema::Operation| match level {
        NoiseFilter::Exclude => operation.noise == Noise::Standard,
        NoiseFilter::ExcludeAllReads => operation.noise != Noise::No,
        NoiseFilter::Include => false,
    };
    schema::operations().iter().filter(is_noise).map(|operation| operation.name).collect()
}

/// Returns true if `level` excludes the event; never null.
pub fn is_noise(level: NoiseFilter) -> Expr {
    match level {
        NoiseFilter::Include => lit(false),
        _ => test_activity(noise_test(level)),
    }
}

/// Returns the test that `level` excludes the activity with a name in the spelling of the catalog.
pub fn noise_test(level: NoiseFilter) -> impl Fn(&str) -> bool + Send + Sync + 'static {
    let set: HashSet<&str> = noise_activities(level).into_iter().collect();
    move |name| set.contains(name) || (level == NoiseFilter::ExcludeAllReads && is_api_read(name))
}

/// Returns true if an activity that the catalog may not contain yet is a read through the API, by
/// the pattern of its name.
fn is_api_read(name: &str) -> bool {
    name.strip_prefix("Get").is_some_and(|rest| {
        rest.starts_with("GatewayCluster")
            || rest.ends_with("AsAdmin")
            || rest.ends_with("ViaAdminApi")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::views::activities::tests::texts;

    #[test]
    fn stricter_levels_exclude_more() {
        let names = [
            Some("ViewReport"),
            Some("ExportActivityEvents"),
            Some("GetGroupsAsAdmin"),
            Some("GetSomethingNewViaAdminApi"),
            Some("GetGatewayClusterOfTomorrow"),
            None,
        ];
        let operations = [None, None, None, None, None, Some("GetDatasources")];
        let frame = df!("Activity" => names, "Operation" => operations).unwrap().lazy();
        let flags = |level| texts(frame.clone(), is_noise(level));
        assert_eq!(
            flags(NoiseFilter::Exclude),
            ["false", "true", "false", "false", "false", "true"]
        );
        assert_eq!(
            flags(NoiseFilter::ExcludeAllReads),
            ["false", "true", "true", "true", "true", "true"]
        );
        let kept = frame.clone().with_column(is_noise(NoiseFilter::Include).alias("n"));
        assert_eq!(texts(kept, col("n")), ["false"; 6]);
    }
}
