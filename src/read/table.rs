//! The table layout.

use std::io;

use super::{Emit, Reader, Text};

/// Reads table files.
pub struct Table;

impl Reader for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn fit(&self, _extension: &str, _head: &str) -> u8 {
        0
    }

    fn read(&self, _text: &mut Text, _emit: &mut Emit<'_>) -> io::Result<()> {
        Ok(())
    }
}
