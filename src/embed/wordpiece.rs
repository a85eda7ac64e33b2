//! BERT's tokenizer: text → ids of word pieces.
//!
//! It returns the ids of the reference implementation; a test compares them. The vocabulary is compiled in as
//! an automaton: nothing is parsed or hashed when the program starts, and the longest piece that matches is
//! found in one pass over the text.
//!
//! Devlin et al., "BERT" (2019); the splitting follows `BasicTokenizer` and
//! `WordpieceTokenizer` of its reference code.

use std::iter;

use fst::raw::{Fst, Node, Output};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// The vocabulary of the built-in model as an automaton from token to id, made by `build.rs`.
static VOCABULARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vocab.fst"));

/// A longer word, in characters, becomes the unknown token, as in the reference.
const LONGEST_WORD: usize = 100;

const UNKNOWN: i32 = 100;
const START: i32 = 101;
const END: i32 = 102;

/// The tokenizer of the built-in model.
pub struct WordPiece {
    vocabulary: Fst<&'static [u8]>,
}

impl Default for WordPiece {
    fn default() -> Self {
        Self { vocabulary: Fst::new(VOCABULARY).expect("build.rs writes a complete automaton") }
    }
}

impl WordPiece {
    /// The ids of a text, with start and end markers: at most `window` of them.
    pub fn encode(&self, text: &str, window: usize) -> Vec<i32> {
        let mut ids = vec![START];
        self.each_word(text, |word| {
            self.pieces(word, &mut ids);
            ids.len() < window
        });
        ids.truncate(window - 1);
        ids.push(END);
        ids
    }

    /// The number of pieces of a text, without markers.
    pub fn count(&self, text: &str) -> usize {
        let mut ids = Vec::new();
        let mut count = 0;
        self.each_word(text, |word| {
            self.pieces(word, &mut ids);
            count += ids.len();
            ids.clear();
            true
        });
        count
    }

    /// Calls `each` with every word of a text, normalised, until it returns false.
    fn each_word(&self, text: &str, mut each: impl FnMut(&str) -> bool) {
        let mut word = String::new();
        for c in normalized(text) {
            let alone = is_punctuation(c) || is_chinese(c);
            if alone || c.is_whitespace() {
                if !word.is_empty() && !each(&word) {
                    return;
                }
                word.clear();
            }
            if alone {
                if !each(c.encode_utf8(&mut [0; 4])) {
                    return;
                }
            } else if !c.is_whitespace() {
                word.push(c);
            }
        }
        if !word.is_empty() {
            each(&word);
        }
    }

    /// Appends the pieces of one word: repeatedly, the longest one in the vocabulary. If a part of the word
    /// has none, the word becomes the unknown token.
    fn pieces(&self, word: &str, ids: &mut Vec<i32>) {
        let before = ids.len();
        if word.chars().nth(LONGEST_WORD).is_some() {
            ids.push(UNKNOWN);
            return;
        }
        let (inner, inner_output) = self.walk_prefix("##");
        let mut rest = word.as_bytes();
        let (mut node, mut output) = (self.vocabulary.root(), Output::zero());
        while !rest.is_empty() {
            let Some((len, id)) = self.longest(node, output, rest) else {
                ids.truncate(before);
                ids.push(UNKNOWN);
                return;
            };
            ids.push(id);
            rest = &rest[len..];
            (node, output) = (inner, inner_output);
        }
    }

    fn walk_prefix(&self, prefix: &str) -> (Node<'_>, Output) {
        let mut node = self.vocabulary.root();
        let mut output = Output::zero();
        for byte in prefix.bytes() {
            let index = node.find_input(byte).expect("the vocabulary has inner pieces");
            let transition = node.transition(index);
            output = output.cat(transition.out);
            node = self.vocabulary.node(transition.addr);
        }
        (node, output)
    }

    /// The longest token at the beginning of `bytes`, continuing from a node: its length and id.
    fn longest<'a>(&'a self, mut node: Node<'a>, mut output: Output, bytes: &[u8]) -> Option<(usize, i32)> {
        let mut best = None;
        for (len, byte) in (1..).zip(bytes) {
            let Some(index) = node.find_input(*byte) else {
                break;
            };
            let transition = node.transition(index);
            output = output.cat(transition.out);
            node = self.vocabulary.node(transition.addr);
            if node.is_final() {
                best = Some((len, output.cat(node.final_output()).value() as i32));
            }
        }
        best
    }
}

