//! DOCX → blocks and Markdown. The line of a block is the number of its paragraph.

mod lists;
mod paragraph;
mod styles;
mod xml;

use std::collections::HashMap;
use std::io::{self, Read, Seek};

use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::document::{Document, Kind, Line, Writer};
use super::emit::invalid;
use super::line::one_line;
use super::office::{self, attribute, broken};
use lists::Lists;
use paragraph::Paragraph;
use styles::{Format, Role, Style, outline, set_list, styles};
use xml::{each_event, value};

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

/// A part of the file. The sizes that an archive declares may be wrong.
fn part<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str) -> io::Result<Option<String>> {
    let part = match archive.by_name(name) {
        Ok(part) => part,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(broken(KIND)(error)),
    };
    let mut bytes = Vec::new();
    part.take(LARGEST + 1).read_to_end(&mut bytes).map_err(broken(KIND))?;
    if bytes.len() as u64 > LARGEST {
        return Err(invalid(format!("{name} expands to more than {} MiB", LARGEST >> 20)));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned()))
}

/// The deepest table in the cells of others. The paragraphs of each are moved into the cell around it.
const DEEPEST_TABLE: usize = 20;

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
                    paragraph.set_style(style);
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
                    run.add(&style.format);
                    run.code |= style.role == Role::Code;
                }
            }
            ("tab" | "ptab", Some(_)) => self.text(" "),
            ("cr", Some(_)) => self.text("\n"),
            ("br", Some(_)) if attribute(element, "type").is_none_or(|kind| kind == "textWrapping") => {
                self.text("\n")
            }
            ("noBreakHyphen", Some(_)) => self.text("-"),
            (_, Some(run)) => run.set(element),
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
                    self.place(paragraph);
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
                self.place(paragraph);
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

    /// Puts a paragraph into the open cell, or writes it.
    fn place(&mut self, paragraph: Paragraph) {
        match self.row().and_then(|row| row.last_mut()) {
            Some(cell) => cell.push(paragraph),
            None => self.write(paragraph),
        }
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

#[cfg(test)]
mod tests;
