//! The file of pins.

use std::collections::HashMap;

use toml_edit::{Item, TableLike, Value};

use super::document::{CurationError, Source, Text};
use crate::title::title_key;

/// The cosine that `meaning = true` requires, on the scale of the built-in model. Paraphrases of short questions have 0.75
/// to 0.95, and different questions on one subject up to about 0.7.
pub const DEFAULT_MEANING: f32 = 0.8;

/// The most ids of a pin.
const MAX_IDS: usize = 100;

/// The most pins of a file.
const MAX_PINS: usize = 10_000;

/// The questions that come first for some phrases, or that are hidden for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pin {
    /// The phrases, as written.
    pub phrases: Vec<String>,
    /// The least cosine, on the scale of the built-in model, of another phrase that the pin applies to. `None` if it applies
    /// to its phrases only.
    pub meaning: Option<f32>,
    /// The ids or keys of the questions that come first, in this order.
    pub ids: Vec<String>,
    /// The ids or keys of the questions that are not found.
    pub hide: Vec<String>,
    /// Why.
    pub note: Option<String>,
    /// Who decided it.
    pub by: Option<String>,
    /// When it was decided, as written.
    pub date: Option<String>,
    /// The line in the file, from 1.
    pub line: u64,
}

/// The entries of a file of pins.
///
/// ```
/// use rqsearch::curation::Pins;
///
/// let text = r#"
/// [[pin]]
/// phrase = "refund"
/// ids = ["fefd9de0484b"]
/// note = "The policy changed in May"
/// "#;
/// let pins = Pins::parse("pins.toml", text).unwrap();
/// assert_eq!(pins.of_phrase("Refund?").unwrap().ids, ["fefd9de0484b"]);
/// assert_eq!(pins.of_phrase("refund policy"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pins {
    pins: Vec<Pin>,
    /// The pin of each phrase, by its [`title_key`].
    by_phrase: HashMap<String, usize>,
}

impl Pins {
    /// Parses a file. `file` names it in errors.
    ///
    /// # Errors
    /// The text is not TOML, has a key or a value that is not allowed, or has two pins for a phrase. The error names the
    /// line.
    pub fn parse(file: &str, text: &str) -> Result<Self, CurationError> {
        let source = Source::new(file, text);
        let document = source.parse()?;
        let mut pins = Self::default();
        for (name, item) in document.iter() {
            if name != "pin" {
                return Err(source.unknown_key(&document, name, "[[pin]]"));
            }
            let tables = item.as_array_of_tables();
            let tables = tables.ok_or_else(|| source.error(item.span(), "write each pin below [[pin]]"))?;
            for table in tables {
                pins.add(&source, parsed(&source, table, source.line(table.span()))?)?;
            }
        }
        Ok(pins)
    }

    fn add(&mut self, source: &Source<'_>, pin: Pin) -> Result<(), CurationError> {
        if self.pins.len() == MAX_PINS {
            return Err(source.error_in(pin.line, format!("the limit is {MAX_PINS} pins")));
        }
        for phrase in &pin.phrases {
            let key = title_key(phrase)
                .ok_or_else(|| source.error_in(pin.line, format!("the phrase {phrase:?} has no words")))?;
            if let Some(other) =
                self.by_phrase.insert(key, self.pins.len()).filter(|nth| *nth < self.pins.len())
            {
                let other = self.pins[other].line;
                return Err(source
                    .error_in(pin.line, format!("the pin in line {other} has the phrase {phrase:?} too")));
            }
        }
        self.pins.push(pin);
        Ok(())
    }

    /// The pins, in the order of the file.
    pub fn entries(&self) -> &[Pin] {
        &self.pins
    }

    /// The pin with a phrase that has the same [`title_key`].
    pub fn of_phrase(&self, phrase: &str) -> Option<&Pin> {
        if self.pins.is_empty() {
            return None;
        }
        self.by_phrase.get(&title_key(phrase)?).map(|nth| &self.pins[*nth])
    }

    /// Each phrase that a pin applies to by its meaning, with the pin.
    pub fn by_meaning(&self) -> impl Iterator<Item = (&Pin, &str)> {
        let pins = self.pins.iter().filter(|pin| pin.meaning.is_some());
        pins.flat_map(|pin| pin.phrases.iter().map(move |phrase| (pin, phrase.as_str())))
    }
}

