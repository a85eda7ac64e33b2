//! Notes exported from Anki as text (<https://docs.ankiweb.net/exporting.html#notes-in-plain-text>): one note a
//! line, its fields between tabs, after headers such as `#html:true`.

use std::io;

use csv::StringRecord;
use serde_json::Value;

use super::delimited::{builder, read_records, sample};
use super::record::{Record, is_question};
use crate::read::emit::Emit;
use crate::read::mapping::Mapping;
use crate::read::markup;
use crate::read::text::Text;

/// A longer sound or gap is text, in bytes.
const LONGEST_GAP: usize = 4000;

/// What the headers say. Columns count from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    delimiter: u8,
    html: bool,
    tags: Vec<String>,
    deck: Option<String>,
    tags_column: Option<usize>,
    deck_column: Option<usize>,
    guid_column: Option<usize>,
    note_type_column: Option<usize>,
}

/// The notes of an export, by its beginning. Unless the file is one for sure, without headers every line must have two
/// or three fields, and the first must read like a text.
pub fn notes(head: &str, is_sure: bool) -> Option<Notes> {
    let (mut notes, has_headers) = Notes::by_headers(head);
    let sample = sample(&builder(notes.delimiter, true), head, 2);
    if !is_sure && !has_headers && !are_cards(&sample) {
        return None;
    }
    if notes.tags_column.is_none()
        && sample.iter().all(|note| note.len() >= 3 && note.len() == sample[0].len())
    {
        let last = sample.first()?.len() - 1;
        notes.tags_column = sample.iter().all(|note| are_tags(&note[last])).then_some(last);
    }
    Some(notes)
}

/// Reads the notes of an export.
pub fn read(notes: &Notes, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
    let mapping = text.mapping();
    let record = |note: &StringRecord| Record::mapped(notes.pairs(note, &mapping), &mapping);
    read_records(&mut builder(notes.delimiter, true), false, text, record, emit)
}

fn separator(value: &str) -> Option<u8> {
    match value.trim_matches(' ').to_lowercase().as_str() {
        "tab" | "\\t" => Some(b'\t'),
        "comma" => Some(b','),
        "semicolon" => Some(b';'),
        "space" => Some(b' '),
        "pipe" => Some(b'|'),
        "colon" => Some(b':'),
        other => other.bytes().next().filter(u8::is_ascii),
    }
}

fn guessed_separator(head: &str) -> u8 {
    let first = head.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
    [b'\t', b'|', b';', b',']
        .into_iter()
        .find(|delimiter| first.as_bytes().contains(delimiter))
        .unwrap_or(b'\t')
}

/// Whether these lines are a list of cards, and not prose, a log or a list of numbers.
fn are_cards(sample: &[StringRecord]) -> bool {
    let share = |test: &dyn Fn(&StringRecord) -> bool| {
        sample.iter().filter(|note| test(note)).count() * 10 / sample.len().max(1)
    };
    let words =
        |text: &str| text.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count();
    let fits = |note: &StringRecord| {
        note.len() == sample[0].len()
            && (2..=3).contains(&note.len())
            && words(&note[0]) > 0
            && !note[1].trim().is_empty()
    };
    let mut fronts: Vec<&str> = sample.iter().filter_map(|note| note.get(0)).collect();
    fronts.sort_unstable();
    fronts.dedup();
    sample.len() > 1
        && sample.iter().all(fits)
        && fronts.len() * 10 >= sample.len() * 9
        && (share(&|note| is_question(&note[0])) >= 5 || share(&|note| words(&note[0]) > 1) >= 8)
}

/// Words without the signs of a sentence.
fn are_tags(text: &str) -> bool {
    text.split_whitespace().count() <= 8 && !text.contains(['.', ',', '?', '!', '<', '>', '(', ')', ';'])
}

impl Notes {
    /// What the headers say, and whether there are any.
    fn by_headers(head: &str) -> (Self, bool) {
        let mut notes = Self::default();
        let mut delimiter = None;
        let mut has_headers = false;
        for line in head.lines().take_while(|line| line.starts_with('#')) {
            let Some((name, value)) = line[1..].split_once(':') else { continue };
            let column = || value.trim().parse::<usize>().ok().and_then(|column| column.checked_sub(1));
            match name {
                "separator" => delimiter = separator(value),
                "html" => notes.html = value.trim() == "true",
                "tags" => notes.tags = value.split_whitespace().map(str::to_owned).collect(),
                "deck" => notes.deck = Some(value.trim().to_owned()),
                "tags column" => notes.tags_column = column(),
                "deck column" => notes.deck_column = column(),
                "guid column" => notes.guid_column = column(),
                "notetype column" => notes.note_type_column = column(),
                "notetype" | "columns" | "if matches" => {}
                _ => continue,
            }
            has_headers = true;
        }
        notes.delimiter = match delimiter {
            Some(delimiter) => delimiter,
            None if has_headers => guessed_separator(head),
            None => b'\t',
        };
        (notes, has_headers)
    }

