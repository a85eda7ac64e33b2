//! Panics of tantivy on damaged files → errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tantivy::TantivyError;

/// Runs a function that reads index files. Tantivy checks the footers of the files, but it panics on some
/// damage inside them. Such a panic is returned as an error.
pub fn caught<T>(read: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<T> {
    // What the function borrows is only read, and the result of a panicking one is dropped.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unknown panic");
        Err(TantivyError::InternalError(format!("a file has invalid content ({text})")))
    })
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
