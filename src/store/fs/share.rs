//! Shares whose client remembers for some time which files there are.
//!
//! A client of NFS takes a file for absent for up to a minute after it has looked for it once
//! (`acdirmax` in <https://man7.org/linux/man-pages/man5/nfs.5.html>), and Windows for five seconds
//! (`FileNotFoundCacheLifetime` in
//! <https://learn.microsoft.com/previous-versions/windows/it-pro/windows-7/ff686200(v=ws.10)>). If
//! a version of a log refers to the file, another machine has written it, and it will be seen.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest time for which a client takes a file for absent that is there, and a reserve.
const LONGEST_MEMORY: Duration = Duration::from_secs(65);

/// The time without pauses after a file was not there even then: it is lost.
const REST: Duration = Duration::from_secs(600);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Kinds of file systems, in Linux, that other machines change. `fuse` is the start of many.
const SHARED: [&str; 12] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse",
    "gfs2",
    "glusterfs",
    "lustre",
    "nfs",
    "smb3",
    "virtiofs",
];

/// Pauses for files that other machines have written. Clones share what they have waited.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct ShareWait {
    begin: Arc<Mutex<Option<Instant>>>,
    is_share: Option<bool>,
}

impl ShareWait {
    /// Returns the pauses for a folder that counts as on a share, or as not.
    #[cfg(test)]
    pub(in crate::store) fn of_share(is_share: bool) -> ShareWait {
        ShareWait { is_share: Some(is_share), ..ShareWait::default() }
    }

    /// Pauses and returns true if a file in a folder may be absent for this machine only.
    ///
    /// Returns false if the folder is on a disk of this machine, or if the file must be visible
    /// by now.
    pub(in crate::store) fn pause(&self, folder: &Path) -> bool {
        let waited = {
            let mut begin = self.begin.lock().unwrap_or_else(PoisonError::into_inner);
            if begin.is_some_and(|begin| begin.elapsed() > LONGEST_MEMORY + REST) {
                *begin = None;
            }
            begin.get_or_insert_with(Instant::now).elapsed()
        };
        let may_appear =
            waited <= LONGEST_MEMORY && self.is_share.unwrap_or_else(|| is_on_share(folder));
        if may_appear {
            std::thread::sleep(PAUSE);
        }
        may_appear
    }
}

/// Returns true if a folder is on a share, as far as its path and the mounts say.
fn is_on_share(folder: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(folder) else { return false };
    if cfg!(windows) {
        // The canonical path of a drive letter for a share is that of the share.
        return folder.to_string_lossy().starts_with(r"\\?\UNC\");
    }
    if cfg!(target_os = "macos") {
        return folder.starts_with("/Volumes");
    }
    fs::read_to_string("/proc/self/mountinfo").is_ok_and(|mounts| is_mounted(&mounts, &folder))
}

/// Returns true if the innermost mount of a folder is a share.
///
/// `mounts` has a line for each mount, as
/// <https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html> describes: the folder is the
/// fifth word, and the kind follows a dash. White space and backslashes in folders are octal.
fn is_mounted(mounts: &str, folder: &Path) -> bool {
    let mount = |line: &str| -> Option<(usize, bool)> {
        let (before, after) = line.split_once(" - ")?;
        let path = before.split(' ').nth(4)?;
        let path = [(r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", r"\")]
            .iter()
            .fold(path.to_owned(), |path, (code, text)| path.replace(code, text));
        let kind = after.split(' ').next()?;
        let is_share = SHARED.iter().any(|shared| kind.starts_with(shared));
        folder.starts_with(&path).then_some((path.len(), is_share))
    };
    // Of two mounts at one folder, the later one covers the other.
    mounts.lines().filter_map(mount).max_by_key(|(length, _)| *length).is_some_and(|found| found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_says_if_a_folder_is_on_a_share() {
        let mounts = "\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:45 / /mnt/logs rw shared:9 - nfs4 server:/logs rw,vers=4.2
31 30 254:1 / /mnt/logs/local rw - ext4 /dev/vdb rw
32 21 0:46 / /mnt/two\\040words rw - cifs //server/share rw
33 21 0:47 / /home/me/mount rw - fuse.sshfs me@server: rw
34 21 254:2 / /mnt/covered rw - nfs server:/old rw
35 34 254:2 / /mnt/covered rw - ext4 /dev/vdc rw
";
        for (folder, is_share) in [
            ("/srv/store", false),
            ("/mnt/logs", true),
            ("/mnt/logs/store", true),
            ("/mnt/logs-of-another", false),
            ("/mnt/logs/local/store", false),
            ("/mnt/two words/store", true),
            ("/home/me/mount/store", true),
            ("/mnt/covered/store", false),
        ] {
            assert_eq!(is_mounted(mounts, Path::new(folder)), is_share, "{folder}");
        }
        assert!(!is_mounted("", Path::new("/srv")));
    }

    #[test]
    fn a_disk_of_this_machine_is_not_waited_for_and_a_share_is() {
        let folder = Path::new("/");
        let begin = Instant::now();
        assert!(!ShareWait::of_share(false).pause(folder));
        assert!(begin.elapsed() < PAUSE);
        assert!(ShareWait::of_share(true).pause(folder));
        assert!(begin.elapsed() >= PAUSE);
    }
}
