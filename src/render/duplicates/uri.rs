//! Paths of the index as URIs.

use std::fmt::Write;

use crate::index::path_of;
use crate::read::is_url;

/// The URI reference of a path: relative for a path below the directory of the index, `file:` for any other path. The address
/// of a page is not changed.
pub fn uri(path: &str) -> String {
    if is_url(path) {
        return path.to_owned();
    }
    let file = path_of(path);
    let mut uri = String::from(if file.is_absolute() { "file://" } else { "" });
    // A path of Windows begins with the name of a drive.
    if file.is_absolute() && !path.starts_with('/') {
        uri.push('/');
    }
    for (nth, byte) in file.as_os_str().as_encoded_bytes().iter().enumerate() {
        // A colon in the first part of a relative reference would end a scheme, so it is encoded everywhere but in the name
        // of a drive.
        let is_drive = file.is_absolute() && nth == 1;
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b':' if is_drive => uri.push(':'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(*byte))
            }
            _ => write!(uri, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_are_not_encoded() {
        assert_eq!(uri("faq/orders.md"), "faq/orders.md");
        assert_eq!(uri("a b/100%: [x]#é.md"), "a%20b/100%25%3A%20%5Bx%5D%23%C3%A9.md");
        assert_eq!(uri("https://example.org/faq#a"), "https://example.org/faq#a");
        #[cfg(unix)]
        {
            assert_eq!(uri("/srv/f q.md"), "file:///srv/f%20q.md");
            assert_eq!(uri("a\u{fffd}ff.md"), "a%FF.md");
        }
    }
}
