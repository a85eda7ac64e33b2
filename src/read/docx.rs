//! DOCX → blocks and Markdown. The line of a block is the number of its paragraph.

use std::collections::HashMap;
use std::io::{self, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::document::inline_markup::{code, link, push_text};
use super::document::{Document, Kind, Line, Writer};
use super::invalid;
use super::markup::one_line;
use super::office::{self, attribute};

/// What error messages call the file.
const KIND: &str = "DOCX file";

/// The largest part of a file, expanded, in bytes.
const LARGEST: u64 = 64 << 20;

/// Longer addresses of links are left out, in bytes.
const LONGEST_ADDRESS: usize = 2000;

/// Parses a document of Word or of another program.
///
/// # Errors
/// The file cannot be read, is encrypted, is no DOCX file, or too large.
pub fn parse(file: impl Read + Seek) -> io::Result<Document> {
    let mut archive = office::open(file, KIND, "document, or one of Word 97")?;
    let mut part = |name: &str| part(&mut archive, name);
    let Some(document) = part("word/document.xml")? else {
        return Err(invalid("not a DOCX file: it has no word/document.xml"));
    };
    let styles = styles(&part("word/styles.xml")?.unwrap_or_default())?;
    let lists = Lists::parse(&part("word/numbering.xml")?.unwrap_or_default())?;
    let addresses = addresses(&part("word/_rels/document.xml.rels")?.unwrap_or_default())?;
    let mut parser = Parser { styles, lists, addresses, ..Parser::default() };
    parser.read(&document)?;
    Ok(parser.writer.document)
}

fn broken(error: impl Into<ZipError>) -> io::Error {
    office::broken(KIND, error)
}

/// A part of the file. The sizes that an archive declares may be wrong.
fn part<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str) -> io::Result<Option<String>> {
    let part = match archive.by_name(name) {
        Ok(part) => part,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(broken(error)),
    };
    let mut bytes = Vec::new();
    part.take(LARGEST + 1).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() as u64 > LARGEST {
        return Err(invalid(format!("{name} expands to more than {} MiB", LARGEST >> 20)));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned()))
}

/// The deepest table in the cells of others. The paragraphs of each are moved into the cell around it.
const DEEPEST_TABLE: usize = 20;

/// The longest value that is looked at, in bytes.
const LONGEST_VALUE: usize = 500;

/// Calls `handle` for each event of a part. It returns true for a start tag whose element is to be skipped.
fn each_event<'x>(xml: &'x str, mut handle: impl FnMut(Event<'x>) -> bool) -> io::Result<()> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let broken = |error: quick_xml::Error| invalid(format!("broken DOCX file: {error}"));
    loop {
        let event = reader.read_event().map_err(broken)?;
        let start = match &event {
            Event::Eof => return Ok(()),
            Event::Start(element) => Some(element.to_end().into_owned()),
            _ => None,
        };
        if handle(event)
            && let Some(element) = start
        {
            reader.read_to_end(element.name()).map_err(broken)?;
        }
    }
}

/// `w:val`, which holds a number, a name or an id. Every paragraph of a style has a copy of its values.
fn value(element: &BytesStart<'_>) -> Option<String> {
    attribute(element, "val").filter(|value| value.len() <= LONGEST_VALUE)
}

/// Whether a property such as bold is on.
fn is_on(element: &BytesStart<'_>) -> bool {
    !value(element).is_some_and(|value| matches!(value.as_str(), "0" | "false" | "off"))
}

/// The formatting of a piece of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Format {
    bold: bool,
    italic: bool,
    code: bool,
    link: Option<String>,
}

/// Sets what a property of characters says.
fn set_format(format: &mut Format, element: &BytesStart<'_>) {
    match element.local_name().into_inner() {
        "b" => format.bold = is_on(element),
        "i" => format.italic = is_on(element),
        "rFonts" => {
            let font = attribute(element, "ascii").or_else(|| attribute(element, "hAnsi"));
            format.code |= font.is_some_and(|font| is_monospaced(&font.to_lowercase()));
        }
        _ => {}
    }
}

