//! Who received something: one row for each event and receiver.
//!
//! Owns: in which nested columns receivers stand, and which of them is one's address. Must not
//! know what is asked of them.

use std::collections::BTreeSet;

use polars::prelude::*;

use crate::query::engine::memoize::{self, null_if_empty};
use crate::query::views::ViewContext;
use crate::query::views::actors;

/// A list of objects in which receivers stand.
pub struct RecipientList {
    /// The column.
    pub column: &'static str,
    /// What they received.
    pub kind: &'static str,
    /// The members that can name a receiver, the first that is filled.
    pub name_members: &'static [&'static str],
    /// The member that says more.
    pub detail_member: Option<&'static str>,
}

/// All of them.
pub const RECIPIENT_LISTS: [RecipientList; 5] = [
    RecipientList {
        column: "SharingInformation",
        kind: "share",
        name_members: &["RecipientEmail", "UserPrincipalName", "ObjectId", "RecipientName"],
        detail_member: Some("ResharePermission"),
    },
    RecipientList {
        column: "SubscribeeInformation",
        kind: "subscription",
        name_members: &["RecipientEmail", "ObjectId", "RecipientName"],
        detail_member: None,
    },
    RecipientList {
        column: "ExternalSubscribeeInformation",
        kind: "subscription",
        name_members: &["RecipientEmail"],
        detail_member: None,
    },
    RecipientList {
        column: "MembershipInformation",
        kind: "member",
        name_members: &["MemberEmail"],
        detail_member: Some("Status"),
    },
    RecipientList {
        column: "FolderAccessRequests",
        kind: "role",
        name_members: &["UserObjectId", "GroupObjectId"],
        detail_member: Some("RolePermissions"),
    },
];

/// `event_id`, `kind`, `recipient`, `recipient_domain`, `is_external`, `detail`.
pub fn recipients(scope: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let events = scope.table.in_scope_events()?;
    let mut parts: Vec<LazyFrame> =
        RECIPIENT_LISTS.iter().map(|of| recipients_in_list(&events, of)).collect();
    let information = || col("UserInformation").struct_();
    for (member, kind) in [("UsersAdded", "user added"), ("UsersRemoved", "user removed")] {
        let users = information().field_by_name(member).alias("one");
        let listed = events.clone().filter(col("UserInformation").is_not_null());
        let each = explode(listed.select([col("Id"), users]));
        parts.push(recipient_rows(each, kind, col("one"), lit(NULL)));
    }
    parts.push(workspace_roles(&events));
    let platform = events.filter(null_if_empty(col("RecipientUPN")).is_not_null());
    parts.push(recipient_rows(platform, "share", col("RecipientUPN"), col("SharingPermission")));

    let homes = scope.internal_domains()?;
    let all = concat(parts, UnionArgs::default())?.filter(col("recipient").is_not_null());
    let domain =
        memoize::map_text(col("recipient"), |user| actors::domain_of(user).map(str::to_owned));
    Ok(all.with_columns([
        domain.alias("recipient_domain"),
        memoize::map_bool(col("recipient"), move |user| is_external(user, &homes))
            .alias("is_external"),
    ]))
}

fn is_external(user: &str, homes: &BTreeSet<String>) -> bool {
    user.contains("#ext#") || actors::domain_of(user).is_some_and(|domain| !homes.contains(domain))
}

fn recipients_in_list(events: &LazyFrame, of: &RecipientList) -> LazyFrame {
    let listed = events.clone().filter(col(of.column).is_not_null());
    let each = explode(listed.select([col("Id"), col(of.column).alias("one")]));
    let member = |name: &str| null_if_empty(col("one").struct_().field_by_name(name));
    let names: Vec<Expr> = of.name_members.iter().map(|name| member(name)).collect();
    let detail = of.detail_member.map_or(lit(NULL), member);
    recipient_rows(each, of.kind, coalesce(&names), detail)
}

/// Lists of users in a list of workspaces.
fn workspace_roles(events: &LazyFrame) -> LazyFrame {
    let listed = events.clone().filter(col("WorkspaceAccessList").is_not_null());
    let member = |name: &str| col("one").struct_().field_by_name(name);
    let workspaces = explode(listed.select([col("Id"), col("WorkspaceAccessList").alias("one")]));
    let users = workspaces.select([col("Id"), member("UserAccessList").alias("one")]);
    let user =
        coalesce(&[null_if_empty(member("UserEmailAddress")), null_if_empty(member("Identifier"))]);
    recipient_rows(explode(users), "role", user, null_if_empty(member("GroupUserAccessRight")))
}

fn explode(listed: LazyFrame) -> LazyFrame {
    listed.explode(
        by_name(["one"], true, false),
        ExplodeOptions { empty_as_null: true, keep_nulls: true },
    )
}

fn recipient_rows(rows: LazyFrame, kind: &str, recipient: Expr, detail: Expr) -> LazyFrame {
    rows.select([
        col("Id").alias("event_id"),
        lit(kind).alias("kind"),
        null_if_empty(recipient.str().to_lowercase()).alias("recipient"),
        detail.cast(DataType::String).alias("detail"),
    ])
}