fn parsed(source: &Source<'_>, table: &dyn TableLike, line: u64) -> Result<Pin, CurationError> {
    const ALLOWED: &str = "\"phrase\", \"meaning\", \"ids\", \"hide\", \"note\", \"by\" and \"date\"";
    let mut pin = Pin { line, ..Pin::default() };
    for (name, item) in table.iter() {
        let texts = || Ok(source.texts(name, item)?.into_iter().map(|Text { text, .. }| text).collect());
        let text = || source.text(name, item).map(|found| Some(found.text));
        match name {
            "phrase" => pin.phrases = texts()?,
            "meaning" => pin.meaning = meaning(source, item)?,
            "ids" => pin.ids = texts()?,
            "hide" => pin.hide = texts()?,
            "note" => pin.note = text()?,
            "by" => pin.by = text()?,
            "date" => pin.date = date(item).map_or_else(text, |date| Ok(Some(date)))?,
            _ => return Err(source.unknown_key(table, name, ALLOWED)),
        }
    }
    let problem = match &pin {
        Pin { phrases, .. } if phrases.is_empty() => Some("the pin has no \"phrase\"".to_owned()),
        Pin { ids, hide, .. } if ids.is_empty() && hide.is_empty() => {
            Some("the pin has neither \"ids\" nor \"hide\"".to_owned())
        }
        Pin { ids, hide, .. } if ids.len() + hide.len() > MAX_IDS => {
            Some(format!("a pin has at most {MAX_IDS} ids"))
        }
        Pin { ids, hide, .. } => ids
            .iter()
            .find(|id| hide.contains(id))
            .map(|id| format!("{id:?} is both in \"ids\" and in \"hide\"")),
    };
    match problem {
        Some(problem) => Err(source.error_in(line, problem)),
        None => Ok(pin),
    }
}

fn meaning(source: &Source<'_>, item: &Item) -> Result<Option<f32>, CurationError> {
    let value = item.as_value();
    let number =
        value.and_then(|value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64)));
    match (value.and_then(Value::as_bool), number) {
        (Some(true), _) => Ok(Some(DEFAULT_MEANING)),
        (Some(false), _) => Ok(None),
        (None, Some(number)) if (0.0..=1.0).contains(&number) => Ok(Some(number as f32)),
        _ => Err(source.error(item.span(), "meaning must be a cosine from 0 to 1, or true for 0.8")),
    }
}

/// A date of TOML, as written.
fn date(item: &Item) -> Option<String> {
    item.as_value()?.as_datetime().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_phrases_ids_and_who_decided_it() {
        let text = "# pins\n[[pin]]\nphrase = [\"refund\", \"money back\"]\nmeaning = true\nids = [\"a\", \"b\"]\n\
                    hide = \"c\"\nnote = \"since May\"\nby = \"Ana\"\ndate = 2026-11-29\n\n\
                    [[pin]]\nphrase = \"ship\"\nids = \"d\"\nmeaning = 0.9\n";
        let pins = Pins::parse("p.toml", text).unwrap();
        let pin = pins.of_phrase(" Money back! ").unwrap();
        assert_eq!((pin.line, pin.meaning), (2, Some(DEFAULT_MEANING)));
        assert_eq!((pin.ids.len(), pin.hide.as_slice()), (2, &["c".to_owned()][..]));
        assert_eq!(pin.date.as_deref(), Some("2026-11-29"));
        let by_meaning: Vec<&str> = pins.by_meaning().map(|(_, phrase)| phrase).collect();
        assert_eq!(by_meaning, ["refund", "money back", "ship"]);
        assert_eq!(pins.of_phrase("shipping"), None);
    }

    #[test]
    fn errors_name_the_line_and_what_is_allowed() {
        for (text, expected) in [
            ("pins = []", "p.toml:1: \"pins\" is not a key here; allowed are [[pin]]"),
            ("[pin]\nphrase = \"a\"", "p.toml:1: write each pin below [[pin]]"),
            ("\n[[pin]]\nids = [\"a\"]", "p.toml:2: the pin has no \"phrase\""),
            ("[[pin]]\nphrase = \"a\"", "p.toml:1: the pin has neither \"ids\" nor \"hide\""),
            (
                "[[pin]]\nphrase = \"a\"\nid = \"b\"",
                "p.toml:3: \"id\" is not a key here; allowed are \"phrase\"",
            ),
            ("[[pin]]\nphrase = \"a\"\nids = 3", "p.toml:3: ids must be a text or a list"),
            ("[[pin]]\nphrase = \"a\"\nmeaning = 7", "p.toml:3: meaning must be a cosine from 0 to 1"),
            ("[[pin]]\nphrase = \"?\"\nids = \"b\"", "p.toml:1: the phrase \"?\" has no words"),
            ("[[pin]]\nphrase = \"a\"\nids = \"b\"\nhide = \"b\"", "p.toml:1: \"b\" is both"),
            (
                "[[pin]]\nphrase = \"a\"\nids = \"b\"\n[[pin]]\nphrase = [\"c\", \"A!\"]\nids = \"b\"",
                "p.toml:4: the pin in line 1 has the phrase \"A!\" too",
            ),
        ] {
            let error = Pins::parse("p.toml", text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_pin_may_have_one_phrase_in_two_spellings() {
        let text = "[[pin]]\nphrase = [\"Refund\", \"refund?\"]\nids = \"b\"";
        assert_eq!(Pins::parse("p.toml", text).unwrap().entries().len(), 1);
    }
}
