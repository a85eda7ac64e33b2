//! The file of synonyms.

use toml_edit::Item;

use super::document::{CurationError, Source, Text};
use crate::analyze::Language;

/// The most texts of one entry.
const MAX_TEXTS: usize = 64;

/// The most entries of a file. Each takes about a kilobyte of memory.
const MAX_ENTRIES: usize = 200_000;

/// The most words of a text.
pub(super) const MAX_WORDS: usize = 8;

/// Whether the texts of an entry find each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Each text finds the others.
    Both,
    /// A text on the left finds those on the right.
    OneWay,
}

/// An entry of a file of synonyms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// Whether the texts find each other.
    pub direction: Direction,
    /// The texts that it applies to.
    pub from: Vec<String>,
    /// What they find besides themselves. The same texts in [`Direction::Both`].
    pub to: Vec<String>,
    /// The language of the phrases that it applies to. `None` for all.
    pub language: Option<Language>,
    /// The line in the file, from 1.
    pub line: u64,
}

impl Synonym {
    /// What a text of `from` finds besides itself.
    pub fn expansions(&self, from: usize) -> impl Iterator<Item = &str> {
        let own = (self.direction == Direction::Both).then_some(from);
        let others = self.to.iter().enumerate().filter(move |(nth, _)| Some(*nth) != own);
        others.map(|(_, text)| text.as_str())
    }
}

/// The entries of a file of synonyms.
///
/// ```
/// use rqsearch::curation::Synonyms;
///
/// let text = r#"
/// same = [["OOM", "out of memory"]]
///
/// [expand]
/// CI = "continuous integration"
/// "#;
/// let synonyms = Synonyms::parse("synonyms.toml", text).unwrap();
/// assert_eq!(synonyms.entries()[0].from, ["OOM", "out of memory"]);
/// assert_eq!(synonyms.entries()[1].to, ["continuous integration"]);
///
/// let error = Synonyms::parse("synonyms.toml", "\nsmae = []").unwrap_err();
/// assert!(error.to_string().starts_with("synonyms.toml:2: \"smae\" is not a key here"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synonyms(Vec<Synonym>);

impl Synonyms {
    /// Parses a file. `file` names it in errors.
    ///
    /// # Errors
    /// The text is not TOML, or has a key or a value that is not allowed. The error names the line.
    pub fn parse(file: &str, text: &str) -> Result<Self, CurationError> {
        let source = Source::new(file, text);
        let mut entries = Vec::new();
        let document = source.parse()?;
        for (name, item) in document.iter() {
            match (Language::from_code(name), item.as_table_like()) {
                (Some(language), Some(table)) => {
                    for (inner, item) in table.iter() {
                        let allowed = "\"same\" and \"expand\"";
                        if !add(&source, inner, item, Some(language), &mut entries)? {
                            return Err(source.unknown_key(table, inner, allowed));
                        }
                    }
                }
                (Some(_), None) => {
                    return Err(source
                        .error(item.span(), format!("{name} must be a table with \"same\" and \"expand\"")));
                }
                (None, _) => {
                    let allowed = "\"same\", \"expand\" and codes of languages, such as [de]";
                    if !add(&source, name, item, None, &mut entries)? {
                        return Err(source.unknown_key(&document, name, allowed));
                    }
                }
            }
        }
        // Tables are parsed after keys, in whatever order the file has them.
        entries.sort_by_key(|entry| entry.line);
        if let Some(entry) = entries.get(MAX_ENTRIES) {
            return Err(source.error_in(entry.line, format!("the limit is {MAX_ENTRIES} entries")));
        }
        Ok(Self(entries))
    }

    /// The entries, in the order of their lines.
    pub fn entries(&self) -> &[Synonym] {
        &self.0
    }
}

