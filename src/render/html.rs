//! Text in web pages.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// Writes a page with the version of this program, and with data in place of a placeholder behind it.
pub fn write_around(
    out: &mut impl Write,
    page: &str,
    placeholder: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let (head, rest) = page.split_once("VERSION").expect("the page has a placeholder for the version");
    let (middle, end) = rest.split_once(placeholder).expect("the page has a placeholder for its data");
    write!(out, "{head}{}{middle}", env!("CARGO_PKG_VERSION"))?;
    write(out)?;
    out.write_all(end.as_bytes())
}

/// Text as HTML.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Control characters are not allowed in HTML.
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
