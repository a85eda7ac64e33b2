//! The words of an index: the terms with their occurrences, and the words that stand for each term.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::iter;

use tantivy::fieldnorm::FieldNormReader;

use super::documents::{Document, Documents};
use super::parts::{Entry, by_key, split};
use crate::analyze::{Language, Script, Token, folded, spelled_out, tokens_in};
use crate::index::{FieldWeights, Index};
use crate::search::{COMPOUND_PART, MAX_COMPOUNDS};
use crate::worker_threads;

/// If all words together have at most so many bytes, before compression, they are one part: then a typo is found wherever
/// it is. Otherwise, parts have at most the second number of bytes.
const ONE_PART: usize = 320 * 1024;
const PART: usize = 48 * 1024;

/// An ending is a rule if the terms of so many words show it, and if it finds the term of at least this fraction of the
/// words that have it. At most so many rules are kept.
const SEEN_ENDINGS: usize = 3;
const RIGHT_ENDINGS: f32 = 0.8;
const MAX_ENDINGS: usize = 400;

/// How many letters are removed from a word that is not English to find more of its forms, which other languages have many
/// of.
const REMOVED_LETTERS: usize = 3;

/// How many questions are analyzed together on one thread.
const BATCH: usize = 64;

/// The occurrences of a term.
pub struct Term {
    /// The term, as the analysis writes it.
    pub text: String,
    /// The numbers of the questions with the term, in order, and its frequency in each: weighted by field and by length
    /// of the field.
    pub occurrences: Vec<(u32, f32)>,
}

/// A word as people write it, without case and accents.
struct Word {
    text: String,
    /// Its terms, the main one first.
    terms: Vec<String>,
    /// Terms that contain one of its terms as a part of a compound.
    compounds: Vec<String>,
}

impl Word {
    /// Whether it stands for itself only.
    fn is_plain(&self) -> bool {
        self.compounds.is_empty() && self.terms == [self.text.as_str()]
    }
}

/// The words of the questions.
pub struct Words {
    /// All terms, in the order of [`by_key`].
    pub terms: Vec<Term>,
    /// The words that stand for other terms than themselves.
    words: Vec<Word>,
    /// The words that stand for themselves only.
    plain: Vec<String>,
    /// The shortest word of each term that differs from it.
    forms: HashMap<String, String>,
}

/// What a question contains: the frequency of each term, and its words as written.
struct Contents {
    terms: HashMap<String, f32>,
    written: BTreeSet<String>,
    language: Language,
}

