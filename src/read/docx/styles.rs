//! The styles of a document: what paragraphs are for, and the formatting of text.

use std::collections::HashMap;
use std::io;

use quick_xml::events::{BytesStart, Event};

use super::xml::{each_event, is_on, number, value};
use crate::read::office::attribute;

/// The formatting of a piece of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// In bold.
    pub bold: bool,
    /// In italics.
    pub italic: bool,
    /// In a font for code.
    pub code: bool,
    /// The address that it leads to.
    pub link: Option<String>,
}

impl Format {
    /// Sets what a property of characters says.
    pub fn set(&mut self, element: &BytesStart<'_>) {
        match element.local_name().into_inner() {
            "b" => self.bold = is_on(element),
            "i" => self.italic = is_on(element),
            "rFonts" => {
                let font = attribute(element, "ascii").or_else(|| attribute(element, "hAnsi"));
                self.code |= font.is_some_and(|font| is_monospaced(&font.to_lowercase()));
            }
            _ => {}
        }
    }

    /// Adds the formatting of a style, without its link.
    pub fn add(&mut self, other: &Self) {
        self.bold |= other.bold;
        self.italic |= other.italic;
        self.code |= other.code;
    }
}

fn is_monospaced(font: &str) -> bool {
    let mut names =
        "courier,consolas,mono,menlo,monaco,source code,lucida console,fira code,typewriter".split(',');
    names.any(|name| font.contains(name))
}

/// A style.
#[derive(Clone, Default)]
pub struct Style {
    /// What its paragraphs are for.
    pub role: Role,
    /// The formatting of their text.
    pub format: Format,
    /// The id of the list that they are items of, and their level.
    pub list: Option<(String, usize)>,
    based_on: Option<String>,
}

/// Sets the id or the level of a list, whichever the element has. The id 0 is none.
pub fn set_list(list: &mut Option<(String, usize)>, element: &BytesStart<'_>) {
    let (id, at) = list.take().unwrap_or_default();
    *list = match element.local_name().into_inner() {
        "numId" => value(element).filter(|id| id != "0").map(|id| (id, at)),
        _ => Some((id, level(element))),
    };
}

/// What a paragraph is for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    /// Any other text.
    #[default]
    Text,
    /// A heading of a level.
    Heading(usize),
    /// The title of the document.
    Title,
    /// An entry of the table of contents.
    Contents,
    /// A question, as a style says.
    Question,
    /// A line of code.
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
pub fn styles(xml: &str) -> io::Result<HashMap<String, Style>> {
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
                (_, Some(style)) => style.format.set(element),
                _ => {}
            },
            Event::End(element) if element.local_name().into_inner() == "style" => {
                styles.extend(current.take().map(|style| (std::mem::take(&mut id), style)));
            }
            _ => {}
        }
        false
    })?;
    Ok(styles.iter().map(|(id, style)| (id.clone(), style.inherited(&styles))).collect())
}

impl Style {
    /// The style with what it takes from those that it is based on.
    fn inherited(&self, styles: &HashMap<String, Self>) -> Self {
        let mut all = self.clone();
        let mut next = self.based_on.as_ref();
        // A chain of styles may be a circle.
        for _ in 0..20 {
            let Some(base) = next.and_then(|id| styles.get(id)) else {
                break;
            };
            all.role = if all.role == Role::Text { base.role } else { all.role };
            all.format.add(&base.format);
            all.list = all.list.or_else(|| base.list.clone());
            next = base.based_on.as_ref();
        }
        all
    }
}

fn level(element: &BytesStart<'_>) -> usize {
    number(value(element)).map_or(0, |level: usize| level.min(8))
}

/// The role of a paragraph with this outline level.
pub fn outline(element: &BytesStart<'_>) -> Role {
    match number::<usize>(value(element)) {
        Some(level) if level < 9 => Role::Heading(level + 1),
        _ => Role::Text,
    }
}