fn is_monospaced(font: &str) -> bool {
    let mut names =
        "courier,consolas,mono,menlo,monaco,source code,lucida console,fira code,typewriter".split(',');
    names.any(|name| font.contains(name))
}

/// A style.
#[derive(Clone, Default)]
struct Style {
    role: Role,
    format: Format,
    list: Option<(String, usize)>,
    based_on: Option<String>,
}

/// Sets the id or the level of a list, whichever the element has. The id 0 is none.
fn set_list(list: &mut Option<(String, usize)>, element: &BytesStart<'_>) {
    let (id, at) = list.take().unwrap_or_default();
    *list = match element.local_name().into_inner() {
        "numId" => value(element).filter(|id| id != "0").map(|id| (id, at)),
        _ => Some((id, level(element))),
    };
}

/// What a paragraph is for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Text,
    Heading(usize),
    Title,
    /// An entry of the table of contents.
    Contents,
    Question,
    Code,
}

impl Role {
    /// What the name of a style says. Word translates the names it shows, not those in the file.
    fn of(name: &str) -> Self {
        let name = name.to_lowercase();
        let level = name.strip_prefix("heading ").and_then(|level| level.trim().parse().ok());
        let words = || name.split(|c: char| !c.is_alphanumeric());
        match name.as_str() {
            _ if level.is_some_and(|level| level > 0) => Self::Heading(level.unwrap_or(1)),
            "title" => Self::Title,
            "toc heading" => Self::Contents,
            _ if name.starts_with("toc ") => Self::Contents,
            _ if words().any(|word| word == "question" || word == "questions") => Self::Question,
            _ if words()
                .any(|word| matches!(word, "code" | "html" | "preformatted" | "verbatim" | "listing")) =>
            {
                Self::Code
            }
            _ => Self::Text,
        }
    }
}

/// The styles by id, each with what it takes from the style that it is based on.
fn styles(xml: &str) -> io::Result<HashMap<String, Style>> {
    let mut styles: HashMap<String, Style> = HashMap::new();
    let mut id = String::new();
    let mut current: Option<Style> = None;
    each_event(xml, |event| {
        match &event {
            Event::Start(element) => match (element.local_name().into_inner(), &mut current) {
                ("style", _) => {
                    id = attribute(element, "styleId").unwrap_or_default();
                    current = Some(Style::default());
                }
                ("name", Some(style)) => style.role = Role::of(&value(element).unwrap_or_default()),
                ("basedOn", Some(style)) => style.based_on = value(element),
                ("outlineLvl", Some(style)) if style.role == Role::Text => style.role = outline(element),
                ("numId" | "ilvl", Some(style)) => set_list(&mut style.list, element),
                ("tblStylePr", _) => return true,
                (_, Some(style)) => set_format(&mut style.format, element),
                _ => {}
            },
            Event::End(element) if element.local_name().into_inner() == "style" => {
                styles.extend(current.take().map(|style| (std::mem::take(&mut id), style)));
            }
            _ => {}
        }
        false
    })?;
    let inherited = styles.iter().map(|(id, style)| {
        let mut all = style.clone();
        let mut next = style.based_on.as_ref();
        // A chain of styles may be a circle.
        for _ in 0..20 {
            let Some(base) = next.and_then(|id| styles.get(id)) else {
                break;
            };
            all.role = if all.role == Role::Text { base.role } else { all.role };
            all.format.bold |= base.format.bold;
            all.format.italic |= base.format.italic;
            all.format.code |= base.format.code;
            all.list = all.list.or_else(|| base.list.clone());
            next = base.based_on.as_ref();
        }
        (id.clone(), all)
    });
    Ok(inherited.collect())
}

fn level(element: &BytesStart<'_>) -> usize {
    value(element).and_then(|level| level.parse().ok()).map_or(0, |level: usize| level.min(8))
}

