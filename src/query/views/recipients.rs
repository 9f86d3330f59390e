//! Who received something: one row for each event and receiver.
//!
//! Owns: in which nested columns receivers stand, and which of them is one's address. Must not
//! know what is asked of them.

use std::collections::BTreeSet;

use polars::prelude::*;

use crate::query::engine::memoize::{self, filled};
use crate::query::views::Scope;
use crate::query::views::actors;

/// A list of objects in which receivers stand.
pub struct Nested {
    /// The column.
    pub column: &'static str,
    /// What they received.
    pub kind: &'static str,
    /// The members that can name a receiver, the first that is filled.
    pub names: &'static [&'static str],
    /// The member that says more.
    pub detail: Option<&'static str>,
}

/// All of them.
pub const NESTED: [Nested; 5] = [
    Nested {
        column: "SharingInformation",
        kind: "share",
        names: &["RecipientEmail", "UserPrincipalName", "ObjectId", "RecipientName"],
        detail: Some("ResharePermission"),
    },
    Nested {
        column: "SubscribeeInformation",
        kind: "subscription",
        names: &["RecipientEmail", "ObjectId", "RecipientName"],
        detail: None,
    },
    Nested {
        column: "ExternalSubscribeeInformation",
        kind: "subscription",
        names: &["RecipientEmail"],
        detail: None,
    },
    Nested {
        column: "MembershipInformation",
        kind: "member",
        names: &["MemberEmail"],
        detail: Some("Status"),
    },
    Nested {
        column: "FolderAccessRequests",
        kind: "role",
        names: &["UserObjectId", "GroupObjectId"],
        detail: Some("RolePermissions"),
    },
];

/// `event_id`, `kind`, `recipient`, `recipient_domain`, `is_external`, `detail`.
pub fn recipients(scope: &Scope<'_>) -> PolarsResult<LazyFrame> {
    let events = scope.table.own()?;
    let mut parts: Vec<LazyFrame> = NESTED.iter().map(|of| objects(&events, of)).collect();
    let information = || col("UserInformation").struct_();
    for (member, kind) in [("UsersAdded", "user added"), ("UsersRemoved", "user removed")] {
        let users = information().field_by_name(member).alias("one");
        let listed = events.clone().filter(col("UserInformation").is_not_null());
        let each = exploded(listed.select([col("Id"), users]));
        parts.push(shaped(each, kind, col("one"), lit(NULL)));
    }
    parts.push(workspace_roles(&events));
    let platform = events.filter(filled(col("RecipientUPN")).is_not_null());
    parts.push(shaped(platform, "share", col("RecipientUPN"), col("SharingPermission")));

    let homes = scope.homes()?;
    let all = concat(parts, UnionArgs::default())?.filter(col("recipient").is_not_null());
    let domain = memoize::text(col("recipient"), |user| actors::domain_of(user).map(str::to_owned));
    Ok(all.with_columns([
        domain.alias("recipient_domain"),
        memoize::flag(col("recipient"), move |user| is_external(user, &homes)).alias("is_external"),
    ]))
}

fn is_external(user: &str, homes: &BTreeSet<String>) -> bool {
    user.contains("#ext#") || actors::domain_of(user).is_some_and(|domain| !homes.contains(domain))
}

fn objects(events: &LazyFrame, of: &Nested) -> LazyFrame {
    let listed = events.clone().filter(col(of.column).is_not_null());
    let each = exploded(listed.select([col("Id"), col(of.column).alias("one")]));
    let member = |name: &str| filled(col("one").struct_().field_by_name(name));
    let names: Vec<Expr> = of.names.iter().map(|name| member(name)).collect();
    let detail = of.detail.map_or(lit(NULL), member);
    shaped(each, of.kind, coalesce(&names), detail)
}

/// Lists of users in a list of workspaces.
fn workspace_roles(events: &LazyFrame) -> LazyFrame {
    let listed = events.clone().filter(col("WorkspaceAccessList").is_not_null());
    let member = |name: &str| col("one").struct_().field_by_name(name);
    let workspaces = exploded(listed.select([col("Id"), col("WorkspaceAccessList").alias("one")]));
    let users = workspaces.select([col("Id"), member("UserAccessList").alias("one")]);
    let user = coalesce(&[filled(member("UserEmailAddress")), filled(member("Identifier"))]);
    shaped(exploded(users), "role", user, filled(member("GroupUserAccessRight")))
}

fn exploded(listed: LazyFrame) -> LazyFrame {
    listed.explode(
        by_name(["one"], true, false),
        ExplodeOptions { empty_as_null: true, keep_nulls: true },
    )
}

fn shaped(rows: LazyFrame, kind: &str, recipient: Expr, detail: Expr) -> LazyFrame {
    rows.select([
        col("Id").alias("event_id"),
        lit(kind).alias("kind"),
        filled(recipient.str().to_lowercase()).alias("recipient"),
        detail.cast(DataType::String).alias("detail"),
    ])
}
