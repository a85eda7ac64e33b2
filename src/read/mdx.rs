//! What MDX, Docusaurus and MkDocs add to Markdown: components, imports and admonitions. Their marks go, their text
//! stays.

use std::ops::Range;

/// A piece of a line; places are those in the line.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// A fold begins.
    FoldStart,
    /// Its title.
    Summary(Range<usize>),
    /// A fold ends.
    FoldEnd,
    /// Text that is read as Markdown.
    Text(Range<usize>),
}

/// Components that fold their content away below a title.
const FOLDS: &str = "Accordion AccordionItem Collapse Collapsible CollapsibleSection Details Disclosure \
    Expandable Expander FAQ FAQItem Toggle";

/// Attributes that hold the title of a component.
const TITLES: [&str; 6] = [" label=", " title=", " summary=", " question=", " header=", " heading="];

/// More tags that end behind one text are not looked at.
const MOST_ENDS: usize = 8;

/// What is open at a line.
#[derive(Default)]
pub struct Mdx {
    /// Inside `import` or `export`.
    module: bool,
    /// Inside a tag over several lines: whether it is a fold.
    tag: Option<bool>,
    open: Vec<Open>,
    /// The white space in front of the line, in bytes.
    margin: usize,
}

/// A component or an admonition.
struct Open {
    is_fold: bool,
    /// The white space in front of its first line of content, in bytes.
    indent: Option<usize>,
    /// It ends before the next line that is indented no further than this.
    margin: Option<usize>,
}

impl Open {
    fn component(is_fold: bool) -> Self {
        Self { is_fold, indent: None, margin: None }
    }
}

impl Mdx {
    /// A blank line ends imports, and tags whose end was forgotten.
    pub fn blank(&mut self) {
        (self.module, self.tag) = (false, None);
    }

    /// Closes what ends before a line because the line is indented less. Returns the number of folds among it.
    pub fn close_before(&mut self, line: &str) -> usize {
        self.margin = line.len() - line.trim_start().len();
        if self.margin == line.len() {
            return 0;
        }
        let mut folds = 0;
        while let Some(open) =
            self.open.pop_if(|open| open.margin.is_some_and(|margin| self.margin <= margin))
        {
            folds += usize::from(open.is_fold);
        }
        folds
    }

    /// How much of the white space in front of a line is there because it is inside of a component, in bytes.
    pub fn indent(&mut self, line: &str) -> usize {
        let own = line.len() - line.trim_start().len();
        let inner = self.open.last_mut().filter(|_| own < line.len());
        inner.map_or(0, |open| (*open.indent.get_or_insert(own)).min(own))
    }

    /// The pieces of a line that is not blank. `None` if all of it is Markdown.
    pub fn pieces(&mut self, line: &str) -> Option<Vec<Piece>> {
        let start = line.len() - line.trim_start().len();
        let end = line.trim_end().len();
        self.module |= start == 0 && is_module(line);
        if self.module {
            return Some(Vec::new());
        }
        let mut pieces = Vec::new();
        let mut at = start;
        if let Some(is_fold) = self.tag {
            let tag = 0..tag_end(&line[..end]).unwrap_or(end);
            pieces.extend(title(line, tag.clone(), is_fold));
            if !line[tag.clone()].ends_with('>') {
                return Some(pieces);
            }
            self.tag = None;
            if let Some(open) = self.open.last_mut() {
                open.indent = None;
            }
            self.close(line[tag.clone()].ends_with("/>"), &mut pieces);
            at = tag.end;
        } else if line[start..end].starts_with(":::") {
            self.admonition(line, start..end, &mut pieces);
            return Some(pieces);
        } else if let Some(rest) = indented_admonition(&line[start..end]) {
            self.indented_admonition(line, rest, end, &mut pieces);
            return Some(pieces);
        }
        // Deeper than this, it is code.
        if at == start && start >= 4 && self.open.is_empty() {
            return None;
        }
        let from = self.tags(line, at..end, &mut pieces);
        let (text, ends) = self.ends(line, from..end);
        if from == start && ends == 0 {
            return None;
        }
        pieces.extend(Some(Piece::Text(text.clone())).filter(|_| !text.is_empty()));
        (0..ends).for_each(|_| self.close(true, &mut pieces));
        Some(pieces)
    }

    /// Takes the tags at the beginning of a text, and returns where they end.
    fn tags(&mut self, line: &str, text: Range<usize>, pieces: &mut Vec<Piece>) -> usize {
        let Range { start: mut at, end } = text;
        loop {
            at = end - line[at..end].trim_start().len();
            let Some(name) = component(&line[at..end]) else { return at };
            let is_end = line[at..].starts_with("</");
            let tag = tag_end(&line[at..end]).map_or(at..end, |end| at..at + end);
            let is_whole = line[tag.clone()].ends_with('>');
            if !is_end {
                let is_fold = FOLDS.split(' ').any(|fold| fold == name);
                self.open.push(Open::component(is_fold));
                pieces.extend(is_fold.then_some(Piece::FoldStart));
                pieces.extend(title(line, tag.clone(), is_fold));
                self.tag = Some(is_fold).filter(|_| !is_whole);
            }
            self.close(is_end || is_whole && line[tag.clone()].ends_with("/>"), pieces);
            at = tag.end;
        }
    }

