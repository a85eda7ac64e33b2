//! Inline markup of any kind → inline Markdown, in one pass.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Stands for a line end within an item, a link, code or emphasis, which are written on one line.
pub const FOLDED: char = '\u{b}';

/// The lines of an item as one: its question may be longer than a line.
pub fn folded(lines: &str) -> String {
    lines.replace('\n', "\u{b}")
}

/// Longer links and other constructs are text, in bytes.
const LONGEST: usize = 2000;

/// An inline markup: what its signs mean.
pub trait Markup {
    /// Its marks. Of two that begin with the same sign, the longer one is first.
    const MARKS: &'static [Mark];

    /// Whether a mark may end before this character.
    fn may_end(after: Option<char>) -> bool {
        after.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    }

    /// Writes the link or other construct that a text begins with, and returns its length in the text. `before` is the
    /// character before it, `written` the Markdown before it.
    fn special(&self, text: &Rest<'_>, before: Option<char>, written: &mut String) -> Option<usize>;
}

/// The rest of a text, which is searched for the ends of constructs.
pub struct Rest<'t> {
    /// The rest.
    pub text: &'t str,
    /// Where it is.
    at: usize,
    whole: &'t str,
    /// For each end that was searched, the next one that was found. No place is looked at twice for one end.
    found: &'t RefCell<Vec<(&'static str, usize)>>,
}

impl<'t> Rest<'t> {
    /// The text from a place up to `end`, if that is not far away, and how long both are.
    pub fn until(&self, from: usize, end: &'static str) -> Option<(&'t str, usize)> {
        let start = self.at + from;
        let mut found = self.found.borrow_mut();
        let known = found.iter().position(|(known, _)| *known == end).unwrap_or_else(|| {
            found.push((end, 0));
            found.len() - 1
        });
        let next = &mut found[known].1;
        if *next < start || *next == 0 {
            *next = self.whole.get(start..)?.find(end).map_or(usize::MAX, |at| start + at);
        }
        (*next < start.saturating_add(LONGEST))
            .then(|| (&self.whole[start..*next], *next - start + end.len()))
    }
}

/// A pair of signs around text.
pub struct Mark {
    /// The sign on both sides.
    pub sign: &'static str,
    /// What it is in Markdown: a backtick for code, `\\` for text without further markup.
    pub markdown: &'static str,
    /// It may be in the middle of a word.
    pub anywhere: bool,
}

impl Mark {
    /// A mark around whole words.
    pub const fn new(sign: &'static str, markdown: &'static str) -> Self {
        Self { sign, markdown, anywhere: false }
    }
}

/// Whether a mark, a role or a macro may begin behind this character.
pub fn may_begin(before: Option<char>) -> bool {
    before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '\\' | '}' | ';'))
}

/// Converts inline markup to Markdown. A line end within a construct becomes [`FOLDED`].
pub fn to_markdown<M: Markup>(markup: &M, text: &str) -> String {
    let mut scan = Scan {
        markup,
        text,
        at: 0,
        before: None,
        written: String::with_capacity(text.len() + text.len() / 16),
        open: Vec::new(),
        ends: vec![0; M::MARKS.len()],
        found: RefCell::new(Vec::new()),
    };
    while scan.at < text.len() {
        if !scan.end_mark() && !scan.special() && !scan.begin_mark() {
            scan.push();
        }
    }
    scan.open.iter().rev().for_each(|(_, mark)| scan.written.push_str(mark.markdown));
    scan.written
}

/// A text that is being converted.
struct Scan<'t, M> {
    markup: &'t M,
    text: &'t str,
    at: usize,
    /// The character before.
    before: Option<char>,
    written: String,
    /// Open marks, with the place where each ends.
    open: Vec<(usize, &'static Mark)>,
    /// The next place where each mark may end. No place is looked at twice for one mark.
    ends: Vec<usize>,
    found: RefCell<Vec<(&'static str, usize)>>,
}

impl<M: Markup> Scan<'_, M> {
    /// Ends the innermost mark, if this is its end.
    fn end_mark(&mut self) -> bool {
        let Some((end, mark)) = self.open.pop_if(|(end, _)| *end <= self.at) else { return false };
        self.written.push_str(mark.markdown);
        if end == self.at {
            self.pass(mark.sign.len());
        }
        true
    }

    /// Goes on behind some bytes.
    fn pass(&mut self, bytes: usize) {
        self.before = self.text[self.at..self.at + bytes].chars().next_back();
        self.at += bytes;
    }

    /// Writes a link or another construct, if one is here.
    fn special(&mut self) -> bool {
        let (text, before, written) = (&self.text[self.at..], self.before, &mut self.written);
        let rest = Rest { text, at: self.at, whole: self.text, found: &self.found };
        let used = self
            .markup
            .special(&rest, before, written)
            .or_else(|| address(text, before, written))
            .unwrap_or(0);
        if used > 0 {
            self.pass(used);
        }
        used > 0
    }

    /// Begins a mark, or writes all of one that has no markup in it, if one is here.
    fn begin_mark(&mut self) -> bool {
        let limit = self.open.last().map_or(self.text.len(), |(end, _)| *end);
        let Some((mark, end)) = self.mark().filter(|(_, end)| *end < limit) else { return false };
        let inner = &self.text[self.at + mark.sign.len()..end];
        match mark.markdown {
            "`" => self.written.push_str(&code(inner)),
            "\\" => push_text(inner, &mut self.written),
            markdown => {
                self.written.push_str(markdown);
                self.open.push((end, mark));
                self.pass(mark.sign.len());
                return true;
            }
        }
        self.at = end;
        self.pass(mark.sign.len());
        true
    }

    /// The mark that begins here, and where it ends.
    fn mark(&mut self) -> Option<(&'static Mark, usize)> {
        let (text, at) = (self.text, self.at);
        M::MARKS.iter().zip(&mut self.ends).find_map(|(mark, end)| {
            let inner = text[at..].strip_prefix(mark.sign)?;
            let fits = mark.anywhere || may_begin(self.before);
            let first = inner.chars().next().filter(|c| fits && !c.is_whitespace())?;
            let from = at + mark.sign.len() + first.len_utf8();
            if *end < from {
                let may_end = |place: &usize| {
                    let after = text[place + mark.sign.len()..].chars().next();
                    let inside = text[..*place].chars().next_back();
                    inside.is_some_and(|c| !c.is_whitespace()) && (mark.anywhere || M::may_end(after))
                };
                let mut places = text[from..].match_indices(mark.sign).map(|(place, _)| from + place);
                *end = places.find(may_end).unwrap_or(usize::MAX);
            }
            (*end < text.len()).then_some((mark, *end))
        })
    }

    /// Writes a character.
    fn push(&mut self) {
        let mut rest = self.text[self.at..].chars();
        let Some(c) = rest.next() else { return };
        if c == '\n' && !self.open.is_empty() {
            self.written.push(FOLDED);
        } else {
            push(c, self.before, rest.as_str(), &mut self.written);
        }
        self.pass(c.len_utf8());
    }
}

