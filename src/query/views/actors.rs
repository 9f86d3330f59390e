//! Kinds of actors (person, guest, service, anonymous), internal domains, and automated API
//! activity ("noise").
//!
//! Sources: `UserType` of the Office 365 Management Activity API schema (3 to 8 are not people);
//! Microsoft's tenant-level auditing guidance (exclude the activity of scanners and service
//! principals); published events (the `UserId` of a service principal is its object id; that of an
//! anonymous viewer is `Anonymous` for any `UserType`).
//!
//! The rules for noise and services exist a second time as SQL text in `portable/expressions.rs`,
//! on purpose: a test compares the results of both.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::RangeInclusive;

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::schema::guid::is_guid;
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

/// Value of `UserType` for invited guests.
const GUEST_USER_TYPE: i64 = 10;
/// Values of `UserType` for the system, applications and policies.
const SERVICE_USER_TYPES: RangeInclusive<i64> = 3..=8;

/// Kinds of actors; the first that applies counts.
const ACTOR_KINDS: [&str; 4] = ["anonymous", "service", "guest", "person"];

/// A domain is internal if at least 1 in this number of users has it (5 %).
const INTERNAL_DOMAIN_SHARE_DIVISOR: usize = 20;

/// Returns the name of the activity: `Activity`, else `Operation`.
pub fn activity() -> Expr {
    memoize::first_non_null(col("Activity"), col("Operation"))
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
    if level == NoiseFilter::Include {
        return lit(false);
    }
    let set: HashSet<&str> = noise_activities(level).into_iter().collect();
    let test = move |name: &str| {
        set.contains(name) || (level == NoiseFilter::ExcludeAllReads && is_api_read(name))
    };
    memoize::map_bool(activity(), test)
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

/// Returns true if the actor is a service principal or the system; never null.
pub fn is_service() -> Expr {
    let test = |[users, types]: [&Column; 2]| {
        let mut types = types.i64()?.iter();
        let mut flags = Vec::with_capacity(users.len());
        memoize::for_each_memoized(users.str()?, UserIdKind::from_user_id, |kind| {
            let by_type = types.next().flatten().is_some_and(|ty| SERVICE_USER_TYPES.contains(&ty));
            flags.push(match kind {
                Some(UserIdKind::ServicePrincipal) => true,
                Some(UserIdKind::Anonymous) => false,
                Some(UserIdKind::Other) | None => by_type,
            });
        });
        Ok(BooleanChunked::from_slice(users.name().clone(), &flags).into_column())
    };
    memoize::map_columns([col("UserId"), col("UserType")], DataType::Boolean, test)
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
    let is_external = move |user: &str| {
        let user = user.to_lowercase();
        let domain = user.rsplit_once('@').map(|(_, domain)| domain);
        user.contains("#ext#") || domain.is_some_and(|domain| !internal_domains.contains(domain))
    };
    let classify = move |[users, types]: [&Column; 2]| {
        let mut types = types.i64()?.iter();
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
                    UserIdKind::Other if ty.is_some_and(|ty| SERVICE_USER_TYPES.contains(&ty)) => 1,
                    UserIdKind::Other if *is_external || ty == Some(GUEST_USER_TYPE) => 2,
                    UserIdKind::Other => 3,
                });
            },
        );
        Ok(memoize::take_named(users.name(), &ACTOR_KINDS, &kinds)?.into_column())
    };
    memoize::map_columns([col("UserId"), col("UserType")], DataType::String, classify)
}

/// Returns the internal domains: those of at least 5 % of users, guests and services excluded.
pub fn detect_internal_domains(events: LazyFrame) -> PolarsResult<BTreeSet<String>> {
    let invited = col("UserType").eq(lit(GUEST_USER_TYPE)).fill_null(lit(false));
    let users = events
        .filter(is_service().not().and(invited.not()).and(col("UserId").is_not_null()))
        .select([col("UserId").unique()])
        .collect()?;
    let mut people: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for user in users.column("UserId")?.str()?.iter().flatten() {
        let user = user.to_lowercase();
        if let Some((_, domain)) = user.rsplit_once('@').filter(|_| !user.contains("#ext#")) {
            people.entry(domain.to_owned()).or_default().insert(user.clone());
        }
    }
    let all: usize = people.values().map(BTreeSet::len).sum();
    let is_internal = |(domain, users): (String, BTreeSet<String>)| {
        (users.len() * INTERNAL_DOMAIN_SHARE_DIVISOR >= all).then_some(domain)
    };
    Ok(people.into_iter().filter_map(is_internal).collect())
}

/// Returns the user id in lower case; null if it is empty.
pub fn user_id() -> Expr {
    memoize::map_text(col("UserId"), |user| (!user.is_empty()).then(|| user.to_lowercase()))
}

/// Returns the domain of a user in lower case: the text after the last `@` of an address. For a
/// guest (`name_domain#EXT#@tenant`), it is the domain in the name.
pub fn user_domain() -> Expr {
    memoize::map_text(col("UserId"), |user| domain_of(&user.to_lowercase()).map(str::to_owned))
}

/// Returns the domain of a user that is in lower case; see [`user_domain`].
pub fn domain_of(user: &str) -> Option<&str> {
    let domain = match user.split_once("#ext#") {
        Some((name, _)) => name.rsplit_once('_').map(|(_, domain)| domain),
        None => user.rsplit_once('@').map(|(_, domain)| domain),
    };
    domain.filter(|domain| !domain.is_empty())
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

    #[test]
    fn domain_of_five_percent_of_users_is_internal() {
        let mut users: Vec<String> = (0..38).map(|at| format!("u{at}@contoso.com")).collect();
        users.extend(
            ["U0@CONTOSO.COM", "a@b.example", "b@b.example", "z@rare.example"].map(Into::into),
        );
        let types = vec![0_i64; users.len()];
        let frame = df!("UserId" => users, "UserType" => types).unwrap().lazy();
        let domains = detect_internal_domains(frame).unwrap();
        assert_eq!(Vec::from_iter(domains), ["contoso.com"], "2 of 41 is less than 5 %");
    }

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