/// A text in lower case, without control characters and accents.
fn normalized(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars()
        .filter(|c| *c != '\u{FFFD}' && (matches!(c, '\t' | '\n' | '\r') || !is_control(*c)))
        .flat_map(|c| {
            // Most text is ASCII, which needs no tables.
            let (ascii, other) = if c.is_ascii() {
                (Some(c.to_ascii_lowercase()), None)
            } else {
                (None, Some(iter::once(c).nfd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase)))
            };
            ascii.into_iter().chain(other.into_iter().flatten())
        })
}

fn is_control(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_control()
    } else {
        c.general_category_group() == GeneralCategoryGroup::Other
    }
}

fn is_accent(c: char) -> bool {
    c.general_category() == GeneralCategory::NonspacingMark
}

fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_punctuation()
    } else {
        c.general_category_group() == GeneralCategoryGroup::Punctuation
    }
}

/// The blocks of ideographs, each of which is a word for BERT.
fn is_chinese(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F
        | 0x2B740..=0x2B81F | 0x2B920..=0x2CEAF | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::models::wordpiece::WordPiece as Reference;
    use tokenizers::normalizers::BertNormalizer;
    use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
    use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

    use super::*;

    fn reference() -> Tokenizer {
        let vocabulary = concat!(env!("CARGO_MANIFEST_DIR"), "/models/vocab.txt");
        let model = Reference::from_file(vocabulary).unk_token("[UNK]".into()).build().unwrap();
        let mut tokenizer = Tokenizer::new(model);
        let normalizer = BertNormalizer::new(true, true, None, true);
        tokenizer.with_normalizer(Some(NormalizerWrapper::BertNormalizer(normalizer))).unwrap();
        let splitter = PreTokenizerWrapper::BertPreTokenizer(BertPreTokenizer);
        tokenizer.with_pre_tokenizer(Some(splitter));
        tokenizer
    }

    #[track_caller]
    fn check(reference: &Tokenizer, text: &str) {
        let expected = reference.encode_fast(text, false).unwrap();
        let expected: Vec<i32> = expected.get_ids().iter().map(|id| *id as i32).collect();
        let encoded = WordPiece::default().encode(text, usize::MAX);
        assert_eq!(encoded[1..encoded.len() - 1], expected, "{text:?}");
        assert_eq!(WordPiece::default().count(text), expected.len(), "{text:?}");
    }

    #[test]
    fn ids_are_those_of_the_reference() {
        let reference = reference();
        for text in [
            "",
            "holding a mutex across await",
            "Arc<Mutex<T>> and tokio::spawn_blocking(|| x)?",
            "naïve café Ångström ÀÉÎ",
            "東京は日本の首都 — 漢字",
            "Привет, мир! Ελληνικά",
            "🦀 crab\u{200d}\u{fe0f} zero\u{200b}width\u{ad}",
            "tab\tline\nfeed\r\nnul\0bell\u{7}",
            "İstanbul ſ ß ﬁ",
            "“curly” ‘quotes’ … §¶ ¿?",
        ] {
            check(&reference, text);
        }
        check(&reference, &"a".repeat(100));
        check(&reference, &"a".repeat(101));
    }

    #[test]
    fn a_long_text_is_truncated() {
        let ids = WordPiece::default().encode(&"word ".repeat(1000), 256);
        assert_eq!(ids.len(), 256);
        assert_eq!((ids[0], ids[255]), (START, END));
    }

    proptest! {
        // Only scripts that have been in Unicode for long: the reference's older tables classify some newer
        // punctuation as letters.
        #[test]
        fn any_text_has_the_ids_of_the_reference(
            text in r"([a-zA-Z0-9 .,:<>&_'?!-]|[\u{a0}-\u{24f}\u{3b1}-\u{3c9}\u{400}-\u{45f}\u{5d0}-\u{5ea}]|[\u{2010}-\u{2027}\u{2030}-\u{205e}\u{20a0}-\u{20bd}\u{2190}-\u{22ff}]|[\u{3001}-\u{3029}\u{3041}-\u{3096}\u{4e00}-\u{9fa5}\u{ac00}-\u{d7a3}]|[\u{1f300}-\u{1f5ff}]|\s){0,60}",
        ) {
            check(&reference(), &text);
        }
    }
}