impl Words {
    /// Analyzes questions.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn of(index: &Index, documents: &Documents) -> anyhow::Result<Self> {
        let weights = FieldWeights::new(index.statistics()?.mean_lengths.map(rounded));
        let mut occurrences: HashMap<String, Vec<(u32, f32)>> = HashMap::new();
        let mut written: BTreeMap<String, BTreeSet<Language>> = BTreeMap::new();
        for batch in documents.questions.chunks(BATCH) {
            for (document, contents) in
                batch.iter().zip(worker_threads::map(batch, |one| contents(one, &weights)))
            {
                for (term, frequency) in contents.terms {
                    occurrences.entry(term).or_default().push((document.number, frequency));
                }
                for word in contents.written {
                    written.entry(word).or_default().insert(contents.language);
                }
            }
        }
        let (words, plain): (Vec<Word>, Vec<Word>) =
            words(written, &occurrences, index.languages()).into_iter().partition(|word| !word.is_plain());
        let mut terms: Vec<Term> =
            occurrences.into_iter().map(|(text, occurrences)| Term { text, occurrences }).collect();
        terms.sort_by(|a, b| by_key(&a.text, &b.text));
        let plain: Vec<String> = plain.into_iter().map(|word| word.text).collect();
        let mut forms: HashMap<String, String> = HashMap::new();
        for word in &words {
            let form = forms.entry(word.terms[0].clone()).or_insert_with(|| word.text.clone());
            if (word.text.len(), &word.text) < (form.len(), form) {
                form.clone_from(&word.text);
            }
        }
        plain.iter().for_each(|text| drop(forms.remove(text)));
        Ok(Self { terms, words, plain, forms })
    }

    /// The parts with all words and terms. A line is a word or a term: how many characters it has in common with the line
    /// before, its other characters, the number of questions that contain it as a term, and the terms that it stands for.
    pub fn parts(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let mut lines: BTreeMap<&str, (usize, Option<&Word>)> = BTreeMap::new();
        for term in &self.terms {
            lines.insert(&term.text, (term.occurrences.len(), None));
        }
        for word in &self.words {
            lines.entry(&word.text).or_default().1 = Some(word);
        }
        let mut lines: Vec<(&str, String)> =
            lines.into_iter().map(|(key, (questions, word))| (key, line(questions, word))).collect();
        lines.sort_by(|a, b| by_key(a.0, b.0));
        let entries: Vec<Entry> = lines
            .iter()
            .map(|(key, rest)| Entry { key: (*key).to_owned(), size: key.len() + rest.len() + 2 })
            .collect();
        let all: usize = entries.iter().map(|entry| entry.size).sum();
        let parts = split(&entries, if all <= ONE_PART { ONE_PART } else { PART });
        let mut rest = lines.as_slice();
        let parts: Vec<(String, Vec<u8>)> = parts
            .into_iter()
            .map(|(start, count)| {
                let (part, after) = rest.split_at(count);
                rest = after;
                (start, front_coded(part).into_bytes())
            })
            .collect();
        parts.into_iter()
    }

    /// The shortest word that stands for a term, or the text itself.
    pub fn shortest_form<'a>(&'a self, term: &'a str) -> &'a str {
        self.forms.get(term).map_or(term, String::as_str)
    }

    /// How words change to terms, for words that no question contains: `ning` is removed, `y>i` is replaced. Longer
    /// endings come first, and frequent ones before rare ones.
    pub fn endings(&self) -> String {
        let seen = self.seen_endings();
        let terms: HashSet<&str> = self.terms.iter().map(|term| term.text.as_str()).collect();
        let is_right = |(rule, count): &(Ending, usize)| {
            *count as f32 >= RIGHT_ENDINGS * (count + self.wrong(rule, &terms)) as f32
        };
        let mut seen: Vec<(Ending, usize)> = seen.into_iter().filter(is_right).collect();
        seen.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        seen.truncate(MAX_ENDINGS);
        seen.sort_by_key(|((removed, _), count)| (Reverse(removed.chars().count()), Reverse(*count)));
        let rule = |((removed, added), _): (Ending, usize)| match added.is_empty() {
            true => removed,
            false => format!("{removed}>{added}"),
        };
        seen.into_iter().map(rule).collect::<Vec<_>>().join(" ")
    }

    /// The endings of words with the endings of their terms, and how often each was seen.
    fn seen_endings(&self) -> HashMap<Ending, usize> {
        let mut seen: HashMap<Ending, usize> = HashMap::new();
        for word in &self.words {
            if let Some(ending) = word.terms.first().and_then(|term| ending(&word.text, term)) {
                *seen.entry(ending).or_default() += 1;
            }
        }
        seen.retain(|_, count| *count >= SEEN_ENDINGS);
        seen
    }

    /// How many words an ending gives the term of another word.
    fn wrong(&self, (removed, added): &Ending, terms: &HashSet<&str>) -> usize {
        let other = |text: &str| {
            let term = format!("{}{added}", text.strip_suffix(removed.as_str())?);
            (term.chars().nth(2).is_some() && terms.contains(term.as_str())).then_some(term)
        };
        let words = self
            .words
            .iter()
            .filter(|word| other(&word.text).is_some_and(|term| !word.terms.contains(&term)));
        let stems = self.plain.iter().filter(|text| other(text).is_some());
        words.count() + stems.count()
    }
}

/// What is removed from a word and added to get its term.
type Ending = (String, String);

fn ending(word: &str, term: &str) -> Option<Ending> {
    let same = common(word, term);
    let (removed, added) = (&word[same..], &term[same..]);
    (!removed.is_empty() && word[..same].chars().nth(1).is_some())
        .then(|| (removed.to_owned(), added.to_owned()))
}