    /// A text without the tags at its end that close something, and how many there are.
    fn ends(&self, line: &str, mut text: Range<usize>) -> (Range<usize>, usize) {
        let mut ends = 0;
        while ends < self.open.len().min(MOST_ENDS)
            && let Some(tag) = line[text.clone()].rfind("</").map(|tag| text.start + tag)
            && let Some(name) =
                component(&line[tag..text.end]).filter(|name| text.end == tag + name.len() + 3)
            && !line[text.start..tag].contains(&format!("<{name}"))
        {
            ends += 1;
            text.end = text.start + line[text.start..tag].trim_end().len();
        }
        (text, ends)
    }

    /// `:::note Title`, `:::note[Title]`, `:::`.
    fn admonition(&mut self, line: &str, range: Range<usize>, pieces: &mut Vec<Piece>) {
        let rest = line[range.clone()].trim_start_matches(':').trim_start();
        if rest.is_empty() {
            return self.close(true, pieces);
        }
        let name = rest.find([' ', '[', '{']).map_or(rest, |end| &rest[..end]);
        let title = rest[name.len()..].split('{').next().unwrap_or_default().trim_end_matches([' ', ']']);
        let end = range.end - (rest.len() - name.len() - title.len());
        let title = end - title.trim_start_matches([' ', '[']).len()..end;
        let is_fold = name == "details";
        self.open.push(Open::component(is_fold));
        pieces.extend(is_fold.then_some(Piece::FoldStart));
        pieces.extend(
            Some(if is_fold { Piece::Summary(title.clone()) } else { Piece::Text(title.clone()) })
                .filter(|_| !title.is_empty()),
        );
    }

    /// `??? question "Title"`, `!!! note "Title"`: the indented lines below belong to it.
    fn indented_admonition(&mut self, line: &str, rest: &str, end: usize, pieces: &mut Vec<Piece>) {
        let (kind, title) = rest.split_once('"').unwrap_or((rest, ""));
        let is_fold =
            line.trim_start().starts_with('?') || matches!(kind.trim(), "question" | "faq" | "help");
        self.open.push(Open { margin: Some(self.margin), ..Open::component(is_fold) });
        let title = title.trim_end_matches('"');
        let start = end - rest.len() + kind.len() + 1;
        pieces.extend(is_fold.then_some(Piece::FoldStart));
        if !title.is_empty() {
            let title = start..start + title.len();
            pieces.push(if is_fold { Piece::Summary(title) } else { Piece::Text(title) });
        }
    }

    fn close(&mut self, closes: bool, pieces: &mut Vec<Piece>) {
        if closes && self.open.pop().is_some_and(|open| open.is_fold) {
            pieces.push(Piece::FoldEnd);
        }
    }
}

/// What follows the mark of an admonition with indented content.
fn indented_admonition(line: &str) -> Option<&str> {
    let rest = ["???+ ", "??? ", "!!! "].into_iter().find_map(|mark| line.strip_prefix(mark))?;
    let kind = rest.split([' ', '"']).next().unwrap_or_default();
    (!kind.is_empty() && kind.chars().all(|c| c.is_ascii_lowercase() || c == '-')).then_some(rest)
}

/// The title in a tag.
fn title(line: &str, tag: Range<usize>, is_fold: bool) -> Option<Piece> {
    let text = format!(" {}", line[tag.clone()].trim_start());
    let (at, name) = TITLES.iter().find_map(|name| Some((text.find(name)?, name)))?;
    let value = &text[at + name.len()..];
    let value = value.strip_prefix('{').unwrap_or(value);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let value = value[1..].split(quote).next().filter(|value| !value.trim().is_empty())?;
    // From the end, where both texts are the same.
    let before_end = text.len() - (value.as_ptr() as usize - text.as_ptr() as usize);
    let start = tag.end - before_end;
    Some(if is_fold {
        Piece::Summary(start..start + value.len())
    } else {
        Piece::Text(start..start + value.len())
    })
}

/// A line that begins an `import` or an `export` of JavaScript.
fn is_module(line: &str) -> bool {
    let is_import = |rest: &str| {
        rest.starts_with(['{', '\'', '"', '*']) || rest.contains(" from '") || rest.contains(" from \"")
    };
    let is_export = |rest: &str| {
        rest.starts_with(['{', '*'])
            || ["const ", "let ", "var ", "default ", "function ", "async ", "class "]
                .iter()
                .any(|word| rest.starts_with(word))
    };
    line.strip_prefix("import ").is_some_and(is_import) || line.strip_prefix("export ").is_some_and(is_export)
}

/// The name of the component whose tag begins here.
fn component(text: &str) -> Option<&str> {
    let name = text.strip_prefix("</").or_else(|| text.strip_prefix('<'))?;
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(name.len());
    let after = name[end..].chars().next();
    // `<T>` is a type in a text without backticks.
    let fits = end > 1
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && after.is_none_or(|c| c.is_whitespace() || matches!(c, '>' | '/'));
    fits.then(|| &name[..end])
}

/// The length of a tag, if it ends here. A sign in quotes or braces does not end it.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut braces = 0usize;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != c),
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => braces += 1,
            (None, '}') => braces = braces.saturating_sub(1),
            (None, '>') if braces == 0 => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Whether a tag within a line is that of a component: `</Name>`, `<Name key="…">`, `<Name />`.
pub fn is_component(tag: &str) -> bool {
    component(tag).is_some()
        && (tag.starts_with("</")
            || tag.ends_with("/>")
            || [r#"=""#, "='", "={"].iter().any(|sign| tag.contains(sign)))
}
