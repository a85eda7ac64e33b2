//! The markdown layout.

use std::io;

use super::{Emit, Reader, Text};

/// Reads markdown files.
pub struct Markdown;

impl Reader for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn fit(&self, _extension: &str, _head: &str) -> u8 {
        0
    }

    fn read(&self, _text: &mut Text, _emit: &mut Emit<'_>) -> io::Result<()> {
        Ok(())
    }
}
