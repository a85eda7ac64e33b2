//! The stackexchange layout.

use std::io;

use super::{Emit, Reader, Text};

/// Reads stackexchange files.
pub struct StackExchange;

impl Reader for StackExchange {
    fn name(&self) -> &'static str {
        "stackexchange"
    }

    fn fit(&self, _extension: &str, _head: &str) -> u8 {
        0
    }

    fn read(&self, _text: &mut Text, _emit: &mut Emit<'_>) -> io::Result<()> {
        Ok(())
    }
}
