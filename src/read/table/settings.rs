//! Files that may be settings: YAML and TOML.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::record::is_question;
use crate::read::emit::invalid;
use crate::read::keys::{is_sure_title, normalized};
use crate::read::text::Text;

/// The largest file that is read into memory as a whole, in bytes.
const LARGEST_TEXT: u64 = 64 << 20;

/// The whole text, and its lines that are not UTF-8.
pub fn whole(text: &mut Text, format: &str) -> io::Result<(String, VecDeque<u64>)> {
    let mut content = String::new();
    (&mut *text).take(LARGEST_TEXT + 1).read_to_string(&mut content)?;
    if content.len() as u64 > LARGEST_TEXT {
        return Err(invalid(format!("a {format} file of more than {} MiB", LARGEST_TEXT >> 20)));
    }
    Ok((content, std::iter::from_fn(|| text.take_unreadable()).collect()))
}

/// Whether most files with this extension are settings, so that an empty one is not worth a message.
pub fn is_settings(extension: &str) -> bool {
    matches!(extension, "yml" | "yaml" | "toml")
}

/// Whether the key on a line of settings belongs to a question.
pub fn asks(line: &str, separator: char) -> bool {
    let line = line.trim_start().trim_start_matches("- ");
    line.split_once(separator).is_some_and(|(key, _)| is_sure_title(&normalized(key)) || is_question(key))
}