fn outline(element: &BytesStart<'_>) -> Role {
    match value(element).and_then(|level| level.parse::<usize>().ok()) {
        Some(level) if level < 9 => Role::Heading(level + 1),
        _ => Role::Text,
    }
}

/// The lists of a document.
#[derive(Default)]
struct Lists {
    /// By the id of a list: the id of its definition, and the number that it begins with anew.
    lists: HashMap<String, (String, Option<u32>)>,
    /// By the id of a definition and the level: whether it has numbers, and the first.
    levels: HashMap<(String, usize), (bool, u32)>,
    /// The last number of each level of a definition.
    numbers: HashMap<String, [Option<u32>; 9]>,
}

impl Lists {
    fn parse(xml: &str) -> io::Result<Self> {
        let mut lists = Self::default();
        let (mut id, mut at) = (String::new(), 0);
        each_event(xml, |event| {
            let Event::Start(element) = &event else {
                return false;
            };
            match element.local_name().into_inner() {
                "abstractNum" => id = attribute(element, "abstractNumId").unwrap_or_default(),
                "lvl" => {
                    at = attribute(element, "ilvl").and_then(|level| level.parse().ok()).unwrap_or(0).min(8)
                }
                "start" => {
                    lists.levels.entry((id.clone(), at)).or_insert((true, 1)).1 =
                        value(element).and_then(|start| start.parse().ok()).unwrap_or(1)
                }
                "numFmt" => {
                    let numbered =
                        !value(element).is_some_and(|format| matches!(format.as_str(), "bullet" | "none"));
                    lists.levels.entry((id.clone(), at)).or_insert((true, 1)).0 = numbered;
                }
                "num" => id = attribute(element, "numId").unwrap_or_default(),
                "abstractNumId" => {
                    lists.lists.insert(id.clone(), (value(element).unwrap_or_default(), None));
                }
                "startOverride" => {
                    let start = value(element).and_then(|start| start.parse().ok());
                    if let Some((_, own)) = lists.lists.get_mut(&id) {
                        *own = own.or(start);
                    }
                }
                _ => {}
            }
            false
        })?;
        Ok(lists)
    }

    /// The number of the next item; `None` for a bullet.
    fn next(&mut self, list: &str, level: usize) -> Option<u32> {
        let (definition, start) = self.lists.get(list).cloned().unwrap_or_else(|| (list.to_owned(), None));
        let (numbered, first) = self.levels.get(&(definition.clone(), level)).copied().unwrap_or((true, 1));
        let own = if start.is_some() { format!("{definition} {list}") } else { definition };
        let numbers = self.numbers.entry(own).or_default();
        let first = start.filter(|_| level == 0).unwrap_or(first);
        let number = numbers[level].map_or(first, |last| last.saturating_add(1));
        numbers[level] = Some(number);
        numbers[level + 1..].fill(None);
        numbered.then_some(number)
    }
}

/// The addresses of links, by id.
fn addresses(xml: &str) -> io::Result<HashMap<String, String>> {
    let mut addresses = HashMap::new();
    each_event(xml, |event| {
        if let Event::Start(element) = &event
            && attribute(element, "Type").is_some_and(|kind| kind.ends_with("/hyperlink"))
            && let (Some(id), Some(target)) = (attribute(element, "Id"), attribute(element, "Target"))
            && target.len() <= LONGEST_ADDRESS
        {
            addresses.insert(id, target);
        }
        false
    })?;
    Ok(addresses)
}

#[derive(Default)]
struct Parser {
    styles: HashMap<String, Style>,
    lists: Lists,
    addresses: HashMap<String, String>,
    writer: Writer,
    /// How many paragraphs began.
    count: u64,
    /// Open paragraphs: a text box is inside one.
    open: Vec<Paragraph>,
    /// Open tables: their rows of cells of paragraphs.
    tables: Vec<Vec<Vec<Vec<Paragraph>>>>,
    /// How many tables below [`DEEPEST_TABLE`] are open. Their cells belong to the table around them.
    skipped_tables: usize,
    /// Paragraphs of code, which are one block.
    code: Vec<(u64, String)>,
    after_item: bool,
}

