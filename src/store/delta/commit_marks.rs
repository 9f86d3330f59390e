//! The marks of a commit: they distinguish it from the commits of all other writers.

use deltalake_core::kernel::{Action, Transaction};

/// Returns the marks of a commit, which no commit of another writer has: the paths of new files,
/// and transactions.
pub(super) fn commit_marks(actions: &[Action], transactions: &[Transaction]) -> Vec<String> {
    let paths = actions.iter().filter_map(|action| match action {
        Action::Add(add) => Some(add.path.clone()),
        _ => None,
    });
    let ids = transactions.iter().map(|txn| format!("{} {}", txn.app_id, txn.version));
    paths.chain(ids).collect()
}

/// Returns the mark of an action of a commit, if it has one.
pub(super) fn action_mark(action: &serde_json::Value) -> Option<String> {
    let txn = &action["txn"];
    match (action["add"]["path"].as_str(), txn["appId"].as_str(), txn["version"].as_i64()) {
        (Some(path), ..) => Some(path.to_owned()),
        (None, Some(id), Some(version)) => Some(format!("{id} {version}")),
        _ => None,
    }
}
