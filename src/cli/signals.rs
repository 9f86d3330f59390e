//! Ends a run when the system asks for it (Ctrl-C, SIGTERM, SIGHUP), and before it needs more
//! memory than it may.
//!
//! A signal only sets a flag. A thread reads the flag, and the use of memory, several times a
//! second. A command that writes to a store gets time to stop and clean up. The others have nothing
//! to clean up but temporary files, and end at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signal_hook::{consts, flag};

use super::exit::ExitStatus;
use super::{log, memory};
use crate::interrupt;

/// The time between two readings of the flag and the memory.
const INTERVAL: Duration = Duration::from_millis(30);

/// The time that a command has to stop and clean up. What is left then is deleted by the next
/// command that writes to the store.
const GRACE: Duration = Duration::from_secs(20);

/// A signal that ends a run.
#[derive(Clone, Copy)]
struct StopSignal {
    number: i32,
    name: &'static str,
    status: ExitStatus,
}

const STOP_SIGNALS: &[StopSignal] = &[
    StopSignal { number: consts::SIGINT, name: "Ctrl-C", status: ExitStatus::Interrupted },
    StopSignal { number: consts::SIGTERM, name: "SIGTERM", status: ExitStatus::Terminated },
    #[cfg(unix)]
    StopSignal { number: consts::SIGHUP, name: "SIGHUP", status: ExitStatus::HungUp },
];

/// Locked by the thread that writes the last message and ends the process.
static ENDING: Mutex<()> = Mutex::new(());

/// The exit status of a run that is being stopped, plus one; 0 while no run is.
static STOPPED: AtomicUsize = AtomicUsize::new(0);

/// Watches for signals and memory until the process ends. `is_writer` is true for commands that
/// write to a store, which clean up themselves.
pub(super) fn watch(is_writer: bool, memory_limit: Option<u64>) {
    let received = Arc::new(AtomicUsize::new(usize::MAX));
    let is_second = Arc::new(AtomicBool::new(false));
    for (index, signal) in STOP_SIGNALS.iter().enumerate().filter(|(_, it)| !is_ignored(it.number))
    {
        // A second signal ends the process at once. Without a handler, the first one does.
        let _ = flag::register_conditional_shutdown(
            signal.number,
            signal.status as i32,
            Arc::clone(&is_second),
        );
        let _ = flag::register_usize(signal.number, Arc::clone(&received), index);
        let _ = flag::register(signal.number, Arc::clone(&is_second));
    }
    // With a handler, writing beyond the largest size of a file is an error and not the end.
    #[cfg(unix)]
    let _ = flag::register(consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    let limit = memory_limit.or_else(memory::default_limit).filter(|_| !is_writer);
    let look = move || {
        loop {
            std::thread::sleep(INTERVAL);
            let index = received.load(Ordering::SeqCst);
            if let Some(signal) = STOP_SIGNALS.get(index) {
                stop(index, signal, is_writer);
            }
            if let Some(limit) = limit
                && memory::used().is_some_and(|used| used > limit)
            {
                end(ExitStatus::Failed, &memory::exceeded_message(limit));
            }
        }
    };
    // Without the thread, a second signal still ends the process.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(look);
}

/// Returns the exit status for a command that has ended, and writes the last message. If the run is
/// being stopped, that decides.
pub(super) fn finish(status: ExitStatus) -> ExitStatus {
    let guard = lock_ending();
    let status = stopped_status().unwrap_or(status);
    log::exit_message(status as u8);
    // Nobody else may end the process from here on.
    std::mem::forget(guard);
    status
}

/// Returns true if the run is being stopped, so that its errors are not worth a message.
pub(super) fn is_stopping() -> bool {
    stopped_status().is_some()
}

fn stopped_status() -> Option<ExitStatus> {
    let index = STOPPED.load(Ordering::SeqCst).checked_sub(1)?;
    STOP_SIGNALS.get(index).map(|signal| signal.status)
}

fn lock_ending() -> MutexGuard<'static, ()> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops the run for the signal at `index` of [`STOP_SIGNALS`].
fn stop(index: usize, signal: &StopSignal, is_writer: bool) -> ! {
    let name = signal.name;
    if !is_writer {
        end(signal.status, &format!("stopped by {name}; no result was written"));
    }
    {
        let _guard = lock_ending();
        STOPPED.store(index + 1, Ordering::SeqCst);
        interrupt::request();
        log::error(&format!(
            "stopped by {name}; the store contains all or nothing of this run: run the command \
             again to complete it"
        ));
    }
    std::thread::sleep(GRACE);
    end(signal.status, "the run did not stop in time; the next one deletes its files")
}

/// Deletes temporary files, writes the last messages, and ends the process.
fn end(status: ExitStatus, message: &str) -> ! {
    let _guard = lock_ending();
    interrupt::request();
    log::error(message);
    interrupt::delete_temporary_files();
    log::exit_message(status as u8);
    std::process::exit(status as i32)
}

/// Returns true if the program was started to ignore a signal, as `nohup` does.
#[cfg(target_os = "linux")]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// Returns true for SIGHUP: other systems have no file with the answer, and `nohup` must work.
#[cfg(all(unix, not(target_os = "linux")))]
fn is_ignored(signal: i32) -> bool {
    signal == consts::SIGHUP
}

#[cfg(not(unix))]
fn is_ignored(_: i32) -> bool {
    false
}
