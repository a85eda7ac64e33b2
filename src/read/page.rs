//! The page dump layout.

use std::io;

use super::{Emit, Reader, Text};

/// Reads page dump files.
pub struct Page;

impl Reader for Page {
    fn name(&self) -> &'static str {
        "page dump"
    }

    fn fit(&self, _extension: &str, _head: &str) -> u8 {
        0
    }

    fn read(&self, _text: &mut Text, _emit: &mut Emit<'_>) -> io::Result<()> {
        Ok(())
    }
}
