//! Refuses symbolic links in place of the store's folders.
//!
//! Nothing is written or deleted through such a link: its target is not part of the store, may
//! change, and may contain files of others. The store's own folder may be a link, because the user
//! has chosen it as the location of the store.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::store::fs::paths::is_partition;

/// Refuses a store in which a link replaces one of its folders.
///
/// # Errors
///
/// [`Error::Store`] with the name of the link.
pub(in crate::store) fn refuse_linked_folders(root: &Path) -> Result<()> {
    let [events, inventory, sources, rejects, ids] =
        ["events", "inventory", "sources", "rejects", "ids"].map(|name| root.join(name));
    let logs = [&events, &inventory].map(|table| table.join("_delta_log"));
    for folder in [&sources, &rejects, &ids, &events, &inventory].into_iter().chain(&logs) {
        if folder.is_symlink() {
            return Err(linked_folder_error(root, folder));
        }
    }
    // A missing folder contains no links.
    let tables = [&events, &inventory].into_iter();
    let partitions = tables.flat_map(|table| fs::read_dir(table).into_iter().flatten().flatten());
    for partition in partitions.map(|entry| entry.path()).filter(|path| is_partition(path)) {
        if partition.is_symlink() {
            return Err(linked_folder_error(root, &partition));
        }
    }
    Ok(())
}

fn linked_folder_error(root: &Path, link: &Path) -> Error {
    let name = link.strip_prefix(root).unwrap_or(link).display();
    Error::store(
        root,
        format!(
            "{name} is a link, and pbi-analyze does not write through links; replace it by the \
             folder itself. Only the store's own folder may be a link"
        ),
    )
}
