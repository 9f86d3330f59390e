//! Links in the place of the store's folders.
//!
//! Owns: that nothing is written or deleted through them. Where a link leads is not the store, it
//! may lead somewhere else tomorrow, and what lies there may not be ours. The store's own folder
//! may be a link: it is where the user says that the store is.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// Refuses to write to a store with a link in the place of one of its folders.
///
/// # Errors
///
/// [`Error::Store`] that names the link.
pub(in crate::store) fn refuse_linked_folders(root: &Path) -> Result<()> {
    let events = root.join("events");
    let [sources, rejects] = ["sources", "rejects"].map(|name| root.join(name));
    for folder in [&sources, &rejects, &events, &events.join("_delta_log")] {
        if folder.is_symlink() {
            return Err(linked_folder_error(root, folder));
        }
    }
    // No folder, no links in it.
    let months = fs::read_dir(&events).into_iter().flatten().flatten();
    for month in months.filter(|entry| entry.file_name().to_string_lossy().starts_with("month=")) {
        if month.path().is_symlink() {
            return Err(linked_folder_error(root, &month.path()));
        }
    }
    Ok(())
}

fn linked_folder_error(root: &Path, link: &Path) -> Error {
    let name = link.strip_prefix(root).unwrap_or(link).display();
    Error::store(
        root,
        format!(
            "{name} is a link, and nothing is written through one; put the folder itself in its \
             place. Only the store's own folder may be a link"
        ),
    )
}