/// Adds the entries below a key. Returns whether the key is known.
fn add(
    source: &Source<'_>,
    name: &str,
    item: &Item,
    language: Option<Language>,
    entries: &mut Vec<Synonym>,
) -> Result<bool, CurationError> {
    match name {
        "same" => add_same(source, item, language, entries)?,
        "expand" => add_expand(source, item, language, entries)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn add_same(
    source: &Source<'_>,
    item: &Item,
    language: Option<Language>,
    entries: &mut Vec<Synonym>,
) -> Result<(), CurationError> {
    const LISTS: &str = "\"same\" must be a list of lists of texts: same = [[\"OOM\", \"out of memory\"]]";
    let lists = item.as_array().ok_or_else(|| source.error(item.span(), LISTS))?;
    for list in lists {
        let texts = list.as_array().and_then(|_| source.texts_of(list));
        let texts = texts.ok_or_else(|| source.error(list.span(), LISTS))?;
        let line = source.line(list.span());
        if texts.len() < 2 {
            return Err(source.error_in(line, "an entry of \"same\" needs two texts or more"));
        }
        let texts = checked(source, texts, line)?;
        let (from, to) = (texts.clone(), texts);
        entries.push(Synonym { direction: Direction::Both, from, to, language, line });
    }
    Ok(())
}

fn add_expand(
    source: &Source<'_>,
    item: &Item,
    language: Option<Language>,
    entries: &mut Vec<Synonym>,
) -> Result<(), CurationError> {
    const TABLE: &str = "\"expand\" must be a table: [expand] and below it CI = \"continuous integration\"";
    let table = item.as_table_like().ok_or_else(|| source.error(item.span(), TABLE))?;
    for (from, to) in table.iter() {
        let span = table.key(from).and_then(toml_edit::Key::span);
        let line = source.line(span.or_else(|| to.span()));
        let from = Text { text: from.trim().to_owned(), line };
        let to = checked(source, source.texts(&from.text, to)?, line)?;
        let from = checked(source, vec![from], line)?;
        entries.push(Synonym { direction: Direction::OneWay, from, to, language, line });
    }
    Ok(())
}

/// The texts of an entry, if they are not too many and not too long.
fn checked(source: &Source<'_>, texts: Vec<Text>, line: u64) -> Result<Vec<String>, CurationError> {
    if texts.len() > MAX_TEXTS {
        return Err(source.error_in(line, format!("an entry has at most {MAX_TEXTS} texts")));
    }
    let text = |Text { text, line }: Text| match text.split_whitespace().count() {
        1..=MAX_WORDS if text.contains(char::is_alphanumeric) => Ok(text),
        1..=MAX_WORDS => Err(source.error_in(line, format!("{text:?} has no letter or digit"))),
        _ => Err(source.error_in(line, format!("{text:?} must have 1 to {MAX_WORDS} words"))),
    };
    texts.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Synonyms::parse("s.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn entries_have_their_lines_and_languages() {
        let text = "same = [\n  [\"k8s\", \"kubernetes\"],\n  [\"OOM\",\n   \"out of memory\"],\n]\n\n\
                    [de]\nsame = [[\"Lkw\", \"Lastkraftwagen\"]]\n[de.expand]\nHandy = [\"Mobiltelefon\"]\n\
                    [expand]\nCI = \"continuous integration\"\n";
        let synonyms = Synonyms::parse("s.toml", text).unwrap();
        let found: Vec<_> = synonyms
            .entries()
            .iter()
            .map(|entry| {
                (entry.line, entry.language.map(Language::code), entry.from[0].as_str(), entry.to.len())
            })
            .collect();
        assert_eq!(
            found,
            [
                (2, None, "k8s", 2),
                (3, None, "OOM", 2),
                (8, Some("de"), "Lkw", 2),
                (10, Some("de"), "Handy", 1),
                (12, None, "CI", 1),
            ]
        );
        let expansions = |entry: usize, from| synonyms.entries()[entry].expansions(from).collect::<Vec<_>>();
        assert_eq!(expansions(1, 1), ["OOM"]);
        assert_eq!(expansions(4, 0), ["continuous integration"]);
    }

    #[test]
    fn an_empty_file_has_no_entries() {
        assert!(Synonyms::parse("s.toml", "# none yet\n").unwrap().entries().is_empty());
    }

    #[test]
    fn errors_name_the_line_and_what_is_allowed() {
        for (text, expected) in [
            ("same = [\n  [\"a\", \"b\"],\n  [\"c\"],\n]", "s.toml:3: an entry of \"same\" needs two texts"),
            ("same = [\"a\"]", "s.toml:1: \"same\" must be a list of lists"),
            ("same = [\n[\"a\", 1]]", "s.toml:2: \"same\" must be a list of lists"),
            ("same = [[\"a\",\n\"!!\"]]", "s.toml:2: \"!!\" has no letter or digit"),
            (
                "same = [[\"a\",\n\"1 2 3 4 5 6 7 8 9\"]]",
                "s.toml:2: \"1 2 3 4 5 6 7 8 9\" must have 1 to 8 words",
            ),
            ("expand = 3", "s.toml:1: \"expand\" must be a table"),
            ("[expand]\nCI = []", "s.toml:2: CI must be a text or a list of texts"),
            ("[expand]\nCI = [\"\"]", "s.toml:2: CI must be a text or a list of texts"),
            (
                "\n[xx]\nsame = []",
                "s.toml:2: \"xx\" is not a key here; allowed are \"same\", \"expand\" and codes",
            ),
            ("[de]\nsmae = []", "s.toml:2: \"smae\" is not a key here; allowed are \"same\" and \"expand\""),
            ("de = 1", "s.toml:1: de must be a table"),
            ("same = [\n[\"a\"", "s.toml:2: "),
        ] {
            let error = error(text);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