/// The shorter forms of a word that have one of its terms in one of these languages. English is left out: its forms are
/// found by their endings.
fn shorter_forms<'a>(word: &'a str, terms: &[String], languages: &BTreeSet<Language>) -> Vec<&'a str> {
    let languages: Vec<Language> =
        languages.iter().filter(|language| **language != Language::English).copied().collect();
    if languages.is_empty() {
        return Vec::new();
    }
    let ends = word.char_indices().rev().map(|(at, _)| at).take(REMOVED_LETTERS);
    let is_form = |form: &&str| {
        let tokens = tokens_in(form, &languages);
        tokens.iter().flat_map(Token::terms).any(|term| terms.iter().any(|own| own == term))
    };
    ends.map(|end| &word[..end]).filter(is_form).collect()
}

/// A mean length with two digits. Otherwise, each new question would change the weights of all occurrences.
pub fn rounded(mean: f32) -> f32 {
    let unit = 10_f32.powi(mean.log10().floor() as i32 - 1);
    (mean / unit).round() * unit
}

fn contents(document: &Document, weights: &FieldWeights) -> Contents {
    let question = &document.question;
    let answer = question.readable_answer();
    let fields: [Vec<&str>; 3] =
        [vec![&question.title], question.also.iter().map(String::as_str).collect(), vec![&answer]];
    let mut contents =
        Contents { terms: HashMap::new(), written: BTreeSet::new(), language: document.language };
    for (field, texts) in fields.iter().enumerate() {
        let tokens: Vec<(&str, Token)> = texts
            .iter()
            .flat_map(|text| {
                tokens_in(text, &[document.language]).into_iter().map(move |token| (*text, token))
            })
            .collect();
        let length: usize = tokens.iter().map(|(_, token)| token.terms().count()).sum();
        let weight = weights.of(field, FieldNormReader::fieldnorm_to_id(length as u32));
        for (text, token) in &tokens {
            for term in token.terms() {
                *contents.terms.entry(term.to_owned()).or_default() += weight;
            }
            if is_stemmed(token) {
                contents.written.insert(text[token.start..token.end].to_owned());
            }
        }
    }
    contents
}

/// Whether a token is a word that was stemmed. The script computes all other tokens.
fn is_stemmed(token: &Token) -> bool {
    let script = token.text.chars().next().and_then(Script::of);
    !token.whole && !token.is_unspaced() && script != Some(Script::Hangul)
}

/// The words with the terms that they stand for.
fn words(
    written: BTreeMap<String, BTreeSet<Language>>,
    occurrences: &HashMap<String, Vec<(u32, f32)>>,
    languages: &[Language],
) -> Vec<Word> {
    let compounds = match languages.iter().any(|language| language.is_compounding()) {
        true => compounds(occurrences.keys().map(String::as_str)),
        false => HashMap::new(),
    };
    let mut words: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (written, own_languages) in written {
        let terms: Vec<String> = tokens_in(&written, languages)
            .iter()
            .filter(|token| is_stemmed(token))
            .flat_map(Token::terms)
            .filter(|term| occurrences.contains_key(*term))
            .map(str::to_owned)
            .collect();
        let texts: Vec<String> = iter::once(folded(&written)).chain(spelled_out(&written)).collect();
        let shorter = texts.iter().flat_map(|text| shorter_forms(text, &terms, &own_languages));
        for text in texts.iter().map(String::as_str).chain(shorter) {
            let known = words.entry(text.to_owned()).or_default();
            for term in &terms {
                if !known.contains(term) {
                    known.push(term.clone());
                }
            }
        }
    }
    let word = |(text, terms): (String, Vec<String>)| {
        let longer: BTreeSet<&str> =
            terms.iter().filter_map(|term| compounds.get(term.as_str())).flatten().copied().collect();
        let longer = if longer.len() > MAX_COMPOUNDS { BTreeSet::new() } else { longer };
        let compounds: Vec<String> = longer.into_iter().map(str::to_owned).collect();
        (!terms.is_empty()).then_some(Word { text, terms, compounds })
    };
    words.into_iter().filter_map(word).collect()
}

