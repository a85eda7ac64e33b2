//! Compounds: words joined without a space, as in German.
//!
//! No list of words is needed, because the index knows which words exist. A word of a phrase finds the index
//! terms that begin or end with it. A compound that no question contains is split into two terms that do occur.

use super::words::Words as _;
use super::words_of::WordsOf;
use crate::analyze::{Language, Script, Token, phrase_tokens};

/// The fewest letters of a part of a compound.
pub(crate) const PART: usize = 4;

/// The most compounds that a word is looked for in. A word that is part of more is too general.
pub(crate) const MAX_COMPOUNDS: usize = 64;

/// The most terms of a field that are read to find compounds. There are too many to use if there are more.
const TERMS: usize = 8 * MAX_COMPOUNDS;

/// Letters between the parts of a compound: `Arbeit-s-amt`, `Kind-er-garten`.
const LINKING: [&str; 7] = ["", "s", "es", "n", "en", "er", "e"];

/// The index terms that compounds are looked for in.
pub struct Compounds<'a> {
    pub words: &'a WordsOf<'a>,
    /// The languages of the index with compounds.
    pub languages: &'a [Language],
}

impl Compounds<'_> {
    /// The index terms that begin or end with a token and have at least [`PART`] letters more. Empty if the
    /// index has no language with compounds.
    pub fn with(&self, token: &Token) -> tantivy::Result<Vec<String>> {
        let mut compounds = Vec::new();
        if !self.may_be_compound(token) {
            return Ok(compounds);
        }
        for word in token.terms().filter(|word| word.chars().count() >= PART) {
            let longer =
                |term: &String| term.chars().count() >= word.chars().count() + PART && is_latin(term);
            compounds.extend(self.words.beginning_with(word, TERMS)?.into_iter().filter(longer));
            compounds.extend(self.words.ending_with(word, TERMS)?.into_iter().filter(longer));
        }
        compounds.sort();
        compounds.dedup();
        Ok(if compounds.len() > MAX_COMPOUNDS { Vec::new() } else { compounds })
    }

    /// The index terms that a compound consists of: the split with the longest first part of which both parts
    /// are in the index. Empty if there is none. `written` is the compound as written, because its stem can end
    /// in another way than the stem of its last part.
    pub fn parts(&self, token: &Token, written: &str) -> tantivy::Result<Vec<String>> {
        if !self.may_be_compound(token) {
            return Ok(Vec::new());
        }
        let word = written.to_lowercase();
        let borders: Vec<usize> = word.char_indices().map(|(at, _)| at).collect();
        for at in (PART..=borders.len().saturating_sub(PART)).rev() {
            let (head, tail) = word.split_at(borders[at]);
            if let Some(tail) = self.known(tail)?
                && let Some(head) = self.known_head(head)?
            {
                return Ok(vec![head, tail]);
            }
        }
        Ok(Vec::new())
    }

    /// The index term of the first part of a compound, with or without linking letters.
    fn known_head(&self, head: &str) -> tantivy::Result<Option<String>> {
        for linking in LINKING {
            let bare = head.strip_suffix(linking).filter(|bare| bare.chars().count() >= PART);
            if let Some(known) = bare.map(|bare| self.known(bare)).transpose()?.flatten() {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// The index term of a word; `None` if no question contains it.
    fn known(&self, word: &str) -> tantivy::Result<Option<String>> {
        for term in phrase_tokens(word, self.languages).iter().flat_map(Token::terms) {
            if self.words.contains(term)? {
                return Ok(Some(term.to_owned()));
            }
        }
        Ok(None)
    }

    fn may_be_compound(&self, token: &Token) -> bool {
        !self.languages.is_empty() && !token.whole && is_latin(&token.text)
    }
}

/// Whether an index term is a compound that begins or ends with a token.
pub fn is_compound_with(text: &str, token: &Token) -> bool {
    let is_part = |term: &str| text.len() > term.len() && (text.starts_with(term) || text.ends_with(term));
    token.terms().all(|term| term != text) && token.terms().any(is_part)
}

fn is_latin(text: &str) -> bool {
    text.chars().all(|c| Script::of(c) == Some(Script::Latin))
}

#[cfg(test)]
mod tests {
    use crate::index::Index;
    use crate::question::Question;
    use crate::search::{Mode, Query, search};

    /// The titles that a phrase finds, best first, among German questions.
    fn found(phrase: &str) -> Vec<String> {
        let titles = [
            "Wie hoch sind die Versandkosten?",
            "Wann öffnet das Arbeitsamt am Montag?",
            "Wer leitet den Kindergarten in der Stadt?",
            "Wie lange dauert die Lieferung?",
            "Was ist eine Frist zur Kündigung?",
        ];
        let questions: Vec<Question> =
            (1..).zip(titles).map(|(line, title)| Question::new(title, line)).collect();
        let index = Index::in_memory(&questions, None).unwrap();
        let query = Query { mode: Mode::Keyword, ..Query::plain(phrase) };
        search(&index, None, &query).unwrap().hits.into_iter().map(|hit| hit.question.title).collect()
    }

    #[test]
    fn a_part_finds_compounds() {
        assert_eq!(found("Kosten"), ["Wie hoch sind die Versandkosten?"]);
        assert_eq!(found("Versand"), ["Wie hoch sind die Versandkosten?"]);
        assert_eq!(found("Garten"), ["Wer leitet den Kindergarten in der Stadt?"]);
        assert_eq!(found("Amt"), [""; 0]);
    }

    #[test]
    fn a_compound_finds_its_parts() {
        assert_eq!(found("Kündigungsfrist"), ["Was ist eine Frist zur Kündigung?"]);
        assert_eq!(found("Lieferungskündigung").len(), 2);
        assert_eq!(found("Gartenbank"), [""; 0]);
    }
}
