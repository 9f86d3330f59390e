//! Runs work of the library on a thread of its own, while Python handles signals and progress.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pbi_analyze::Progress;
use pbi_analyze::internals::interrupt;
use pyo3::prelude::*;

use crate::errors::{InternalError, internal, to_exception};

/// The time between two checks for signals, and between two reports of progress.
const INTERVAL: Duration = Duration::from_millis(100);

/// The stack of the thread, as in the command line: enough for all statements that are accepted.
const STACK_BYTES: usize = 256 << 20;

/// The end of work that Ctrl-C stops.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnInterrupt {
    /// The work ends at its next step and deletes its files, and this is awaited.
    Stop,
    /// The work only reads. It is abandoned, and ends later without effect.
    Abandon,
}

/// The progress of an ingest, written by its threads and read by the thread of Python.
#[derive(Default)]
pub(crate) struct JobProgress {
    stage: Mutex<&'static str>,
    done_bytes: AtomicU64,
    all_bytes: AtomicU64,
}

impl Progress for JobProgress {
    fn start(&self, _files: usize, bytes: u64) {
        self.all_bytes.store(bytes, Ordering::Relaxed);
        self.stage("reading");
    }

    fn advance(&self, bytes: u64) {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn stage(&self, name: &'static str) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }
}

impl JobProgress {
    fn read(&self) -> (&'static str, u64, u64) {
        let stage = *self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let [done, all] =
            [&self.done_bytes, &self.all_bytes].map(|count| count.load(Ordering::Relaxed));
        (stage, done, all)
    }
}

/// The progress of a job, and the function of Python that gets it.
pub(crate) struct ProgressCallback<'py> {
    progress: Arc<JobProgress>,
    callback: Option<Bound<'py, PyAny>>,
    last: Option<(&'static str, u64, u64)>,
}

impl<'py> ProgressCallback<'py> {
    /// Creates the progress of a job. Without a function, nobody gets it.
    pub(crate) fn new(callback: Option<Bound<'py, PyAny>>) -> Self {
        ProgressCallback { progress: Arc::default(), callback, last: None }
    }

    /// Returns the progress to write.
    pub(crate) fn progress(&self) -> Arc<JobProgress> {
        Arc::clone(&self.progress)
    }

    fn call(&mut self) -> PyResult<()> {
        let Some(callback) = &self.callback else { return Ok(()) };
        let now = self.progress.read();
        if now.0.is_empty() || self.last == Some(now) {
            return Ok(());
        }
        self.last = Some(now);
        callback.call1(now).map(drop)
    }
}

/// Runs `work` on another thread. Meanwhile, other threads of Python run, signals are handled, and
/// the function of the progress is called.
///
/// # Errors
///
/// The error of the work, and the exception of a signal or of the function.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    on_interrupt: OnInterrupt,
    mut progress: ProgressCallback<'_>,
    work: impl FnOnce() -> pbi_analyze::Result<T> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new().name("pbi-analyze".to_owned());
    let thread = thread.stack_size(STACK_BYTES).spawn(move || {
        // Nobody receives the result of abandoned work.
        let _ = sender.send(work());
    });
    thread.map_err(internal)?;
    let mut receiver = receiver;
    loop {
        let outcome;
        (receiver, outcome) = py.detach(move || {
            let outcome = receive(&receiver);
            (receiver, outcome)
        });
        if let Some(result) = outcome? {
            let result = result.map_err(|error| to_exception(&error));
            if result.is_ok() {
                progress.call()?;
            }
            return result;
        }
        if let Err(exception) = py.check_signals().and_then(|()| progress.call()) {
            if on_interrupt == OnInterrupt::Stop {
                interrupt::request();
                let ended = py.detach(move || receiver.recv());
                interrupt::withdraw();
                drop(ended);
            }
            return Err(exception);
        }
    }
}

/// Returns the result, or `None` if there is none yet.
fn receive<T>(receiver: &Receiver<T>) -> PyResult<Option<T>> {
    match receiver.recv_timeout(INTERVAL) {
        Ok(result) => Ok(Some(result)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => {
            Err(InternalError::new_err("internal error: a thread failed (please report this)"))
        }
    }
}