/// The terms that begin or end with each term and are longer by a part of a compound.
fn compounds<'a>(terms: impl Iterator<Item = &'a str>) -> HashMap<&'a str, Vec<&'a str>> {
    let is_latin = |term: &&str| term.chars().all(|c| Script::of(c) == Some(Script::Latin));
    let terms: BTreeSet<&str> = terms.filter(is_latin).collect();
    let mut compounds: HashMap<&str, Vec<&str>> = HashMap::new();
    for term in &terms {
        let borders: Vec<usize> = term.char_indices().map(|(at, _)| at).collect();
        // Empty if the term is too short for two parts.
        let inside =
            borders.get(COMPOUND_PART..(borders.len() + 1).saturating_sub(COMPOUND_PART)).unwrap_or_default();
        for border in inside {
            let (head, tail) = term.split_at(*border);
            for part in [head, tail] {
                if let Some(part) = terms.get(part) {
                    compounds.entry(part).or_default().push(term);
                }
            }
        }
    }
    compounds
}

/// What follows a word in its line.
fn line(questions: usize, word: Option<&Word>) -> String {
    let questions = if questions == 0 { String::new() } else { base36(questions) };
    let Some(word) = word else { return format!("\t{questions}") };
    let reference =
        |mark: &'static str| move |term: &String| format!("{mark}{}", reference(&word.text, term));
    let terms = word.terms.iter().map(reference("")).chain(word.compounds.iter().map(reference("!")));
    format!("\t{questions}\t{}", terms.collect::<Vec<_>>().join(" "))
}

/// The greatest number that one letter or digit can write.
const ONE_DIGIT: usize = 35;

/// A term as the number of characters to remove from a word, and those to add. `*` removes all of them.
fn reference(word: &str, term: &str) -> String {
    let same = common(word, term);
    let removed = word[same..].encode_utf16().count();
    match removed {
        0..=ONE_DIGIT => format!("{}{}", base36(removed), &term[same..]),
        _ => format!("*{term}"),
    }
}

fn front_coded(lines: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut before = "";
    for (key, rest) in lines {
        let mut same = common(before, key);
        while key[..same].encode_utf16().count() > ONE_DIGIT {
            same = key[..same].char_indices().next_back().map_or(0, |(at, _)| at);
        }
        let count = key[..same].encode_utf16().count();
        text.extend([&base36(count), &key[same..], rest, "\n"]);
        before = key;
    }
    text
}

/// How many bytes two texts have in common at the beginning, in whole characters.
fn common(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}

fn base36(mut number: usize) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).expect("less than 36"));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_written_as_its_difference_from_a_word() {
        for (word, term, expected) in [
            ("running", "run", "4"),
            ("studies", "studi", "2"),
            ("happy", "happi", "1i"),
            ("oesterreich", "osterreich", "asterreich"),
            ("mutex", "mutex", "0"),
        ] {
            assert_eq!(reference(word, term), expected, "{word}");
        }
        assert_eq!(reference(&"é".repeat(40), "x"), "*x");
    }

    #[test]
    fn lines_are_front_coded() {
        let lines = [("lock", "\t3".to_owned()), ("locked", "\t\t2".to_owned()), ("mutex", "\tz".to_owned())];
        assert_eq!(front_coded(&lines), "0lock\t3\n4ed\t\t2\n0mutex\tz\n");
    }

    #[test]
    fn numbers_have_few_digits() {
        assert_eq!([0, 35, 36, 1_295].map(base36), ["0", "z", "10", "zz"]);
        assert_eq!([1.04, 9.34, 183.0, 1_250.0].map(rounded), [1.0, 9.3, 180.0, 1_300.0]);
    }

    #[test]
    fn a_compound_is_found_by_its_parts() {
        let found = compounds(["passwort", "passwortandern", "andern", "pass"].into_iter());
        assert_eq!(found.get("passwort"), Some(&vec!["passwortandern"]));
        assert_eq!(found.get("andern"), Some(&vec!["passwortandern"]));
    }
}
