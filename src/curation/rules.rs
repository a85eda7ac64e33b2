//! Synonyms as they are looked up in phrases.
//!
//! Words are compared as in titles: case, accents and the punctuation around them do not count. A word of four letters or
//! more is compared by its stem, so that `refunds` finds the synonyms of `refund`.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use super::synonyms::{Synonym, Synonyms};
use crate::analyze::{Language, Script, detect, tokens_in};
use crate::title::title_key;

/// The most synonyms of one phrase, and the most expansions of each. They bound the time for a long text.
const MAX_FIRED: usize = 16;
const MAX_EXPANSIONS: usize = 16;

/// The most phrases with expansions that are embedded.
const MAX_VARIANTS: usize = 3;

/// The most phrases with expansions that are compared with titles.
const MAX_TITLES: usize = 32;

/// Words with fewer letters have no stem, or are names.
const MIN_STEM: usize = 4;

/// A phrase of at most so many words does not show its language.
const SHORT_PHRASE: usize = 3;

/// English words that a short name can be written like. An entry such as `IT` or `US`, in capitals, does not apply to them.
const FUNCTION_WORDS: [&str; 48] = [
    "a", "all", "am", "an", "and", "any", "are", "as", "at", "be", "but", "by", "can", "do", "for", "go",
    "has", "he", "his", "how", "i", "if", "in", "is", "it", "its", "may", "me", "my", "no", "not", "of",
    "on", "or", "our", "out", "she", "so", "that", "the", "this", "to", "up", "us", "was", "we", "who",
    "will",
];

/// A synonym that a phrase contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Where it is in the phrase, in bytes.
    pub range: Range<usize>,
    /// As the phrase writes it.
    pub written: String,
    /// What it finds besides itself.
    pub expansions: Vec<Expansion>,
}

impl Fired {
    /// Whether it contains a range of the phrase.
    pub fn contains(&self, range: Range<usize>) -> bool {
        self.range.start <= range.start && range.end <= self.range.end
    }
}

/// What a synonym finds besides itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// As the file writes it.
    pub text: String,
    /// The language of the entry. `None` for all.
    pub language: Option<Language>,
    /// The line of the entry in the file, from 1.
    pub line: u64,
}

/// Which entry a text belongs to.
#[derive(Clone, Copy, Debug)]
struct Place {
    entry: usize,
    /// Its position in [`Synonym::from`].
    nth: usize,
}

/// The synonyms for an index with questions in some languages.
#[derive(Debug)]
pub struct Rules {
    languages: Vec<Language>,
    /// The entries of each text that is written with spaces, by its normalized words.
    words: HashMap<String, Vec<Place>>,
    /// The most words of a text.
    longest: usize,
    /// The texts in scripts without spaces. They are looked for anywhere in a phrase.
    unspaced: Vec<(String, Place)>,
}

impl Rules {
    pub fn new(synonyms: &Synonyms, languages: &[Language]) -> Self {
        let languages = languages.to_vec();
        let mut rules = Self { languages, words: HashMap::new(), longest: 0, unspaced: Vec::new() };
        for (entry, synonym) in synonyms.entries().iter().enumerate() {
            for (nth, text) in synonym.from.iter().enumerate() {
                rules.add(text, Place { entry, nth });
            }
        }
        rules
    }

    fn add(&mut self, text: &str, place: Place) {
        if text.chars().any(is_unspaced) {
            self.unspaced.push((text.to_lowercase(), place));
            return;
        }
        let words = words(text, &self.languages);
        if !words.is_empty() {
            self.longest = self.longest.max(words.len());
            self.words.entry(joined(&words)).or_default().push(place);
        }
    }

    /// The synonyms of a phrase: see [`Curation::fired`](super::Curation::fired).
    pub fn fired(&self, synonyms: &Synonyms, phrase: &str) -> Vec<Fired> {
        let words = words(phrase, &self.languages);
        let language = OnceCell::new();
        let applies = |place: &Place, range: &Range<usize>| {
            let entry = &synonyms.entries()[place.entry];
            let is_spoken = |wanted: Language| {
                self.languages.contains(&wanted)
                    && (words.len() <= SHORT_PHRASE || *language.get_or_init(|| detect(phrase)) == wanted)
            };
            entry.language.is_none_or(is_spoken) && is_meant(&entry.from[place.nth], &phrase[range.clone()])
        };
        let mut fired = Vec::new();
        let mut at = 0;
        while at < words.len() && fired.len() < MAX_FIRED {
            let found = (1..=self.longest.min(words.len() - at)).rev().find_map(|count| {
                let here = &words[at..at + count];
                let range = here[0].0.start..here[count - 1].0.end;
                let places = self.words.get(&joined(here))?;
                let places: Vec<Place> =
                    places.iter().filter(|place| applies(place, &range)).copied().collect();
                Some((count, expanded(synonyms, &places, phrase, range)?))
            });
            at += found.as_ref().map_or(1, |(count, _)| *count);
            fired.extend(found.map(|(_, fired)| fired));
        }
        self.add_unspaced(synonyms, phrase, applies, &mut fired);
        fired
    }

