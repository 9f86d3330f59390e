//! Kinds of actors: person, guest, service, anonymous.
//!
//! Sources: `UserType` of the Office 365 Management Activity API schema (3 to 8 are not people);
//! published events (the `UserId` of a service principal is its object id; that of an anonymous
//! viewer is `Anonymous` for any `UserType`).
//!
//! The rules exist a second time as SQL text in `portable`, on purpose: a test compares the results
//! of both.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::query::views::addresses;
use crate::schema::guid::is_guid;

/// Value of `UserType` for invited guests.
pub const GUEST_USER_TYPE: i64 = 10;
/// Values of `UserType` for the system, applications and policies.
const SERVICE_USER_TYPES: RangeInclusive<i64> = 3..=8;

/// Kinds of actors; the first that applies counts.
const ACTOR_KINDS: [&str; 4] = ["anonymous", "service", "guest", "person"];

/// Returns true if the actor is a service principal or the system; never null.
pub fn is_service() -> Expr {
    let test = |[users, types]: [&Column; 2]| {
        let mut types = types_of(types)?.into_iter();
        let mut flags = Vec::with_capacity(users.len());
        memoize::for_each_memoized(users.str()?, is_service_by_id, |kind| {
            let by_type = types.next().flatten().is_some_and(is_service_type);
            flags.push(kind.copied().flatten().unwrap_or(by_type));
        });
        Ok(memoize::flags_column(users.name(), flags).into_column())
    };
    memoize::map_columns([col("UserId"), col("UserType")], DataType::Boolean, test)
}

/// Returns true if the `UserId` is that of a service principal, false if it is that of an anonymous
/// viewer, and `None` if the `UserType` decides.
pub fn is_service_by_id(user: &str) -> Option<bool> {
    match UserIdKind::from_user_id(user) {
        UserIdKind::ServicePrincipal => Some(true),
        UserIdKind::Anonymous => Some(false),
        UserIdKind::Other => None,
    }
}

/// Returns true if the `UserType` is that of the system, an application or a policy.
pub fn is_service_type(ty: i64) -> bool {
    SERVICE_USER_TYPES.contains(&ty)
}

/// Returns the user types of all rows. A list is many times as fast as the engine's iterator over
/// several arrays if each call asks for one value.
fn types_of(types: &Column) -> PolarsResult<Vec<Option<i64>>> {
    let types = types.i64()?;
    let mut all = Vec::with_capacity(types.len());
    for array in types.downcast_iter() {
        all.extend(array.iter().map(|ty| ty.copied()));
    }
    Ok(all)
}

/// Kind of an actor by the form of its `UserId`.
enum UserIdKind {
    ServicePrincipal,
    Anonymous,
    Other,
}

impl UserIdKind {
    fn from_user_id(user: &str) -> UserIdKind {
        match user {
            user if is_guid(user) => UserIdKind::ServicePrincipal,
            user if is_anonymous(user) => UserIdKind::Anonymous,
            _ => UserIdKind::Other,
        }
    }
}

/// Returns "anonymous", "service", "guest" or "person", the first that applies; never null. People
/// of other domains than `internal_domains` are guests.
pub fn actor_kind(internal_domains: BTreeSet<String>) -> Expr {
    let is_external =
        move |user: &str| addresses::is_external(&user.to_lowercase(), &internal_domains);
    let classify = move |[users, types]: [&Column; 2]| {
        let mut types = types_of(types)?.into_iter();
        let mut kinds = Vec::with_capacity(users.len());
        memoize::for_each_memoized(
            users.str()?,
            |user| (UserIdKind::from_user_id(user), is_external(user)),
            |user| {
                let ty = types.next().flatten();
                let (kind, is_external) = user.unwrap_or(&(UserIdKind::Other, false));
                kinds.push(match kind {
                    UserIdKind::Anonymous => 0,
                    UserIdKind::ServicePrincipal => 1,
                    UserIdKind::Other if ty.is_some_and(is_service_type) => 1,
                    UserIdKind::Other if *is_external || ty == Some(GUEST_USER_TYPE) => 2,
                    UserIdKind::Other => 3,
                });
            },
        );
        Ok(memoize::take_named(users.name(), &ACTOR_KINDS, &kinds)?.into_column())
    };
    memoize::map_columns([col("UserId"), col("UserType")], DataType::String, classify)
}

/// Returns the user's own address in lower case; null if the user id is empty.
pub fn user_id() -> Expr {
    memoize::map_text(col("UserId"), |user| {
        (!user.is_empty()).then(|| addresses::own_address(&user.to_lowercase()))
    })
}

/// Returns the domain of the user's own address.
pub fn user_domain() -> Expr {
    memoize::map_text(col("UserId"), |user| {
        let own = addresses::own_address(&user.to_lowercase());
        addresses::domain_of(&own).map(str::to_owned)
    })
}

/// Returns true if a user id is that of an anonymous viewer.
pub fn is_anonymous(user: &str) -> bool {
    user.eq_ignore_ascii_case("anonymous")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINCIPAL: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

    fn events() -> LazyFrame {
        let rows = [
            (Some("ann@contoso.com"), Some(0)),
            (Some("Ben@Contoso.com"), None),
            (Some("eve@partner.example"), Some(0)),
            (Some("joe_fabrikam.com#ext#@contoso.com"), Some(0)),
            (Some("kim@contoso.com"), Some(10)),
            (Some("live.com#kid@contoso.com"), Some(0)),
            (Some("Anonymous"), Some(4)),
            (Some(PRINCIPAL), None),
            (Some("robot"), Some(6)),
            (None, Some(4)),
            (None, None),
        ];
        let users: Vec<_> = rows.iter().map(|(user, _)| *user).collect();
        let types: Vec<Option<i64>> = rows.iter().map(|(_, ty)| *ty).collect();
        df!("UserId" => users, "UserType" => types).unwrap().lazy()
    }

    fn texts(frame: LazyFrame, expr: Expr) -> Vec<String> {
        let frame = frame.select([expr.cast(DataType::String).alias("x")]).collect().unwrap();
        frame.column("x").unwrap().str().unwrap().iter().flatten().map(str::to_owned).collect()
    }

    #[test]
    fn every_actor_has_one_kind() {
        let kinds = texts(events(), actor_kind(BTreeSet::from(["contoso.com".to_owned()])));
        let expected = [
            "person",
            "person",
            "guest",
            "guest",
            "guest",
            "guest",
            "anonymous",
            "service",
            "service",
            "service",
            "person",
        ];
        assert_eq!(kinds, expected);
        let services = texts(events(), is_service());
        let as_kinds = kinds.iter().map(|kind| (kind == "service").to_string());
        assert_eq!(services, as_kinds.collect::<Vec<_>>());
    }
}