#[derive(Default)]
struct Paragraph {
    number: u64,
    role: Role,
    /// The formatting of its style.
    format: Format,
    list: Option<(String, usize)>,
    /// The formatting of the open run.
    run: Option<Format>,
    link: Option<String>,
    pieces: Vec<(String, Format)>,
}

/// Elements whose text is not part of the document: deleted or moved away, the state before a change, or there twice.
const SKIPPED: [&str; 8] =
    ["Fallback", "del", "moveFrom", "pPrChange", "rPrChange", "sectPr", "tblPr", "instrText"];

impl Parser {
    fn read(&mut self, xml: &str) -> io::Result<()> {
        let mut in_text = false;
        each_event(xml, |event| {
            match &event {
                Event::Start(element) => {
                    let name = element.local_name().into_inner();
                    in_text = name == "t";
                    if SKIPPED.contains(&name) {
                        return true;
                    }
                    self.start(name, element);
                }
                Event::End(element) => {
                    in_text = false;
                    self.end(element.local_name().into_inner());
                }
                event if in_text => {
                    let mut text = String::new();
                    office::push_text(event, &mut text);
                    self.text(&text);
                }
                _ => {}
            }
            false
        })?;
        self.flush_code();
        Ok(())
    }

    fn start(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "p" => {
                self.count += 1;
                self.open.push(Paragraph { number: self.count, ..Paragraph::default() });
            }
            "tbl" if self.tables.len() == DEEPEST_TABLE => self.skipped_tables += 1,
            "tbl" => self.tables.push(Vec::new()),
            "tr" => self.tables.iter_mut().next_back().into_iter().for_each(|table| table.push(Vec::new())),
            "tc" => self.row().into_iter().for_each(|row| row.push(Vec::new())),
            "t" => {}
            _ => self.property(name, element),
        }
    }

    /// The open row of the innermost table.
    fn row(&mut self) -> Option<&mut Vec<Vec<Paragraph>>> {
        self.tables.last_mut()?.last_mut()
    }

    /// Something within a paragraph.
    fn property(&mut self, name: &str, element: &BytesStart<'_>) {
        let Some(paragraph) = self.open.last_mut() else {
            return;
        };
        match (name, &mut paragraph.run) {
            ("r", _) => {
                paragraph.run = Some(Format { link: paragraph.link.clone(), ..paragraph.format.clone() })
            }
            ("pStyle", _) => {
                if let Some(style) = value(element).and_then(|id| self.styles.get(&id)) {
                    paragraph.role = style.role;
                    paragraph.format = Format {
                        code: style.role == Role::Code || style.format.code,
                        ..style.format.clone()
                    };
                    paragraph.list = style.list.clone();
                }
            }
            ("outlineLvl", _) if paragraph.role == Role::Text => paragraph.role = outline(element),
            ("numId" | "ilvl", _) => set_list(&mut paragraph.list, element),
            ("hyperlink", _) => {
                let anchor = || attribute(element, "anchor").map(|anchor| format!("#{anchor}"));
                paragraph.link =
                    attribute(element, "id").and_then(|id| self.addresses.get(&id).cloned()).or_else(anchor);
            }
            ("rStyle", Some(run)) => {
                if let Some(style) = value(element).and_then(|id| self.styles.get(&id)) {
                    run.bold |= style.format.bold;
                    run.italic |= style.format.italic;
                    run.code |= style.format.code || style.role == Role::Code;
                }
            }
            ("tab" | "ptab", Some(_)) => self.text(" "),
            ("cr", Some(_)) => self.text("\n"),
            ("br", Some(_)) if attribute(element, "type").is_none_or(|kind| kind == "textWrapping") => {
                self.text("\n")
            }
            ("noBreakHyphen", Some(_)) => self.text("-"),
            (_, Some(run)) => set_format(run, element),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let Some(paragraph) = self.open.last_mut() else {
            return;
        };
        let format = paragraph.run.as_ref().unwrap_or(&paragraph.format);
        match paragraph.pieces.last_mut().filter(|(_, last)| last == format) {
            Some((last, _)) => last.push_str(text),
            None => paragraph.pieces.push((text.to_owned(), format.clone())),
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "r" | "hyperlink" => {
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.run = None;
                    paragraph.link = paragraph.link.take().filter(|_| name == "r");
                }
            }
            "p" => {
                if let Some(paragraph) = self.open.pop() {
                    match self.row().and_then(|row| row.last_mut()) {
                        Some(cell) => cell.push(paragraph),
                        None => self.write(paragraph),
                    }
                }
            }
            "tbl" if self.skipped_tables > 0 => self.skipped_tables -= 1,
            "tbl" => {
                if let Some(table) = self.tables.pop() {
                    self.table(table);
                }
            }
            _ => {}
        }
    }

    fn table(&mut self, rows: Vec<Vec<Vec<Paragraph>>>) {
        // A table in a cell, and one that is a frame around paragraphs.
        if !self.tables.is_empty() || rows.iter().all(|row| row.len() <= 1) {
            for paragraph in rows.into_iter().flatten().flatten() {
                match self.row().and_then(|row| row.last_mut()) {
                    Some(cell) => cell.push(paragraph),
                    None => self.write(paragraph),
                }
            }
            return;
        }
        self.flush_code();
        let cell = |paragraphs: &Vec<Paragraph>| {
            let markdown = paragraphs.iter().map(Paragraph::markdown);
            markdown.filter(|markdown| !markdown.trim().is_empty()).collect::<Vec<_>>().join("\n")
        };
        let number =
            |row: &Vec<Vec<Paragraph>>| row.iter().flatten().next().map_or(0, |paragraph| paragraph.number);
        let rows: Vec<(u64, Vec<String>)> =
            rows.iter().map(|row| (number(row), row.iter().map(cell).collect())).collect();
        self.writer.blank(rows[0].0);
        self.writer.table(0, &rows);
        self.writer.blank(self.count);
    }

    fn write(&mut self, paragraph: Paragraph) {
        let number = paragraph.number;
        if paragraph.is_code() {
            let text: String = paragraph.pieces.iter().map(|(text, _)| text.as_str()).collect();
            return self.code.extend(text.split('\n').map(|line| (number, line.to_owned())));
        }
        self.flush_code();
        let markdown = paragraph.markdown();
        let is_item =
            paragraph.list.as_ref().is_some_and(|(id, _)| !id.is_empty()) && paragraph.role == Role::Text;
        if markdown.trim().is_empty() || paragraph.role == Role::Contents {
            return self.writer.blank(number);
        }
        if !(is_item && self.after_item) {
            self.writer.blank(number);
        }
        self.after_item = is_item;
        match (paragraph.role, paragraph.list) {
            (Role::Heading(level), _) => {
                self.writer.heading(level, number, &one_line(&paragraph_text(&markdown)))
            }
            (Role::Title, _) if self.writer.document.title.is_none() => {
                self.writer.metadata(number, "title", &one_line(&markdown))
            }
            (Role::Title, _) => self.writer.heading(1, number, &one_line(&markdown)),
            (Role::Question, _) => self.writer.title(Kind::Declared, number, &one_line(&markdown)),
            (_, Some((list, level))) if is_item => {
                let indent = 3 * level;
                let marker = Writer::marker(self.lists.next(&list, level), indent);
                self.writer.paragraph(number, indent, Some(marker), &markdown);
            }
            _ => self.writer.paragraph(number, 0, None, &markdown),
        }
    }

    fn flush_code(&mut self) {
        let code = std::mem::take(&mut self.code);
        if let Some((number, _)) = code.first() {
            self.after_item = false;
            self.writer.blank(*number);
            let lines: Vec<Line<'_>> = code.iter().map(|(number, line)| Line::new(*number, line)).collect();
            self.writer.code(*number, 0, "", &lines);
        }
    }
}

