//! Puts the files of a site into a folder: all of them, or none.
//!
//! A file with a list of names says which files belong to the site, so that a later
//! run replaces and deletes no others.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::interrupt::TemporaryPath;
use crate::staged_folder::{StagedFolder, write_synced};

/// Name of the file with the list of the site's files.
const LIST_FILE: &str = ".pbi-analyze-site";

/// First line of the list.
const LIST_HEADER: &str = "Files that pbi-analyze dashboard --output-dir wrote and may replace:";

/// A folder that has not been changed yet, and the new files of its site.
pub(super) struct SiteFolder {
    staged: StagedFolder,
    names: BTreeSet<String>,
}

impl SiteFolder {
    /// Creates the folder if it is missing, and a temporary folder for the new files.
    pub(super) fn prepare(folder: &Path) -> Result<SiteFolder> {
        Ok(SiteFolder { staged: StagedFolder::create(folder)?, names: BTreeSet::new() })
    }

    /// Registers the temporary folder, so that it is deleted if the program is stopped.
    pub(super) fn register(&self) -> TemporaryPath {
        self.staged.register()
    }

    /// Forgets the files that were added.
    pub(super) fn clear(&mut self) {
        self.names.clear();
    }

    /// Returns the number of files that were added.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Adds a file. If it was added before, it is replaced.
    pub(super) fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.names.insert(name.to_owned());
        self.write_new(name, bytes)
    }

    fn write_new(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let place = self.staged.folder().join(name);
        write_synced(&self.staged.new_path().join(name), bytes, &place)
    }

    /// Moves the new files to their places and removes the site's files that are no longer in it.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if another file is in the place of one of them, [`Error::Io`] if a file
    /// cannot be moved. The folder is then as it was before.
    pub(super) fn publish(self) -> Result<()> {
        let earlier = listed_files(self.staged.folder())?;
        for name in self.names.iter().filter(|name| !earlier.contains(*name)) {
            let place = self.staged.folder().join(name);
            if std::fs::symlink_metadata(&place).is_ok() {
                return Err(Error::Usage(format!(
                    "{} is not a file of an earlier site; delete it, or choose another folder",
                    place.display()
                )));
            }
        }
        let mut list = format!("{LIST_HEADER}\n");
        for name in &self.names {
            list.push_str(name);
            list.push('\n');
        }
        self.write_new(LIST_FILE, list.as_bytes())?;
        let all: BTreeSet<String> = earlier.into_iter().chain(self.names.clone()).collect();
        self.staged.publish(all.iter().map(String::as_str).chain([LIST_FILE]))
    }
}

/// Returns the names of the files of the site that a folder contains. Only names of pages count: a
/// changed list cannot name other files.
fn listed_files(folder: &Path) -> Result<BTreeSet<String>> {
    let path = folder.join(LIST_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(Error::io("read", &path)(error)),
    };
    let is_page = |name: &str| {
        let stem = name.strip_suffix(".html").unwrap_or_default();
        !stem.is_empty() && stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    Ok(text.lines().filter(|name| is_page(name)).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_site(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
        let mut site = SiteFolder::prepare(folder)?;
        for (name, text) in files {
            site.add(name, text.as_bytes())?;
        }
        site.publish()
    }

    fn names(folder: &Path) -> Vec<String> {
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_second_run_replaces_and_deletes_only_files_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("site");
        write_site(&folder, &[("a.html", "1"), ("b.html", "1")]).unwrap();
        std::fs::write(folder.join("mine.html"), "mine").unwrap();
        write_site(&folder, &[("a.html", "2"), ("c.html", "2")]).unwrap();
        assert_eq!(names(&folder), [LIST_FILE, "a.html", "c.html", "mine.html"]);
        assert_eq!(std::fs::read_to_string(folder.join("a.html")).unwrap(), "2");
        let error = write_site(&folder, &[("a.html", "3"), ("mine.html", "3")]).unwrap_err();
        assert!(error.to_string().contains("mine.html"), "{error}");
        assert_eq!(std::fs::read_to_string(folder.join("a.html")).unwrap(), "2");
        assert_eq!(names(&folder), [LIST_FILE, "a.html", "c.html", "mine.html"]);
    }

    #[test]
    fn a_changed_list_names_only_pages() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LIST_FILE), "x\n../a.html\n.html\nc:d.html\nok-1.html\n")
            .unwrap();
        assert_eq!(listed_files(dir.path()).unwrap(), ["ok-1.html".to_owned()].into());
    }
}
