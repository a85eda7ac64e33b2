//! Paths as text in the index.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::cluster_address::is_cluster_address;

/// The path that means standard input.
pub const STDIN: &str = "-";

/// The [path](crate::question::Source::path) of the source of questions that programs write into an index. Their line is 0.
pub const WRITTEN: &str = "api:";

/// Marks a byte that is not UTF-8 (`\u{fffd}ff` is the byte 0xff), and itself if it is part of a name
/// (`\u{fffd}\u{fffd}`). So different paths have different texts, and a text gives back its path.
#[cfg(unix)]
const MARK: char = '\u{fffd}';

/// A path as stored in the index: relative if it is below the base, with `/` as separator.
pub fn stored_path(path: &Path, base: &Path) -> String {
    let path = path.strip_prefix(base).unwrap_or(path);
    match text(path) {
        text if text.is_empty() => ".".to_owned(),
        // A file of this name, not the source of written questions.
        text if text == WRITTEN => format!("./{text}"),
        text if cfg!(windows) => text.replace('\\', "/"),
        text => text,
    }
}

#[cfg(unix)]
fn text(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;

    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            text.extend(std::iter::repeat_n(c, if c == MARK { 2 } else { 1 }));
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("{MARK}{byte:02x}")));
    }
    text
}

#[cfg(not(unix))]
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The path of a text that [`stored_path`] returned. It is relative to the base if the text is.
#[cfg(unix)]
pub fn path_of(stored: &str) -> PathBuf {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let mut bytes = Vec::with_capacity(stored.len());
    let mut rest = stored;
    while let Some((before, after)) = rest.split_once(MARK) {
        bytes.extend(before.bytes());
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match byte {
            Some(byte) => {
                bytes.push(byte);
                &after[2..]
            }
            None => {
                bytes.extend(MARK.to_string().bytes());
                after.strip_prefix(MARK).unwrap_or(after)
            }
        };
    }
    bytes.extend(rest.bytes());
    PathBuf::from(OsString::from_vec(bytes))
}

/// The path of a text that [`stored_path`] returned. It is relative to the base if the text is.
#[cfg(not(unix))]
pub fn path_of(stored: &str) -> PathBuf {
    PathBuf::from(stored)
}

/// The directory that paths in the index are relative to: the parent of the index directory, or the current directory
/// for an index in a cluster.
pub fn base_of(dir: &Path) -> anyhow::Result<PathBuf> {
    if is_cluster_address(dir) {
        let here = std::env::current_dir().context("cannot determine the current directory")?;
        return Ok(here.canonicalize().unwrap_or(here));
    }
    let dir = std::path::absolute(dir).with_context(|| format!("could not find {}", dir.display()))?;
    let parent = dir.parent().unwrap_or(&dir);
    Ok(parent.canonicalize().unwrap_or_else(|_| parent.to_owned()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn different_paths_have_different_texts_and_are_given_back() {
        let names: [&[u8]; 7] = [
            b"a.md",
            b"a\xff.md",
            b"a\xfe.md",
            "a\u{fffd}.md".as_bytes(),
            "a\u{fffd}ff.md".as_bytes(),
            b"\xff\xfe",
            "ä/日本.md".as_bytes(),
        ];
        let texts: Vec<String> = names
            .iter()
            .map(|name| stored_path(Path::new(OsStr::from_bytes(name)), Path::new("/base")))
            .collect();
        for (at, (name, text)) in names.iter().zip(&texts).enumerate() {
            assert_eq!(path_of(text).as_os_str().as_bytes(), *name, "{text}");
            assert!(!texts[..at].contains(text), "{text}");
        }
        assert_eq!(texts[0], "a.md");
        assert_eq!(texts[1], "a\u{fffd}ff.md");
        assert_eq!(texts[6], "ä/日本.md");
    }

    #[test]
    fn paths_below_the_base_are_relative() {
        let stored = |path: &str| stored_path(Path::new(path), Path::new("/base"));
        assert_eq!(stored("/base/a/b.md"), "a/b.md");
        assert_eq!(stored("/other/b.md"), "/other/b.md");
        assert_eq!(stored("/base"), ".");
        assert_eq!(stored("/base/api:"), "./api:");
    }
}
