//! Atom feeds (RFC 4287).

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// A feed.
pub struct Feed<'a> {
    /// Its own address, which is also its id.
    pub address: &'a str,
    /// The title.
    pub title: &'a str,
    /// The address of the page that it is about.
    pub page: &'a str,
    /// The entries, the latest first.
    pub entries: &'a [Entry],
}

/// An entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// An address or another IRI that stays the same.
    pub id: String,
    /// The title, as text.
    pub title: String,
    /// The address of the page that it is about.
    pub page: String,
    /// The time in RFC 3339.
    pub time: String,
    /// What it says, as text.
    pub summary: String,
    /// The tags.
    pub categories: Vec<String>,
}

/// The time of a feed without entries, which must have one.
const NEVER: &str = "1970-01-01T00:00:00Z";

/// Writes a feed as XML.
///
/// # Errors
/// The stream cannot be written.
pub fn write_feed(out: &mut impl io::Write, feed: &Feed<'_>) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 1);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let root = xml.create_element("feed").with_attribute(("xmlns", "http://www.w3.org/2005/Atom"));
    root.write_inner_content(|xml| {
        text(xml, "id", feed.address)?;
        text(xml, "title", feed.title)?;
        text(xml, "updated", feed.entries.first().map_or(NEVER, |latest| &latest.time))?;
        link(xml, "self", feed.address)?;
        link(xml, "alternate", feed.page)?;
        let generator = xml.create_element("generator");
        generator
            .with_attribute(("version", env!("CARGO_PKG_VERSION")))
            .write_text_content(BytesText::new("rqsearch"))?;
        xml.create_element("author").write_inner_content(|xml| text(xml, "name", "rqsearch"))?;
        feed.entries.iter().try_for_each(|entry| write_entry(xml, entry))
    })?;
    writeln!(xml.into_inner())
}

fn write_entry<W: io::Write>(xml: &mut Writer<W>, entry: &Entry) -> io::Result<()> {
    xml.create_element("entry").write_inner_content(|xml| {
        text(xml, "id", &entry.id)?;
        text(xml, "title", &entry.title)?;
        text(xml, "published", &entry.time)?;
        text(xml, "updated", &entry.time)?;
        link(xml, "alternate", &entry.page)?;
        for category in &entry.categories {
            xml.create_element("category")
                .with_attribute(("term", allowed(category).as_str()))
                .write_empty()?;
        }
        text(xml, "summary", &entry.summary)
    })?;
    Ok(())
}

fn text<W: io::Write>(xml: &mut Writer<W>, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&allowed(text)))?;
    Ok(())
}

fn link<W: io::Write>(xml: &mut Writer<W>, relation: &str, address: &str) -> io::Result<()> {
    let address = allowed(address);
    let link = xml.create_element("link");
    link.with_attributes([("rel", relation), ("href", address.as_str())]).write_empty()?;
    Ok(())
}

/// A text without the characters that XML does not allow.
fn allowed(text: &str) -> String {
    let is_allowed = |c: &char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => *c >= ' ',
    };
    text.chars().filter(is_allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text_and_what_xml_forbids_is_left_out() {
        let entry = Entry {
            id: "http://a/questions/1".into(),
            title: "Is <b> & \"c\" \u{1b}bold?".into(),
            page: "http://a/?q=x&open=1".into(),
            time: "2024-03-01T00:00:00Z".into(),
            summary: "]]> </summary>".into(),
            categories: vec!["\"><x>".into()],
        };
        let feed = Feed { address: "http://a/feed.atom", title: "New", page: "http://a/", entries: &[entry] };
        let mut xml = Vec::new();
        write_feed(&mut xml, &feed).unwrap();
        let xml = String::from_utf8(xml).unwrap();
        let mut reader = quick_xml::Reader::from_str(&xml);
        let mut names = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) | Event::Empty(tag) => names.push(tag.name().as_ref().to_owned()),
                Event::Eof => break,
                _ => {}
            }
        }
        let expected = "feed id title updated link link generator author name entry id title published updated link category summary";
        assert_eq!(names.join(" "), expected, "{xml}");
        assert!(xml.contains("Is &lt;b&gt; &amp; &quot;c&quot; bold?"), "{xml}");
        assert!(xml.contains("href=\"http://a/?q=x&amp;open=1\""), "{xml}");
    }
}
