//! The html layout.

use std::io;

use super::{Emit, Reader, Text};

/// Reads html files.
pub struct Html;

impl Reader for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn fit(&self, _extension: &str, _head: &str) -> u8 {
        0
    }

    fn read(&self, _text: &mut Text, _emit: &mut Emit<'_>) -> io::Result<()> {
        Ok(())
    }
}
