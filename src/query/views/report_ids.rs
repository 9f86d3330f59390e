//! Chooses the id of a report among the three columns of ids, also for reports of template apps.

use polars::prelude::*;

use crate::query::engine::memoize;

/// Returns the id of the tenant's own report, also for reports of template apps.
///
/// If a report of a template app is opened from its workspace, `ReportId` is the publisher's
/// report, the same in every tenant. `AppReportId` is then the tenant's own report, and `AppId` is
/// empty. Inside the app, `AppId` is set and `ReportId` is right. The same rule exists as SQL text
/// in `portable/expressions.rs` (`entity_id_sql`), on purpose: a test compares the results of both.
pub(super) fn report_id() -> Expr {
    let choose = |[other, own, app]: [&Column; 3]| {
        let [own, app] = [own.str()?, app.str()?].map(memoize::empty_to_null);
        let other = memoize::empty_to_null(other.str()?);
        let is_own = &own.is_not_null() & &app.is_null();
        // Few archives have template apps.
        Ok(match is_own.any() {
            true => own.zip_with(&is_own, &other)?.with_name(other.name().clone()).into_column(),
            false => other.into_column(),
        })
    };
    let columns = ["ReportId", "AppReportId", "AppId"].map(col);
    memoize::map_columns(columns, DataType::String, choose)
}
