//! Who did it, and whether it says anything about use: people, guests, services, noise.
//!
//! Owns: the definitions of noise and of the kinds of actors, as expressions over an event's
//! columns. Must not know periods, files or reports.
//!
//! The sources: UserType of the Office 365 Management Activity API schema (3 to 8 are no people),
//! Microsoft's tenant-level auditing guidance (leave out what scanners and service principals do),
//! and published events: a service principal's UserId is its object id, an anonymous viewer's is
//! `Anonymous` whatever the UserType says.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::RangeInclusive;

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::schema::{self, Noise};

/// Which reads through the API are taken out of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoiseFilter {
    /// What reading the log and scanning data sources writes into the log itself.
    #[default]
    Exclude,
    /// Every known read through the API.
    ExcludeAllReads,
    /// None.
    Include,
}

/// UserType of people invited from elsewhere.
const GUEST_USER_TYPE: i64 = 10;
/// UserTypes of the system, of applications and of policies.
const SERVICE_USER_TYPES: RangeInclusive<i64> = 3..=8;

/// The kinds of actors, the first that fits.
const ACTOR_KINDS: [&str; 4] = ["anonymous", "service", "guest", "person"];

/// A domain is at home in the tenant if at least one in so many people has it.
const INTERNAL_DOMAIN_SHARE_DIVISOR: usize = 20;

/// The activity's name: `Activity`, else `Operation`.
pub fn activity() -> Expr {
    memoize::first_non_null(col("Activity"), col("Operation"))
}

/// The activities of the catalogue that are noise at that level.
pub fn noise_activities(level: NoiseFilter) -> Vec<&'static str> {
    let is_noise = |operation: &&schema::Operation| match level {
        NoiseFilter::Exclude => operation.noise == Noise::Standard,
        NoiseFilter::ExcludeAllReads => operation.noise != Noise::No,
        NoiseFilter::Include => false,
    };
    schema::operations().iter().filter(is_noise).map(|operation| operation.name).collect()
}

/// Whether the event is noise at that level. Never null.
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

/// Reads through the API that are no operation of the catalogue yet: their names follow a pattern.
fn is_api_read(name: &str) -> bool {
    name.strip_prefix("Get").is_some_and(|rest| {
        rest.starts_with("GatewayCluster")
            || rest.ends_with("AsAdmin")
            || rest.ends_with("ViaAdminApi")
    })
}

/// Whether a service principal or the system did it. Never null.
pub fn is_service() -> Expr {
    let judge = |[users, types]: [&Column; 2]| {
        let mut types = types.i64()?.iter();
        let mut flags = Vec::with_capacity(users.len());
        memoize::for_each_memoized(users.str()?, UserIdKind::from_user_id, |sort| {
            let by_type = types.next().flatten().is_some_and(|ty| SERVICE_USER_TYPES.contains(&ty));
            flags.push(match sort {
                Some(UserIdKind::ServicePrincipal) => true,
                Some(UserIdKind::Anonymous) => false,
                Some(UserIdKind::Other) | None => by_type,
            });
        });
        Ok(BooleanChunked::from_slice(users.name().clone(), &flags).into_column())
    };
    memoize::map_columns([col("UserId"), col("UserType")], DataType::Boolean, judge)
}

/// What a user's id tells of it.
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

/// "anonymous", "service", "guest" or "person"; the first that fits. `homes` are the domains whose
/// people are no guests. Never null.
pub fn actor_kind(homes: BTreeSet<String>) -> Expr {
    let from_elsewhere = move |user: &str| {
        let user = user.to_lowercase();
        let domain = user.rsplit_once('@').map(|(_, domain)| domain);
        user.contains("#ext#") || domain.is_some_and(|domain| !homes.contains(domain))
    };
    let judge = move |[users, types]: [&Column; 2]| {
        let mut types = types.i64()?.iter();
        let mut kinds = Vec::with_capacity(users.len());
        memoize::for_each_memoized(
            users.str()?,
            |user| (UserIdKind::from_user_id(user), from_elsewhere(user)),
            |user| {
                let ty = types.next().flatten();
                let (sort, elsewhere) = user.unwrap_or(&(UserIdKind::Other, false));
                kinds.push(match sort {
                    UserIdKind::Anonymous => 0,
                    UserIdKind::ServicePrincipal => 1,
                    UserIdKind::Other if ty.is_some_and(|ty| SERVICE_USER_TYPES.contains(&ty)) => 1,
                    UserIdKind::Other if *elsewhere || ty == Some(GUEST_USER_TYPE) => 2,
                    UserIdKind::Other => 3,
                });
            },
        );
        Ok(memoize::take_named(users.name(), &ACTOR_KINDS, &kinds)?.into_column())
    };
    memoize::map_columns([col("UserId"), col("UserType")], DataType::String, judge)
}

/// The domains that at least 5 % of the people have who are not guests for another reason.
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
    let at_home = |(domain, users): (String, BTreeSet<String>)| {
        (users.len() * INTERNAL_DOMAIN_SHARE_DIVISOR >= all).then_some(domain)
    };
    Ok(people.into_iter().filter_map(at_home).collect())
}

/// Who did it, in lower case; null rather than empty.
pub fn user_id() -> Expr {
    memoize::map_text(col("UserId"), |user| (!user.is_empty()).then(|| user.to_lowercase()))
}

/// The domain of a user, in lower case: what stands behind the last `@` of an address; of a guest's
/// `name_domain#EXT#@tenant`, the one in the name.
pub fn user_domain() -> Expr {
    memoize::map_text(col("UserId"), |user| domain_of(&user.to_lowercase()).map(str::to_owned))
}

/// The domain of a user in lower case.
pub fn domain_of(user: &str) -> Option<&str> {
    let domain = match user.split_once("#ext#") {
        Some((name, _)) => name.rsplit_once('_').map(|(_, domain)| domain),
        None => user.rsplit_once('@').map(|(_, domain)| domain),
    };
    domain.filter(|domain| !domain.is_empty())
}

pub fn is_anonymous(user: &str) -> bool {
    user.eq_ignore_ascii_case("anonymous")
}

/// Whether a text has the shape of a GUID, 8-4-4-4-12 hexadecimal digits.
fn is_guid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
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
    fn everybody_is_one_kind_of_actor() {
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
    fn a_domain_is_at_home_if_one_in_twenty_has_it() {
        let mut users: Vec<String> = (0..38).map(|at| format!("u{at}@contoso.com")).collect();
        users.extend(
            ["U0@CONTOSO.COM", "a@b.example", "b@b.example", "z@rare.example"].map(Into::into),
        );
        let types = vec![0_i64; users.len()];
        let frame = df!("UserId" => users, "UserType" => types).unwrap().lazy();
        let homes = detect_internal_domains(frame).unwrap();
        assert_eq!(Vec::from_iter(homes), ["contoso.com"], "2 of 41 are less than 5 %");
    }

    #[test]
    fn noise_grows_with_its_level() {
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