    /// Adds the synonyms in scripts without spaces that do not overlap others.
    fn add_unspaced(
        &self,
        synonyms: &Synonyms,
        phrase: &str,
        applies: impl Fn(&Place, &Range<usize>) -> bool,
        fired: &mut Vec<Fired>,
    ) {
        // Letter case does not change the length of these scripts; other letters may.
        let lower = phrase.to_lowercase();
        if self.unspaced.is_empty() || lower.len() != phrase.len() || !phrase.chars().any(is_unspaced) {
            return;
        }
        let mut found: Vec<(Range<usize>, Place)> = Vec::new();
        for (text, place) in &self.unspaced {
            let ranges = lower.match_indices(text.as_str()).map(|(at, text)| at..at + text.len());
            let is_char = |range: &Range<usize>| phrase.get(range.clone()).is_some();
            found.extend(
                ranges.filter(is_char).filter(|range| applies(place, range)).map(|range| (range, *place)),
            );
        }
        // The first, and of several at the same place the longest.
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        for same in found.chunk_by(|a, b| a.0 == b.0) {
            let range = &same[0].0;
            let overlaps = |other: &Fired| other.range.start < range.end && range.start < other.range.end;
            if fired.len() < MAX_FIRED && !fired.iter().any(overlaps) {
                let places: Vec<Place> = same.iter().map(|(_, place)| *place).collect();
                fired.extend(expanded(synonyms, &places, phrase, range.clone()));
            }
        }
        fired.sort_by_key(|fired| fired.range.start);
    }
}

/// The expansions of a text of a phrase. `None` if there are none.
fn expanded(synonyms: &Synonyms, places: &[Place], phrase: &str, range: Range<usize>) -> Option<Fired> {
    let mut expansions: Vec<Expansion> = Vec::new();
    for Place { entry, nth } in places {
        let entry: &Synonym = &synonyms.entries()[*entry];
        for text in entry.expansions(*nth) {
            let is_new = expansions.iter().all(|other| other.text != text);
            if is_new && expansions.len() < MAX_EXPANSIONS {
                expansions.push(Expansion {
                    text: text.to_owned(),
                    language: entry.language,
                    line: entry.line,
                });
            }
        }
    }
    let written = phrase[range.clone()].to_owned();
    (!expansions.is_empty()).then_some(Fired { range, written, expansions })
}

/// Whether a text of a file is meant by a text of a phrase with the same words: see [`FUNCTION_WORDS`].
fn is_meant(text: &str, written: &str) -> bool {
    let is_name =
        text.chars().any(char::is_uppercase) && FUNCTION_WORDS.contains(&text.to_lowercase().as_str());
    !is_name || text == written
}

/// The words of a text, normalized, with their places. Words are separated by white space, or by a hyphen or slash
/// between letters.
fn words(text: &str, languages: &[Language]) -> Vec<(Range<usize>, String)> {
    let is_joint = |c: char| matches!(c, '-' | '/' | '‐' | '‑');
    let mut words = Vec::new();
    for piece in text.split_whitespace() {
        let is_joined = piece.trim_matches(is_joint).contains(is_joint) && !piece.starts_with(is_joint);
        let parts: Vec<&str> = if is_joined { piece.split(is_joint).collect() } else { vec![piece] };
        for part in parts {
            let start = part.as_ptr() as usize - text.as_ptr() as usize;
            if let Some((range, key)) = word(part, languages) {
                words.push((start + range.start..start + range.end, key));
            }
        }
    }
    words
}

/// A normalized word, and where it is without the punctuation around it. `None` if nothing is left.
fn word(written: &str, languages: &[Language]) -> Option<(Range<usize>, String)> {
    let key = title_key(written)?;
    let is_mark = |c: char| !c.is_alphanumeric() && !key.starts_with(c) && !key.ends_with(c);
    let bare = written.trim_matches(is_mark);
    let start = bare.as_ptr() as usize - written.as_ptr() as usize;
    let is_plain = key.chars().all(char::is_alphabetic) && key.chars().nth(MIN_STEM - 1).is_some();
    let stem = is_plain.then(|| tokens_in(&key, languages)).and_then(|tokens| tokens.into_iter().next());
    Some((start..start + bare.len(), stem.map_or(key, |token| token.text)))
}

fn joined(words: &[(Range<usize>, String)]) -> String {
    words.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(" ")
}

fn is_unspaced(c: char) -> bool {
    Script::of(c).is_some_and(Script::is_unspaced)
}

/// The phrase with each synonym replaced by an expansion, for the embedding model: by the first of each, the second of
/// each, and so on, at most three phrases. A synonym with fewer expansions repeats them.
pub fn variants(phrase: &str, fired: &[Fired]) -> Vec<String> {
    let most = fired.iter().map(|fired| fired.expansions.len()).max().unwrap_or(0);
    let variant = |nth: usize| {
        replaced(phrase, fired, |fired, _| Some(fired.expansions[nth % fired.expansions.len()].text.as_str()))
    };
    (0..most.min(MAX_VARIANTS)).map(variant).collect()
}