    /// The names and values of a note. Mapped fields have their number as name.
    pub fn pairs(&self, note: &StringRecord, mapping: &Mapping) -> Vec<(String, Value)> {
        let number = |column: usize| (column + 1).to_string();
        let is_mapped = |column: &usize| mapping.uses(&number(*column));
        let mapped = (0..note.len())
            .filter(is_mapped)
            .map(|column| (number(column), self.field(&note[column]).into()));
        let special = [self.tags_column, self.deck_column, self.guid_column, self.note_type_column];
        let is_special = |column: &usize| special.contains(&Some(*column)) || is_mapped(column);
        let mut fields = (0..note.len()).filter(|column| !is_special(column)).map(|column| &note[column]);
        let title = if mapping.maps("question") { None } else { fields.next() };
        let title = self.text(title.unwrap_or_default());
        let title = if self.html { markup::title(&format!("<p>{title}</p>")) } else { title };
        let answer: Vec<String> =
            fields.map(|field| self.field(field)).filter(|field| !field.trim().is_empty()).collect();
        let column = |column: Option<usize>| column.and_then(|column| note.get(column)).unwrap_or_default();
        let tags = column(self.tags_column).split_whitespace().chain(self.tags.iter().map(String::as_str));
        let deck = match column(self.deck_column) {
            "" => self.deck.as_deref().unwrap_or_default(),
            deck => deck,
        };
        let tags: Value = tags.collect();
        let named = [
            ("question", title.into()),
            ("answer", answer.join("\n\n").into()),
            ("tags", tags),
            ("section", deck.into()),
            ("id", column(self.guid_column).into()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        mapped.chain(named).collect()
    }

    /// A field in Markdown.
    fn field(&self, field: &str) -> String {
        let text = self.text(field);
        if self.html { markup::html_to_markdown(&text) } else { text }
    }

    /// A field without sounds, and with the text of its gaps: `{{c1::Lima::city}}` → `Lima`.
    fn text(&self, field: &str) -> String {
        let mut text = String::with_capacity(field.len());
        let mut rest = field;
        while let Some(at) = rest.find(['[', '{']) {
            let (before, here) = rest.split_at(at);
            text.push_str(before);
            // Without a limit, a field of nothing but beginnings would be searched once for each.
            let near = &here[..here.floor_char_boundary(LONGEST_GAP)];
            let sound = near.strip_prefix("[sound:").and_then(|sound| sound.find(']'));
            let sound = sound.map(|end| ("", &here["[sound:".len() + end + 1..]));
            let gap = || {
                let (gap, _) = near.strip_prefix("{{c")?.split_once("}}")?;
                let after = &here["{{c".len() + gap.len() + "}}".len()..];
                let (number, gap) = gap.split_once("::")?;
                let is_gap = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                is_gap.then(|| (gap.split_once("::").map_or(gap, |(gap, _)| gap), after))
            };
            let (shown, after) = sound.or_else(gap).unwrap_or_else(|| here.split_at(1));
            text.push_str(shown);
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::read::table::Table;
    use crate::read::{Reader, testing};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        testing::check(&Table, "txt", text, expected);
    }

    #[test]
    fn sounds_and_gaps_without_an_end_are_text() {
        let notes = super::Notes::default();
        let open = "{{c1::a [sound:b ".repeat(1000);
        assert_eq!(notes.text(&open), open);
        assert_eq!(notes.text("In {{c2::Lima::city}}[sound:c.mp3]."), "In Lima.");
    }

    #[test]
    fn notes_with_headers() {
        check(
            "#separator:tab\n#html:true\nWhy wax?\tIt lasts.<br>It shines.\trope wax\n\"Is \"\"it\"\"\nhard?\"\t<b>No</b> &amp; never.\t\n",
            "3 Why wax? = It lasts.|It shines.\n4 Is \"it\" hard? = **No** & never.",
        );
        check(
            "#separator:tab\n#html:false\n#guid column:1\n#notetype column:2\n#deck column:3\n#tags column:6\ng1\tBasic\tRopes::Care\tWax\tIt [sound:a.mp3] lasts.\ta b\ng2\tCloze\t\t{{c1::Bends::knot}} hold.\t\t\n",
            "7 #g1 Ropes::Care > Wax = It  lasts.\n8 #g2 Bends hold. = ",
        );
        check("#separator:Semicolon\n#deck:Ropes\nWax;It lasts.\n", "3 Ropes > Wax = It lasts.");
        check(
            "#html:true\nVec&lt;T&gt; in <i>Rust</i>\tA list.\tMore about it, at length.\n",
            "2 Vec<T> in Rust = A list.||More about it, at length.",
        );
    }

    #[test]
    fn tags_are_separated_by_spaces() {
        let text = "#separator:tab\n#tags:all\nWhy wax?\tIt lasts.\trope care::wax\n";
        let records = testing::read(&Table, "txt", text.as_bytes());
        assert_eq!(records[0].as_ref().unwrap().tags, ["rope", "care::wax", "all"]);
    }

    #[test]
    fn notes_without_headers() {
        check(
            "capital of Peru\tLima\tgeo\nlongest river\tNile\tgeo\nWhat is wax?\tA material.\tcare\n",
            "1 capital of Peru = Lima\n2 longest river = Nile\n3 What is wax? = A material.",
        );
        for text in [
            "Why wax?\tIt lasts.\nA line of prose without a tab.\nIs it hard?\tNo.\n",
            "1.\tHow deep?\n2.\tHow far?\n3.\tHow long?\n",
            "the\t1200\nof\t800\nand\t700\n",
            "INFO server\tstarted\nINFO server\tlistens\nINFO server\tstops\nINFO server\tstarts\n",
            "\tindented line\n\tanother one\n",
            "# heading\n\nWhy wax?\n",
            "a\tb\tc\td\ne\tf\tg\th\n",
        ] {
            assert_eq!(Table.fit("txt", text), 0, "{text}");
        }
    }
}
