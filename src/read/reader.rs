//! What every format implements.

use std::io;

use super::emit::Emit;
use super::text::Text;

/// Reads the questions in files of one format.
///
/// A reader depends on the format only, never on a particular file or site.
pub trait Reader: Sync {
    /// The name of the format in messages, such as `Markdown`.
    fn name(&self) -> &'static str;

    /// How likely a file is of this format, from 0 (it is not) to 100 (it is). `extension` is in lower case, without a
    /// dot, and may be empty; `head` is the beginning of the text.
    fn fit(&self, extension: &str, head: &str) -> u8;

    /// Passes each question to `emit`, in the order of the file where the format allows it, and each record that cannot
    /// be read as a [`BadRecord`](super::BadRecord). Stops if `emit` returns `Break`.
    ///
    /// A reader of records needs memory for the largest record only, not for the file.
    ///
    /// # Errors
    /// The rest of the file cannot be read. The questions passed before are valid.
    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()>;
}
