//! Phrases that people asked, each counted once.

use std::collections::HashMap;

use crate::index::text_hash;
use crate::title::title_key;

/// A phrase and how often it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The phrase on one line, as it was asked first.
    pub text: String,
    /// How often it was asked, in any spelling that makes no difference to a title. At least 1.
    pub count: u64,
}

/// The longest phrase, in characters. The model reads only about the first 200 words.
pub const LONGEST_PHRASE: usize = 2_000;

/// The greatest number of different phrases. It bounds the memory, which is up to 7 KB for each phrase without an answer
/// while they are grouped.
pub const MOST_PHRASES: usize = 300_000;

/// Why a phrase was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It has no word and no symbol.
    #[error("the phrase has no word")]
    Empty,
    /// It has more than [`LONGEST_PHRASE`] characters.
    #[error("the phrase has more than {LONGEST_PHRASE} characters")]
    TooLong,
    /// There are [`MOST_PHRASES`] others already.
    #[error("there are more than {MOST_PHRASES} different phrases")]
    TooMany,
}

/// Counts phrases. Two phrases are the same if they are the same [title](title_key): case, accents, white space and the
/// mark at the end make no difference.
#[derive(Debug, Default)]
pub struct Phrases {
    /// The position of each phrase by the hash of its key.
    positions: HashMap<u64, usize>,
    phrases: Vec<Phrase>,
}

impl Phrases {
    /// Adds a phrase that was asked `count` times.
    ///
    /// # Errors
    /// The phrase is not counted; [`Refused`] says why.
    pub fn add(&mut self, text: &str, count: u64) -> Result<(), Refused> {
        if text.chars().nth(LONGEST_PHRASE).is_some() {
            return Err(Refused::TooLong);
        }
        let key = title_key(text).ok_or(Refused::Empty)?;
        let hash = text_hash(&key);
        if let Some(position) = self.positions.get(&hash) {
            let counted = &mut self.phrases[*position].count;
            *counted = counted.saturating_add(count);
            return Ok(());
        }
        if self.phrases.len() == MOST_PHRASES {
            return Err(Refused::TooMany);
        }
        self.positions.insert(hash, self.phrases.len());
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.phrases.push(Phrase { text, count });
        Ok(())
    }

    /// The phrases, the most frequent first and in alphabetical order among equally frequent ones. The order does not
    /// depend on that of the calls of [`add`](Self::add).
    pub fn into_sorted(self) -> Vec<Phrase> {
        let mut phrases = self.phrases;
        phrases.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        phrases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_phrase_are_counted_together() {
        let mut phrases = Phrases::default();
        for text in ["Where is my order?", "refund", "where  is my\torder", "WHERE IS MY ORDER!", "C$", "c"] {
            phrases.add(text, 1).unwrap();
        }
        phrases.add("Refund?", 7).unwrap();
        let found: Vec<(String, u64)> =
            phrases.into_sorted().into_iter().map(|phrase| (phrase.text, phrase.count)).collect();
        let expected = [("refund", 8), ("Where is my order?", 3), ("C$", 1), ("c", 1)];
        assert_eq!(found, expected.map(|(text, count)| (text.to_owned(), count)));
    }

    #[test]
    fn phrases_without_words_and_long_ones_are_refused() {
        let mut phrases = Phrases::default();
        assert_eq!(phrases.add(" ?! ", 1), Err(Refused::Empty));
        assert_eq!(phrases.add(&"é".repeat(LONGEST_PHRASE), 1), Ok(()));
        assert_eq!(phrases.add(&"é".repeat(LONGEST_PHRASE + 1), 1), Err(Refused::TooLong));
        assert_eq!(phrases.into_sorted().len(), 1);
    }
}
