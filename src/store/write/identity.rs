//! The identity of a writer, which its lock file contains: machine, boot and process.
//!
//! A machine is known by its name and its machine id. Cloned machines have the same machine id, so
//! it proves nothing alone. A boot has a random id, and a process a number and a start time.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// The identity of a writer. On systems without `/proc`, most of it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(in crate::store) struct WriterIdentity {
    /// The name of the machine, for people.
    pub(in crate::store) host: String,
    /// A digest of the machine id, which is not to leave the machine.
    pub(in crate::store) machine: String,
    /// The random id of this start of the machine.
    pub(in crate::store) boot: String,
    /// The time of that start, in seconds since 1970.
    pub(in crate::store) booted: i64,
    /// The time at which the writer began, in seconds since 1970.
    pub(in crate::store) begun: i64,
    /// The pid namespace: containers have their own.
    pub(in crate::store) pid_namespace: String,
    pub(in crate::store) pid: u32,
    /// The start of the process, in ticks since the start of the machine.
    pub(in crate::store) process_start: u64,
    /// The number of the mounted file system. Locks of one mount are not those of another.
    pub(in crate::store) device: u64,
}

/// The relation of the machine of a writer to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Kinship {
    /// The same machine, since its last start.
    SameBoot,
    /// The same machine, before its last start.
    EarlierBoot,
    /// A machine of the same name; both do not say when they were started.
    SameNameWithoutBoot,
    /// Any other machine.
    Other,
}

/// The state of a writer's process according to the process table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) enum ProcessProbe {
    /// It is this process.
    Own,
    Alive,
    Gone,
    /// It cannot be seen from here: another machine, container or operating system.
    Unclear,
}

impl WriterIdentity {
    /// Returns the identity of this process as a writer in a store's folder.
    pub(in crate::store) fn of_this_process(root: &Path) -> WriterIdentity {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let host = match text("/proc/sys/kernel/hostname") {
            name if name.is_empty() => std::env::var("COMPUTERNAME").unwrap_or_default(),
            name => name,
        };
        let machine = match text("/etc/machine-id") {
            id if id.is_empty() => id,
            id => format!("{:032x}", xxh3_128(format!("pbi-analyze {id}").as_bytes())),
        };
        let stat = text("/proc/stat");
        let booted = stat.lines().find_map(|line| line.strip_prefix("btime "));
        let pid = std::process::id();
        WriterIdentity {
            host,
            machine,
            boot: text("/proc/sys/kernel/random/boot_id"),
            booted: booted.and_then(|seconds| seconds.parse().ok()).unwrap_or(i64::MIN),
            begun: chrono::Utc::now().timestamp(),
            pid_namespace: pid_namespace(),
            pid,
            process_start: process_start(pid).unwrap_or_default(),
            device: device(root),
        }
    }

    /// Returns the identity in a lock file, or `None` if it contains none.
    pub(in crate::store) fn parse(text: &[u8]) -> Option<WriterIdentity> {
        serde_json::from_slice(text).ok()
    }

    /// Returns the identity of process 1 on a machine that was started at 100, begun at 150.
    #[cfg(test)]
    pub(in crate::store) fn example(host: &str, boot: &str, device: u64) -> WriterIdentity {
        WriterIdentity {
            host: host.to_owned(),
            machine: host.to_owned(),
            boot: boot.to_owned(),
            booted: 100,
            begun: 150,
            pid_namespace: "1".to_owned(),
            pid: 1,
            process_start: 1,
            device,
        }
    }

    /// Returns how the machine of another writer relates to this writer's.
    pub(in crate::store) fn kinship(&self, other: &WriterIdentity) -> Kinship {
        let has_same_name = self.host == other.host && self.machine == other.machine;
        match (self.boot.is_empty(), other.boot.is_empty()) {
            (true, true) if has_same_name => Kinship::SameNameWithoutBoot,
            (false, false) if self.boot == other.boot => Kinship::SameBoot,
            (false, false) if has_same_name && other.begun < self.booted => Kinship::EarlierBoot,
            _ => Kinship::Other,
        }
    }

    /// Returns what the process table says about another writer's process.
    pub(in crate::store) fn probe(&self, other: &WriterIdentity) -> ProcessProbe {
        let is_same_table = self.kinship(other) == Kinship::SameBoot
            && !self.pid_namespace.is_empty()
            && self.pid_namespace == other.pid_namespace;
        if !is_same_table || other.process_start == 0 {
            return ProcessProbe::Unclear;
        }
        if (other.pid, other.process_start) == (self.pid, self.process_start) {
            return ProcessProbe::Own;
        }
        match process_start(other.pid) {
            Some(start) if start == other.process_start => ProcessProbe::Alive,
            Some(_) => ProcessProbe::Gone,
            // A process of another user can be hidden. Then the first one is hidden too.
            None if process_start(1).is_some() => ProcessProbe::Gone,
            None => ProcessProbe::Unclear,
        }
    }
}

/// Returns the pid namespace of this process, or an empty text if `/proc` is not that of this
/// process.
fn pid_namespace() -> String {
    let own = fs::read_link("/proc/self").unwrap_or_default();
    if own.to_str() != Some(std::process::id().to_string().as_str()) {
        return String::new();
    }
    fs::read_link("/proc/self/ns/pid").unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns the start of a process in ticks, or `None` if there is none, or only what is left of it.
fn process_start(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program is in parentheses and may contain anything.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(start)
}

#[cfg(unix)]
fn device(folder: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::dev(&match fs::metadata(folder) {
        Ok(metadata) => metadata,
        Err(_) => return 0,
    })
}

#[cfg(not(unix))]
fn device(_: &Path) -> u64 {
    0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn own_process_lives_and_a_child_that_has_ended_is_gone() {
        let own = WriterIdentity::of_this_process(Path::new("/"));
        assert!(!own.host.is_empty() && !own.boot.is_empty() && own.process_start > 0);
        assert_eq!(own.probe(&own), ProcessProbe::Own);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let start = process_start(child.id()).unwrap();
        let other = WriterIdentity { pid: child.id(), process_start: start, ..own.clone() };
        assert_eq!(own.probe(&other), ProcessProbe::Alive);
        let reused = WriterIdentity { process_start: start + 1, ..other.clone() };
        assert_eq!(own.probe(&reused), ProcessProbe::Gone);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(own.probe(&other), ProcessProbe::Gone);
        let contained = WriterIdentity { pid_namespace: "pid:[1]".to_owned(), ..other.clone() };
        assert_eq!(own.probe(&contained), ProcessProbe::Unclear);
        let elsewhere = WriterIdentity { boot: "another".to_owned(), ..other };
        assert_eq!(own.probe(&elsewhere), ProcessProbe::Unclear);
    }

    #[test]
    fn identity_survives_its_lock_file() {
        let own = WriterIdentity::of_this_process(Path::new("/"));
        assert_eq!(WriterIdentity::parse(&serde_json::to_vec(&own).unwrap()), Some(own));
        assert_eq!(WriterIdentity::parse(b""), None);
        assert_eq!(WriterIdentity::parse(b"\0\0\0\0"), None);
    }
}