/// An address of the web, which may have signs that are marks elsewhere.
fn address(rest: &str, before: Option<char>, written: &mut String) -> Option<usize> {
    let inner = rest.strip_prefix('<').unwrap_or(rest);
    let is_address = ["http://", "https://", "mailto:"].iter().any(|scheme| inner.starts_with(scheme));
    if !is_address || !may_begin(before) {
        return None;
    }
    let end = inner
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '|' | '`' | ']' | '['))
        .unwrap_or(inner.len());
    let closed = inner.len() < rest.len() && inner[end..].starts_with('>');
    // The signs at the end are more likely those of the sentence.
    let end = if closed {
        end
    } else {
        inner[..end]
            .trim_end_matches(['.', ',', ':', ';', ')', '*', '_', '?', '!', '\'', '+', '=', '~'])
            .len()
    };
    if closed {
        written.push_str(&rest[..end + 2]);
        return Some(end + 2);
    }
    let end = if inner.len() < rest.len() { end + 1 } else { end };
    written.push_str(&rest[..end]);
    Some(end)
}

/// Writes a character of text, escaped where Markdown would take it for markup.
fn push(c: char, before: Option<char>, after: &str, written: &mut String) {
    let next = after.chars().next();
    let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match c {
        '*' if is_space(before) && is_space(next) => written.push(c),
        '_' if is_space(before) && is_space(next) || is_word(before) && is_word(next) => written.push(c),
        '*' | '_' | '`' => written.extend(['\\', c]),
        '\\' if next.is_some_and(|c| c.is_ascii_punctuation()) => written.push_str("\\\\"),
        '<' if next.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!')) => {
            written.push_str("&lt;")
        }
        '&' if is_entity(after) => written.push_str("&amp;"),
        _ => written.push(c),
    }
}

/// Writes text without markup.
pub fn push_text(text: &str, written: &mut String) {
    let mut before = None;
    for (at, c) in text.char_indices() {
        push(if c == '\n' { FOLDED } else { c }, before, &text[at + c.len_utf8()..], written);
        before = Some(c);
    }
}

/// Whether `&` begins an entity (`&amp;`) before this text.
fn is_entity(after: &str) -> bool {
    let end = after.bytes().take(32).position(|byte| !byte.is_ascii_alphanumeric() && byte != b'#');
    end.is_some_and(|end| end > 0 && after.as_bytes()[end] == b';')
}

/// Inline code in Markdown.
pub fn code(code: &str) -> String {
    let code = folded(code.trim());
    match code.as_str() {
        "" => code,
        code if code.contains('`') => format!("`` {code} ``"),
        code => format!("`{code}`"),
    }
}

/// A link in Markdown; `text` is Markdown.
pub fn link(text: &str, target: &str) -> String {
    let text = folded(text.trim());
    let target: String = target.split_whitespace().collect();
    match (text.is_empty(), target.is_empty()) {
        (_, true) => text,
        (true, _) if target.contains("://") => format!("<{target}>"),
        (true, _) => target,
        _ if target.contains(['(', ')']) => format!("[{text}](<{target}>)"),
        _ => format!("[{text}]({target})"),
    }
}

/// Texts that names stand for. All that is put in for them is at most a few times as long as the document.
#[derive(Default)]
pub struct Substitutions {
    texts: HashMap<String, String>,
    left: Cell<usize>,
}

impl Substitutions {
    /// For a document of this length.
    pub fn new(document: usize) -> Self {
        Self { texts: HashMap::new(), left: Cell::new(4 * document + (1 << 20)) }
    }

    /// Gives a name, whose case and white space do not matter, a text.
    pub fn insert(&mut self, name: &str, text: impl Into<String>) {
        self.texts.insert(normalized(name), text.into());
    }

    /// The text of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let text = self.texts.get(&normalized(name))?;
        self.left.set(self.left.get().checked_sub(text.len())?);
        Some(text)
    }
}

fn normalized(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The link to a heading, as in Markdown.
pub fn anchor(heading: &str) -> String {
    let sign = |c: char| {
        if c == ' ' { Some('-') } else { Some(c).filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) }
    };
    format!("#{}", heading.trim().to_lowercase().chars().filter_map(sign).collect::<String>())
}
