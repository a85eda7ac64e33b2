//! Panics of tantivy on damaged files → errors.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::bail;
use tantivy::TantivyError;

use crate::hint::hinted;

thread_local! {
    /// How many functions run on this thread whose panics become errors.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
}

/// Whether a panic of this thread becomes an error of [`guarded`] or of opening an index. A program that reports
/// panics with a hook of its own can leave these to that error.
pub(crate) fn is_panic_caught() -> bool {
    CATCHING.get() > 0
}

/// Runs a function on another thread for one whose panics become errors, if they do. The panic must be passed on.
pub(crate) fn panics_caught<T>(are_caught: bool, run: impl FnOnce() -> T) -> T {
    let _catching = are_caught.then(Catching::new);
    run()
}

/// Counts a function whose panics become errors, until it is dropped.
struct Catching;

impl Catching {
    fn new() -> Self {
        CATCHING.set(CATCHING.get() + 1);
        Self
    }
}

impl Drop for Catching {
    fn drop(&mut self) {
        CATCHING.set(CATCHING.get() - 1);
    }
}

/// Runs a function, and returns the message of its panic as an error. What the function borrows must only be
/// read.
fn catch<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let _catching = Catching::new();
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| message(&*panic).to_owned())
}

/// Runs a function that reads index files. Tantivy checks the footers of the files, but it panics on some
/// damage inside them. Such a panic is returned as an error.
pub fn caught<T>(read: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<T> {
    catch(read).unwrap_or_else(|panic| {
        Err(TantivyError::InternalError(format!("a file has invalid content ({panic})")))
    })
}

/// Runs a function that reads the index in a directory, such as a search. If the function panics, this
/// returns an error that names the directory and the command that verifies it. Tantivy panics on some damaged
/// files, and opening an index does not read every byte.
///
/// # Errors
/// The function fails or panics.
pub fn guarded<T>(dir: &Path, read: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    catch(read).unwrap_or_else(|panic| {
        bail!(hinted(
            format!("reading the index in {0} failed unexpectedly ({panic})", dir.display()),
            format!(
                "`rqsearch check --index {}` verifies its files; if they are sound, this is a bug",
                dir.display()
            )
        ))
    })
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unknown panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(caught(|| Ok(7)).unwrap(), 7);
        assert!(caught(|| Ok(is_panic_caught())).unwrap() && !is_panic_caught());
        let error = caught(|| -> tantivy::Result<()> { panic!("range end index {}", 5) }).unwrap_err();
        assert!(error.to_string().contains("range end index 5"), "{error}");
        assert!(!is_panic_caught());
    }
}
