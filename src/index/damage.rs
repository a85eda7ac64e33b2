//! Panics of tantivy on damaged files → errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::bail;
use tantivy::TantivyError;

/// Runs a function that reads index files. Tantivy checks the footers of the files, but it panics on some
/// damage inside them. Such a panic is returned as an error.
pub fn caught<T>(read: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<T> {
    // What the function borrows is only read, and the result of a panicking one is dropped.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        Err(TantivyError::InternalError(format!("a file has invalid content ({})", message(&*panic))))
    })
}

/// Runs a function that reads the index in a directory, such as a search. If the function panics, this
/// returns an error that names the directory and the command that verifies it. Tantivy panics on some damaged
/// files, and opening an index does not read every byte.
///
/// # Errors
/// The function fails or panics.
pub fn guarded<T>(dir: &Path, read: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    // What the function borrows is only read, and the result of a panicking one is dropped.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        bail!(
            "reading the index in {0} failed unexpectedly ({1})\n  \
             hint: `rqsearch check --index {0}` verifies its files; if they are sound, this is a bug",
            dir.display(),
            message(&*panic)
        )
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
        let error = caught(|| -> tantivy::Result<()> { panic!("range end index {}", 5) }).unwrap_err();
        assert!(error.to_string().contains("range end index 5"), "{error}");
    }
}