/// A heading is bold anyway.
fn paragraph_text(markdown: &str) -> String {
    let bare = markdown
        .strip_prefix("**")
        .and_then(|inner| inner.strip_suffix("**"))
        .filter(|inner| !inner.contains("**"));
    bare.unwrap_or(markdown).to_owned()
}

impl Paragraph {
    /// All of it is code.
    fn is_code(&self) -> bool {
        let mut words = self.pieces.iter().filter(|(text, _)| !text.trim().is_empty()).peekable();
        self.role == Role::Code && self.list.is_none()
            || words.peek().is_some()
                && self.role == Role::Text
                && self.list.is_none()
                && words.all(|(_, format)| format.code)
    }

    fn markdown(&self) -> String {
        let mut lines: Vec<Vec<(&str, &Format)>> = vec![Vec::new()];
        for (text, format) in &self.pieces {
            for (at, part) in text.split('\n').enumerate() {
                if at > 0 {
                    lines.push(Vec::new());
                }
                lines.iter_mut().next_back().into_iter().for_each(|line| line.push((part, format)));
            }
        }
        let line = |mut pieces: Vec<(&str, &Format)>| {
            // White space between two words that are alike is like them.
            for at in 1..pieces.len().saturating_sub(1) {
                if pieces[at].0.trim().is_empty() && pieces[at - 1].1 == pieces[at + 1].1 {
                    pieces[at].1 = pieces[at - 1].1;
                }
            }
            let mut written = String::new();
            render(&pieces, &[Layer::Link, Layer::Bold, Layer::Italic], &mut written);
            written.trim().to_owned()
        };
        lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[derive(Clone, Copy)]
enum Layer {
    Link,
    Bold,
    Italic,
}

/// Writes pieces of text with marks around those that are alike, one layer of marks inside the other.
fn render(pieces: &[(&str, &Format)], layers: &[Layer], written: &mut String) {
    let Some((layer, inner_layers)) = layers.split_first() else {
        for group in pieces.chunk_by(|(_, a), (_, b)| a.code == b.code) {
            let text: String = group.iter().map(|(text, _)| *text).collect();
            if group[0].1.code { written.push_str(&spaced(&text, code)) } else { push_text(&text, written) }
        }
        return;
    };
    let key = |format: &Format| match layer {
        Layer::Link => format.link.clone(),
        Layer::Bold => format.bold.then(|| "**".to_owned()),
        Layer::Italic => format.italic.then(|| "*".to_owned()),
    };
    for group in pieces.chunk_by(|(_, a), (_, b)| key(a) == key(b)) {
        let mut inner = String::new();
        render(group, inner_layers, &mut inner);
        written.push_str(&match (key(group[0].1), layer) {
            (None, _) => inner,
            (Some(target), Layer::Link) => spaced(&inner, |text| link(text, &target)),
            (Some(mark), _) => spaced(&inner, |text| format!("{mark}{text}{mark}")),
        });
    }
}

/// A text with marks directly around its words: `" a "` → `" **a** "`.
fn spaced(text: &str, marked: impl Fn(&str) -> String) -> String {
    let bare = text.trim();
    if bare.is_empty() {
        return text.to_owned();
    }
    let start = text.len() - text.trim_start().len();
    format!("{}{}{}", &text[..start], marked(bare), &text[start + bare.len()..])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::read::document::finder;
    use crate::read::testing;

    const STYLES: &str = r#"<w:styles>
        <w:style w:styleId="berschrift1"><w:name w:val="heading 1"/><w:rPr><w:b/></w:rPr></w:style>
        <w:style w:styleId="berschrift2"><w:name w:val="heading 2"/><w:basedOn w:val="berschrift1"/></w:style>
        <w:style w:styleId="Mein2"><w:name w:val="Mein"/><w:basedOn w:val="berschrift2"/></w:style>
        <w:style w:styleId="T"><w:name w:val="Title"/></w:style>
        <w:style w:styleId="V"><w:name w:val="toc 1"/></w:style>
        <w:style w:styleId="FQ"><w:name w:val="FAQ Question"/><w:rPr><w:b/></w:rPr></w:style>
        <w:style w:styleId="C"><w:name w:val="Source Code"/></w:style>
        <w:style w:styleId="L"><w:name w:val="List Bullet"/><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:style>
        <w:style w:styleId="A"><w:name w:val="circle"/><w:basedOn w:val="B"/></w:style>
        <w:style w:styleId="B"><w:name w:val="circle 2"/><w:basedOn w:val="A"/></w:style></w:styles>"#;
    const NUMBERING: &str = r#"<w:numbering>
        <w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/></w:lvl>
        <w:lvl w:ilvl="1"><w:start w:val="3"/><w:numFmt w:val="lowerLetter"/></w:lvl></w:abstractNum>
        <w:abstractNum w:abstractNumId="8"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
        <w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num>
        <w:num w:numId="3"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num></w:numbering>"#;
    const LINKS: &str = r#"<Relationships><Relationship Id="r1" Type="http://x/hyperlink" Target="https://a.example/?a=1&amp;b"/></Relationships>"#;

    /// A DOCX file with these paragraphs.
    fn file(body: &str) -> Cursor<Vec<u8>> {
        let document = format!("<?xml version=\"1.0\"?><w:document><w:body>{body}</w:body></w:document>");
        Cursor::new(testing::zip(&[
            ("word/document.xml", document.as_str()),
            ("word/styles.xml", STYLES),
            ("word/numbering.xml", NUMBERING),
            ("word/_rels/document.xml.rels", LINKS),
        ]))
    }

    /// A paragraph of a style, with runs.
    fn p(style: &str, runs: &str) -> String {
        format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>{runs}</w:p>")
    }

    /// A run with properties.
    fn r(properties: &str, text: &str) -> String {
        format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
    }

    #[track_caller]
    fn check_markdown(body: &str, expected: &str) {
        assert_eq!(parse(file(body)).unwrap().text.trim_end(), expected, "{body}");
    }

    /// Compares the questions with `line section > title = answer`.
    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let questions = finder::find(&parse(file(body)).unwrap()).questions;
        let shown = questions.iter().map(|found| {
            format!(
                "{} {} > {} = {}",
                found.source.line,
                found.section.as_deref().unwrap_or("-"),
                found.title,
                found.answer.replace('\n', "|")
            )
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{body}");
    }

    #[test]
    fn headings_by_style() {
        let body = [
            p("T", &r("", "Ropes")),
            p("V", &r("", "Care 1")),
            p("berschrift1", &r("", "Care")),
            p("Mein2", &r("", "Why wax?")),
            p("", &r("", "It lasts.")),
            p("berschrift2", &r("", "Is it hard?")),
            p("", &r("", "No.")),
        ];
        check(&body.concat(), &["4 Care > Why wax? = It lasts.", "6 Care > Is it hard? = No."]);
    }

    #[test]
    fn bold_paragraphs_numbers_and_declared_questions() {
        let body = [
            p("", &(r("<w:b/>", "Why ") + &r("<w:b/>", "wax?"))),
            p("", &r("", "It lasts.")),
            p("", &r("<w:b/>", "Is it hard?")),
            p("", &r("", "No.")),
        ];
        check(&body.concat(), &["1 - > Why wax? = It lasts.", "3 - > Is it hard? = No."]);
        let numbered = |text: &str| {
            format!(
                "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr></w:pPr>{}</w:p>",
                r("", text)
            )
        };
        let body =
            [numbered("Why wax?"), p("", &r("", "It lasts.")), numbered("Is it hard?"), p("", &r("", "No."))];
        check(&body.concat(), &["1 - > Why wax? = It lasts.", "3 - > Is it hard? = No."]);
        let body = [
            p("FQ", &r("", "Why wax?")),
            p("", &r("", "It lasts.")),
            p("FQ", &r("", "Cost")),
            p("", &r("", "Low.")),
        ];
        check(&body.concat(), &["1 - > Why wax? = It lasts.", "3 - > Cost = Low."]);
    }

    #[test]
    fn a_table_of_questions() {
        let cell = |text: &str| format!("<w:tc>{}</w:tc>", p("", &r("", text)));
        let row = |cells: &[&str]| {
            format!("<w:tr>{}</w:tr>", cells.iter().map(|text| cell(text)).collect::<String>())
        };
        let rows = [
            row(&["No.", "Question", "Answer"]),
            row(&["1", "Why wax?", "It lasts."]),
            row(&["2", "Is it hard?", "No."]),
        ]
        .concat();
        let body = p("berschrift1", &r("", "Care")) + &format!("<w:tbl>{rows}</w:tbl>");
        check(&body, &["5 Care > Why wax? = It lasts.", "8 Care > Is it hard? = No."]);
        check_markdown(
            &format!("<w:tbl>{}</w:tbl>", row(&["a", "b|c"]) + &row(&["d", ""])),
            "| a | b\\|c |\n|---|---|\n| d |  |",
        );
        check_markdown(&format!("<w:tbl>{}</w:tbl>", row(&["a"]) + &row(&["b"])), "a\n\nb");
    }

    #[test]
    fn formatting_becomes_markdown() {
        check_markdown(
            &p(
                "",
                &(r("<w:b/>", "a ")
                    + &r("<w:b/><w:i/>", "b")
                    + &r("", " &lt;c> 2*3 ")
                    + &r("<w:rFonts w:ascii=\"Courier New\"/>", "d*e")),
            ),
            "**a *b*** &lt;c> 2\\*3 `d*e`",
        );
        check_markdown(
            &p(
                "",
                &format!(
                    "<w:hyperlink r:id=\"r1\">{}</w:hyperlink> {}",
                    r("", "a"),
                    r("<w:b w:val=\"0\"/>", "b")
                ),
            ),
            "[a](https://a.example/?a=1&b)b",
        );
        check_markdown(
            &p(
                "",
                &format!("{}<w:del>{}</w:del><w:r><w:br/></w:r>{}", r("", "a"), r("", "gone"), r("", "b")),
            ),
            "a\nb",
        );
        check_markdown(
            &(p("C", &r("", "def f():")) + &p("C", &r("", "    pass"))),
            "```\ndef f():\n    pass\n```",
        );
    }

    #[test]
    fn lists_count() {
        let item = |list: u8, level: u8, text: &str| {
            format!(
                "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr></w:pPr>{}</w:p>",
                r("", text)
            )
        };
        let body = [
            item(1, 0, "a"),
            item(1, 1, "b"),
            item(1, 1, "c"),
            item(1, 0, "d"),
            item(3, 0, "e"),
            p("L", &r("", "f")),
            p("", &r("", "g")),
            item(1, 0, "h"),
        ];
        check_markdown(&body.concat(), "1. a\n   3. b\n   4. c\n2. d\n5. e\n- f\n\ng\n\n3. h");
    }

    #[test]
    fn what_is_no_docx_file_says_so() {
        let error = |bytes: &[u8]| parse(Cursor::new(bytes.to_vec())).unwrap_err().to_string();
        assert_eq!(error(b"text"), "not a DOCX file: no ZIP archive");
        assert_eq!(error(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1]), "an encrypted document, or one of Word 97");
        assert!(error(b"PK\x03\x04").starts_with("broken DOCX file: "));
        assert!(parse(file("<w:p><w:r>")).unwrap_err().to_string().starts_with("broken DOCX file: "));
    }

    #[test]
    fn nested_elements_do_not_overflow_the_stack() {
        let body =
            "<w:p><w:r><w:txbxContent>".repeat(20_000) + &"</w:txbxContent></w:r></w:p>".repeat(20_000);
        assert_eq!(parse(file(&body)).unwrap().text, "");
        let tables = "<w:tbl><w:tr><w:tc>".repeat(20_000)
            + &p("", &r("", "a"))
            + &"</w:tc></w:tr></w:tbl>".repeat(20_000);
        assert_eq!(parse(file(&tables)).unwrap().text, "a\n");
    }
}
