//! Panics → error messages.
//!
//! A panic is a bug, or a damaged index: tantivy panics on some damage. Either way the user gets a message
//! that says what to do, and the exit status of an error.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use super::outcome::Outcome;
use crate::hint::hinted;

/// The first panic of the process: its message and place. Later ones are consequences.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Runs a command. If it panics, returns an error instead of printing the panic.
pub fn caught(run: impl FnOnce() -> anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
    panic::set_hook(Box::new(|info| {
        FIRST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| info.to_string());
    }));
    // The process ends after this, so nothing can see a value that a panic left half-changed.
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    let first = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
    result.unwrap_or_else(|_| {
        let panic = first.as_deref().unwrap_or("unknown").replace('\n', " ");
        let hint = "`rqsearch check` verifies the files of the index; if they are sound, this is a bug: please \
                    report it with the output of `rqsearch doctor`";
        Err(hinted(format!("internal error: {panic}"), hint).into())
    })
}
