//! The memory that the process uses, and the limit for it.
//!
//! Linux ends the largest process when memory runs out, without a message, and often others before
//! it. So a query ends itself earlier. Only Linux has files with the memory of a process; on other
//! systems, there is no limit.

use indicatif::HumanBytes;

/// Memory that a query may use by default: this share of the machine, or of the container.
const DEFAULT_PERCENT: u64 = 80;

/// Parses a size: a number with a unit, for example `500M` or `8G`.
///
/// # Errors
///
/// The expected form.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let expected = || format!("expected a size such as 500M or 8G, found {text:?}");
    let upper = text.to_ascii_uppercase();
    let digits = upper.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &upper[digits.len()..] {
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return Err(expected()),
    };
    let number: u64 = digits.trim().parse().map_err(|_| expected())?;
    match number.checked_mul(1 << shift) {
        Some(size) if size > 0 => Ok(size),
        _ => Err(expected()),
    }
}

/// Returns the limit without a flag; `None` if the size of the memory is unknown.
pub(super) fn default_limit() -> Option<u64> {
    let machine = kib_of(&read("/proc/meminfo"), "MemTotal:");
    // `max` is no number: the container has no limit of its own.
    let container = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .filter_map(|file| read(file).trim().parse().ok());
    let total = machine.into_iter().chain(container).min()?;
    Some(total / 100 * DEFAULT_PERCENT)
}

/// Returns the memory that the process uses, without the pages of files that it reads; `None` if it
/// is unknown.
pub(super) fn used() -> Option<u64> {
    let status = read("/proc/self/status");
    Some(kib_of(&status, "RssAnon:")? + kib_of(&status, "RssShmem:").unwrap_or(0))
}

/// Returns the message for a command that needs more than `limit`.
pub(super) fn exceeded_message(limit: u64) -> String {
    format!(
        "stopped, because the command needs more memory than the limit of {}: shorten the period \
         with --since and --until, split the query into smaller ones, or raise the limit with \
         --memory-limit",
        HumanBytes(limit)
    )
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// Returns the number of bytes in a line like `MemTotal: 16 kB`.
fn kib_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_unit() {
        assert_eq!(parse_size("500M"), Ok(500 << 20));
        assert_eq!(parse_size("8gib"), Ok(8 << 30));
        for wrong in ["8", "G", "0G", "-1G", "1.5G", "8K", "99999999999T", ""] {
            assert!(parse_size(wrong).unwrap_err().contains("500M or 8G"), "{wrong}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_of_the_machine_and_of_the_process_is_known() {
        let (limit, used) = (default_limit().unwrap(), used().unwrap());
        assert!(used > 1 << 20 && used < limit, "{used} of {limit}");
    }
}
