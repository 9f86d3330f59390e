//! Recognizes files that are not on a disk: the operating system invents their content (`/proc`,
//! `/sys`). They look like regular files, but reading one may wait forever or change the system.

use std::path::Path;

/// Types of file systems without data of users.
#[cfg(target_os = "linux")]
const KERNEL_TYPES: [&str; 13] = [
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "proc",
    "pstore",
    "sysfs",
    "tracefs",
];

/// The mounted file systems of the operating system, by the numbers of their devices.
#[derive(Debug, Default)]
pub(super) struct KernelFileSystems {
    devices: Vec<u64>,
}

impl KernelFileSystems {
    /// Returns those that are mounted now. Systems other than Linux have none.
    #[cfg(target_os = "linux")]
    pub(super) fn mounted() -> Self {
        let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        KernelFileSystems { devices: table.lines().filter_map(kernel_device).collect() }
    }

    /// Returns those that are mounted now. Systems other than Linux have none.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn mounted() -> Self {
        KernelFileSystems::default()
    }

    /// Returns true if a file is on one of these, also if it is reached by a link.
    pub(super) fn contain(&self, path: &Path) -> bool {
        !self.devices.is_empty() && device(path).is_some_and(|it| self.devices.contains(&it))
    }
}

/// Returns the number of the device of a file.
#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|meta| meta.dev()).ok()
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}

/// Returns the device of a line of the mount table if its file system is one of the operating
/// system. A line is `36 35 0:22 / /proc rw - proc proc rw`, with more fields before the dash.
#[cfg(target_os = "linux")]
fn kernel_device(line: &str) -> Option<u64> {
    let (fields, rest) = line.split_once(" - ")?;
    let kind = rest.split(' ').next()?;
    let (major, minor) = fields.split(' ').nth(2)?.split_once(':')?;
    let (major, minor): (u64, u64) = (major.parse().ok()?, minor.parse().ok()?);
    // The number as the system calls have it.
    let device =
        (major & 0xfff) << 8 | (major & !0xfff) << 32 | minor & 0xff | (minor & !0xff) << 12;
    KERNEL_TYPES.contains(&kind).then_some(device)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_system_are_recognized_and_others_are_not() {
        let mounted = KernelFileSystems::mounted();
        assert!(mounted.contain(Path::new("/proc/self/status")));
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(!mounted.contain(file.path()) && !mounted.contain(Path::new("/nowhere")));
        let line = "30 24 259:300 / /x rw,nosuid shared:5 - sysfs sysfs rw";
        assert_eq!(kernel_device(line), Some(259 << 8 | 300 & 0xff | 256 << 12));
        assert_eq!(kernel_device(&line.replace("sysfs", "ext4")), None);
    }
}
