//! The view of recipients of shares, subscriptions, roles and memberships: one row for each event
//! and recipient.

use polars::prelude::*;

use crate::query::engine::memoize::{self, null_if_empty};
use crate::query::engine::scan;
use crate::query::views::addresses;
use crate::query::views::context::ViewContext;

/// Nested column that lists recipients.
pub struct RecipientList {
    /// Name of the column.
    pub column: &'static str,
    /// Kind of the event in the view.
    pub kind: &'static str,
    /// Members that can identify the recipient; the first that is not empty counts.
    pub name_members: &'static [&'static str],
    /// Member with details, for example the permission.
    pub detail_member: Option<&'static str>,
}

/// All nested columns with recipients.
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

/// Columns of the Power Platform with the recipient of a share and its permission.
pub const PLATFORM_RECIPIENTS: [(&str, &str); 2] =
    [("RecipientUPN", "SharingPermission"), ("PowerAppRecipient", "PowerAppRole")];

/// Builds the view: `event_id`, `kind`, `recipient`, `recipient_domain`, `is_external`, `detail`.
pub fn recipients(context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let shared = context.session.shared().filter(|_| context.internal_domains.is_none());
    let Some(shared) = shared else { return find_recipients(context) };
    if let Some(found) = shared.recipients.get() {
        return Ok(found.clone().lazy());
    }
    let found = find_recipients(context)?.collect()?;
    Ok(shared.recipients.get_or_init(|| found).clone().lazy())
}

fn find_recipients(context: &ViewContext<'_>) -> PolarsResult<LazyFrame> {
    let events = events_with_recipients(context.table.in_scope_events()?)?;
    let mut parts: Vec<LazyFrame> =
        RECIPIENT_LISTS.iter().map(|list| recipients_in_list(&events, list)).collect();
    let information = || col("UserInformation").struct_();
    for (member, kind) in [("UsersAdded", "user added"), ("UsersRemoved", "user removed")] {
        let users = information().field_by_name(member).alias("one");
        let listed = events.clone().filter(col("UserInformation").is_not_null());
        let each = explode(listed.select([col("Id"), users]));
        parts.push(recipient_rows(each, kind, col("one"), lit(NULL)));
    }
    parts.push(workspace_roles(&events));
    for (recipient, detail) in PLATFORM_RECIPIENTS {
        let shared = events.clone().filter(null_if_empty(col(recipient)).is_not_null());
        parts.push(recipient_rows(shared, "share", col(recipient), col(detail)));
    }

    let internal_domains = context.internal_domains()?;
    let all = concat(parts, UnionArgs::default())?.filter(col("recipient").is_not_null());
    let is_external = move |user: &str| addresses::is_external(user, &internal_domains);
    let own = memoize::map_text(col("recipient"), |user| Some(addresses::own_address(user)));
    let domain =
        memoize::map_text(col("recipient"), |user| addresses::domain_of(user).map(str::to_owned));
    let each = split_recipients(all).with_columns([
        memoize::map_bool(col("recipient"), is_external).alias("is_external"),
        own.alias("recipient"),
    ]);
    Ok(each.with_column(domain.alias("recipient_domain")).select(
        ["event_id", "kind", "recipient", "recipient_domain", "is_external", "detail"].map(col),
    ))
}

/// Returns the events that can have recipients, in memory: they are few, and each list of
/// recipients would otherwise read all events.
fn events_with_recipients(events: LazyFrame) -> PolarsResult<LazyFrame> {
    let nested = RECIPIENT_LISTS.iter().map(|list| list.column);
    let nested = nested.chain(["UserInformation", "WorkspaceAccessList"]);
    let plain = PLATFORM_RECIPIENTS.map(|(recipient, _)| recipient);
    let details = PLATFORM_RECIPIENTS.map(|(_, detail)| detail);
    let found = nested.clone().chain(plain).map(|name| col(name).is_not_null()).reduce(Expr::or);
    let columns = ["Id"].into_iter().chain(nested).chain(plain).chain(details).map(col);
    let events = events.filter(found.unwrap_or(lit(true))).select(columns.collect::<Vec<_>>());
    Ok(scan::collect_streaming(events)?.lazy())
}

/// Makes one row for each address of a text with several addresses, `a@x.com; b@x.com`.
fn split_recipients(rows: LazyFrame) -> LazyFrame {
    let split = |[texts]: [&Column; 1]| {
        let each = texts
            .str()?
            .iter()
            .map(|text| text.map(|text| Series::new("".into(), addresses::split_addresses(text))));
        let lists: ListChunked = each.collect();
        // Without rows, the type of the texts is not known.
        let strings = DataType::List(Box::new(DataType::String));
        Ok(lists.with_name(texts.name().clone()).into_series().cast(&strings)?.into_column())
    };
    let listed = DataType::List(Box::new(DataType::String));
    rows.with_column(memoize::map_columns([col("recipient")], listed, split))
        .explode(
            by_name(["recipient"], true, false),
            ExplodeOptions { empty_as_null: true, keep_nulls: true },
        )
        .filter(col("recipient").is_not_null())
}

fn recipients_in_list(events: &LazyFrame, list: &RecipientList) -> LazyFrame {
    let listed = events.clone().filter(col(list.column).is_not_null());
    let each = explode(listed.select([col("Id"), col(list.column).alias("one")]));
    let member = |name: &str| null_if_empty(col("one").struct_().field_by_name(name));
    let names: Vec<Expr> = list.name_members.iter().map(|name| member(name)).collect();
    let detail = list.detail_member.map_or(lit(NULL), member);
    recipient_rows(each, list.kind, coalesce(&names), detail)
}

/// Returns the users with roles, from the lists of users in the list of workspaces.
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