/// The phrases that result if each synonym is replaced by any of its expansions or kept, at most 32, without the phrase
/// itself.
pub fn titles(phrase: &str, fired: &[Fired]) -> Vec<String> {
    let mut chosen: Vec<Vec<usize>> = vec![Vec::new()];
    for fired in fired {
        let choices = 0..=fired.expansions.len();
        chosen = choices
            .flat_map(|choice| chosen.iter().map(move |before| [before.as_slice(), &[choice]].concat()))
            .take(MAX_TITLES + 1)
            .collect();
    }
    let replaced = chosen.iter().skip(1).map(|chosen| {
        replaced(phrase, fired, |fired, nth| {
            // 0 keeps the word.
            Some(fired.expansions[chosen[nth].checked_sub(1)?].text.as_str())
        })
    });
    replaced.collect()
}

/// The phrase with some synonyms replaced. `choose` gets each synonym with its position.
fn replaced<'a>(
    phrase: &str,
    fired: &'a [Fired],
    choose: impl Fn(&'a Fired, usize) -> Option<&'a str>,
) -> String {
    let mut text = String::with_capacity(phrase.len());
    let mut end = 0;
    for (nth, fired) in fired.iter().enumerate() {
        if let Some(expansion) = choose(fired, nth) {
            text.push_str(&phrase[end..fired.range.start]);
            text.push_str(expansion);
            end = fired.range.end;
        }
    }
    text.push_str(&phrase[end..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        same = [
            ["k8s", "kubernetes"],
            ["OOM", "out of memory"],
            ["refund", "money back"],
            ["C++", "cpp"],
            ["memory", "RAM"],
            ["退款", "退钱"],
        ]
        [expand]
        CI = ["continuous integration", "build server"]
        IT = "information technology"
        [de]
        same = [["Lkw", "Lastkraftwagen"]]
    "#;

    fn fired(phrase: &str) -> Vec<Fired> {
        let synonyms = Synonyms::parse("s.toml", FILE).unwrap();
        Rules::new(&synonyms, &[Language::German, Language::English]).fired(&synonyms, phrase)
    }

    #[track_caller]
    fn check(phrase: &str, expected: &[(&str, &[&str])]) {
        let fired = fired(phrase);
        let found: Vec<(&str, Vec<&str>)> = fired
            .iter()
            .map(|fired| {
                (
                    fired.written.as_str(),
                    fired.expansions.iter().map(|expansion| expansion.text.as_str()).collect(),
                )
            })
            .collect();
        let expected: Vec<(&str, Vec<&str>)> =
            expected.iter().map(|(written, texts)| (*written, texts.to_vec())).collect();
        assert_eq!(found, expected, "{phrase}");
        assert!(fired.iter().all(|fired| phrase[fired.range.clone()] == fired.written));
    }

    #[test]
    fn words_are_found_in_any_case_and_form() {
        check("What is K8S?", &[("K8S", &["kubernetes"])]);
        check("(kubernetes), `k8s`", &[("kubernetes", &["k8s"]), ("k8s", &["kubernetes"])]);
        check("are refunds possible", &[("refunds", &["money back"])]);
        check("is C++ like C", &[("C++", &["cpp"])]);
        check("k8sx and k8", &[]);
        check("", &[]);
    }

    #[test]
    fn several_words_are_found_in_order_and_the_longest_counts() {
        check("killed: out of memory!", &[("out of memory", &["OOM"])]);
        check("an out-of-memory error", &[("out-of-memory", &["OOM"])]);
        check("memory is out", &[("memory", &["RAM"])]);
        check("get my money back, now", &[("money back", &["refund"])]);
    }

    #[test]
    fn one_way_entries_and_names_like_words() {
        check("CI is slow", &[("CI", &["continuous integration", "build server"])]);
        check("continuous integration is slow", &[]);
        check("IT support", &[("IT", &["information technology"])]);
        check("how does it work", &[]);
    }

    #[test]
    fn an_entry_of_a_language_applies_to_its_phrases() {
        check("Lkw mieten", &[("Lkw", &["Lastkraftwagen"])]);
        check("Wie kann ich hier einen Lkw mieten", &[("Lkw", &["Lastkraftwagen"])]);
        check("where can I rent the lkw for a day", &[]);
    }

    #[test]
    fn scripts_without_spaces_need_none() {
        check("怎么申请退款呢", &[("退款", &["退钱"])]);
        check("怎么申请呢", &[]);
    }

    #[test]
    fn phrases_with_expansions() {
        let phrase = "k8s in CI, fast";
        let fired = fired(phrase);
        let both = ["kubernetes in continuous integration, fast", "kubernetes in build server, fast"];
        assert_eq!(variants(phrase, &fired), both);
        let titles = titles(phrase, &fired);
        assert_eq!(titles.len(), 5, "{titles:?}");
        assert!(
            titles.contains(&"kubernetes in CI, fast".to_owned()) && titles.contains(&both[1].to_owned())
        );
        assert!(!titles.contains(&phrase.to_owned()));
        assert_eq!(super::titles("nothing", &[]), [""; 0]);
    }
}
