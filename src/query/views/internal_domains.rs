//! The internal domains of a tenant, by evidence in the events.
//!
//! `portable` writes them as literals, so there is no second definition.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use crate::query::engine::scan;
use crate::query::views::actor_kinds::{GUEST_USER_TYPE, is_service};
use crate::query::views::addresses::{GUEST_MARK, PERSONAL_ACCOUNT_PREFIX, domain_of};

/// A domain is internal if at least 1 in this number of users has it (5 %) …
const SHARE_DIVISOR: usize = 20;
/// … and at least this number of users, so that a guest in a small log is not internal.
const MIN_USERS: usize = 5;
/// Suffix of the first domain of every tenant, which Microsoft assigns.
const ASSIGNED_SUFFIX: &str = ".onmicrosoft.com";

/// Returns the internal domains, in lower case.
///
/// - The domain after `#EXT#@` in the user name of a guest is the tenant's own.
/// - A domain with at least 5 % of the users, and at least 5 users, is internal.
/// - The most frequent domain is internal if it has two users, or if there is no other.
/// - `contoso.onmicrosoft.com` is internal if `contoso.com` is.
///
/// Guests, personal Microsoft accounts and services do not count as users.
pub fn detect_internal_domains(events: LazyFrame) -> PolarsResult<BTreeSet<String>> {
    let invited = col("UserType").eq(lit(GUEST_USER_TYPE)).fill_null(lit(false));
    let users = events
        .filter(is_service().not().and(col("UserId").is_not_null()))
        .select([col("UserId"), invited.alias("invited")])
        .unique(None, UniqueKeepStrategy::Any);
    let users = scan::collect_streaming(users)?;
    let mut tenant: BTreeSet<String> = BTreeSet::new();
    let mut people: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let flags = users.column("invited")?.bool()?;
    for (user, invited) in users.column("UserId")?.str()?.iter().zip(flags.iter()) {
        let Some(user) = user.map(str::to_lowercase) else { continue };
        if let Some((_, rest)) = user.split_once(GUEST_MARK) {
            tenant.extend(domain_of(rest).map(str::to_owned));
        } else if !user.starts_with(PERSONAL_ACCOUNT_PREFIX)
            && invited != Some(true)
            && let Some(domain) = domain_of(&user)
        {
            people.entry(domain.to_owned()).or_default().insert(user.clone());
        }
    }
    let counts: BTreeMap<String, usize> =
        people.into_iter().map(|(domain, users)| (domain, users.len())).collect();
    let mut internal = frequent_domains(&counts);
    let is_sibling = |domain: &&String| {
        let label = domain.strip_suffix(ASSIGNED_SUFFIX);
        let has_label = |known: &String| known.split('.').next() == label;
        label.is_some() && internal.iter().any(has_label)
    };
    let siblings: Vec<String> = counts.keys().filter(is_sibling).cloned().collect();
    internal.extend(siblings);
    internal.extend(tenant);
    Ok(internal)
}

/// Returns the domains that are internal by their number of users.
fn frequent_domains(counts: &BTreeMap<String, usize>) -> BTreeSet<String> {
    let all: usize = counts.values().sum();
    let most = counts.values().copied().max().unwrap_or(0);
    let leaders = counts.values().filter(|count| **count == most).count();
    let is_internal = |(_, count): &(&String, &usize)| {
        let count = **count;
        let by_share = count >= MIN_USERS && count * SHARE_DIVISOR >= all;
        let is_leader = count == most && leaders == 1 && (count > 1 || counts.len() == 1);
        by_share || is_leader
    };
    counts.iter().filter(is_internal).map(|(domain, _)| domain.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(users: &[String]) -> Vec<String> {
        let types = vec![0_i64; users.len()];
        let frame = df!("UserId" => users, "UserType" => types).unwrap().lazy();
        Vec::from_iter(detect_internal_domains(frame).unwrap())
    }

    fn contoso(count: usize, others: &[&str]) -> Vec<String> {
        let users = (0..count).map(|at| format!("u{at}@contoso.com"));
        users.chain(others.iter().map(|user| (*user).to_owned())).collect()
    }

    #[test]
    fn domain_of_five_percent_of_users_is_internal() {
        let others = ["U0@CONTOSO.COM", "a@b.example", "b@b.example", "z@rare.example"];
        assert_eq!(detected(&contoso(38, &others)), ["contoso.com"], "2 of 41 is less than 5 %");
        let branch = ["1", "2", "3", "4", "5"].map(|name| format!("{name}@contoso.de"));
        let branch: Vec<&str> = branch.iter().map(String::as_str).collect();
        assert_eq!(detected(&contoso(38, &branch)), ["contoso.com", "contoso.de"]);
    }

    #[test]
    fn guests_of_a_small_log_are_not_internal() {
        let others = ["x@partner.example", "live.com#kid@outlook.example"];
        assert_eq!(detected(&contoso(18, &others)), ["contoso.com"]);
        assert_eq!(detected(&contoso(1, &[])), ["contoso.com"]);
        let tie = contoso(1, &["x@partner.example"]);
        assert!(detected(&tie).is_empty(), "nothing shows which of two people is a guest");
    }

    #[test]
    fn domain_of_the_tenant_is_internal() {
        let others = ["x_f.example#EXT#@contoso.onmicrosoft.com", "admin@contoso.onmicrosoft.com"];
        let expected = ["contoso.com", "contoso.onmicrosoft.com"];
        assert_eq!(detected(&contoso(3, &others)), expected);
        assert_eq!(detected(&contoso(3, &others[1..])), expected, "by the same first label");
        let other = ["x_f.example#EXT#@tailspin.onmicrosoft.com"];
        assert_eq!(detected(&contoso(1, &other)), ["contoso.com", "tailspin.onmicrosoft.com"]);
        let partner = ["admin@partner.onmicrosoft.com"];
        assert_eq!(detected(&contoso(3, &partner)), ["contoso.com"]);
    }
}
