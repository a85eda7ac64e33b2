//! The words of an index: the terms with their occurrences, and the words that stand for each term.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter;

use super::documents::{Document, Documents};
use super::parts::{Entry, by_key, split};
use crate::analyze::{Language, Script, Token, folded, spelled_out, tokens_in};
use crate::index::Index;
use crate::search::{COMPOUND_PART, FieldWeights, MAX_COMPOUNDS};
use crate::worker_threads;

/// If all words together have at most so many bytes, before compression, they are one part: then a typo is found wherever
/// it is. Otherwise, parts have at most the second number of bytes.
const ONE_PART: usize = 320 * 1024;
const PART: usize = 48 * 1024;

/// An ending is a rule if the terms of so many words show it. At most so many rules are kept.
const SEEN_ENDINGS: usize = 3;
const MAX_ENDINGS: usize = 300;

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

/// The words of the questions.
pub struct Words {
    /// All terms, in the order of [`by_key`].
    pub terms: Vec<Term>,
    words: Vec<Word>,
}

/// What a question contains: the frequency of each term, and its words as written.
struct Contents {
    terms: HashMap<String, f32>,
    written: BTreeSet<String>,
}

impl Words {
    /// Analyzes questions.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn of(index: &Index, documents: &Documents) -> anyhow::Result<Self> {
        let weights = FieldWeights::of_means(index.statistics()?.mean_lengths.map(rounded));
        let mut occurrences: HashMap<String, Vec<(u32, f32)>> = HashMap::new();
        let mut written = BTreeSet::new();
        for batch in documents.questions.chunks(BATCH) {
            for (document, contents) in batch.iter().zip(worker_threads::map(batch, |one| contents(one, &weights))) {
                for (term, frequency) in contents.terms {
                    occurrences.entry(term).or_default().push((document.number, frequency));
                }
                written.extend(contents.written);
            }
        }
        let words = words(written, &occurrences, index.languages());
        let mut terms: Vec<Term> =
            occurrences.into_iter().map(|(text, occurrences)| Term { text, occurrences }).collect();
        terms.sort_by(|a, b| by_key(&a.text, &b.text));
        Ok(Self { terms, words })
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

    /// How words change to terms, for words that no question contains: `ning` is removed, `y>i` is replaced. Longer
    /// endings come first, and frequent ones before rare ones.
    pub fn endings(&self) -> String {
        let mut seen: HashMap<(String, String), usize> = HashMap::new();
        for word in &self.words {
            let Some(term) = word.terms.first() else { continue };
            let same = common(&word.text, term);
            let (Some(removed), Some(added)) = (word.text.get(same..), term.get(same..)) else { continue };
            if !removed.is_empty() && same >= 2 {
                *seen.entry((removed.to_owned(), added.to_owned())).or_default() += 1;
            }
        }
        let mut seen: Vec<((String, String), usize)> =
            seen.into_iter().filter(|(_, count)| *count >= SEEN_ENDINGS).collect();
        seen.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        seen.truncate(MAX_ENDINGS);
        seen.sort_by_key(|((removed, _), count)| (Reverse(removed.chars().count()), Reverse(*count)));
        let rule = |((removed, added), _): ((String, String), usize)| match added.is_empty() {
            true => removed,
            false => format!("{removed}>{added}"),
        };
        seen.into_iter().map(rule).collect::<Vec<_>>().join(" ")
    }
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
    let mut contents = Contents { terms: HashMap::new(), written: BTreeSet::new() };
    for (field, texts) in fields.iter().enumerate() {
        let tokens: Vec<(&str, Token)> = texts
            .iter()
            .flat_map(|text| tokens_in(text, &[document.language]).into_iter().map(move |token| (*text, token)))
            .collect();
        let length: usize = tokens.iter().map(|(_, token)| token.terms().count()).sum();
        let weight = weights.of(field, length as u32);
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

/// The words that stand for other terms than themselves.
fn words(
    written: BTreeSet<String>,
    occurrences: &HashMap<String, Vec<(u32, f32)>>,
    languages: &[Language],
) -> Vec<Word> {
    let compounds = match languages.iter().any(|language| language.is_compounding()) {
        true => compounds(occurrences.keys().map(String::as_str)),
        false => HashMap::new(),
    };
    let mut words: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for written in written {
        let terms: Vec<String> = tokens_in(&written, languages)
            .iter()
            .filter(|token| is_stemmed(token))
            .flat_map(Token::terms)
            .filter(|term| occurrences.contains_key(*term))
            .map(str::to_owned)
            .collect();
        for text in iter::once(folded(&written)).chain(spelled_out(&written)) {
            let known = words.entry(text).or_default();
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
        let is_itself = terms.len() == 1 && terms[0] == text && compounds.is_empty();
        (!is_itself && !terms.is_empty()).then_some(Word { text, terms, compounds })
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
        for nth in COMPOUND_PART..=borders.len().saturating_sub(COMPOUND_PART) {
            let (head, tail) = term.split_at(borders[nth]);
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
    let reference = |mark: &'static str| {
        move |term: &String| format!("{mark}{}", reference(&word.text, term))
    };
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
