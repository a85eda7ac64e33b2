//! The analysis as a tokenizer of tantivy.

use tantivy::tokenizer::{Token as TantivyToken, TokenStream, Tokenizer};

use super::{Language, Token, tokens_in};

/// The tokenizer as used by tantivy. It analyzes texts that [`tagged`] returned.
#[derive(Clone, Default)]
pub struct Analyzer;

impl Analyzer {
    /// The name of the tokenizer in the index schema.
    pub const NAME: &'static str = "rqsearch";
}

/// A text as the [`Analyzer`] takes it: with the language to analyze it in on a line before it.
///
/// A tantivy tokenizer gets nothing but the text. The tag costs less than tokens that are computed beforehand
/// and serialized.
pub fn tagged(text: &str, language: Language) -> String {
    format!("{}\n{text}", language.code())
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let (code, text) = text.split_once('\n').unwrap_or(("", text));
        let language = Language::from_code(code).unwrap_or(Language::English);
        Tokens {
            tokens: tokens_in(text, &[language]).into_iter(),
            current: TantivyToken::default(),
            also: Vec::new(),
        }
    }
}

/// The tokens of one text as a tantivy token stream.
pub struct Tokens {
    tokens: std::vec::IntoIter<Token>,
    current: TantivyToken,
    /// Terms that follow at the same position.
    also: Vec<String>,
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        if let Some(text) = self.also.pop() {
            self.current.text = text;
            return true;
        }
        let Some(token) = self.tokens.next() else {
            return false;
        };
        self.also = token.also;
        self.current = TantivyToken {
            offset_from: token.start,
            offset_to: token.end,
            position: token.position,
            text: token.text,
            position_length: 1,
        };
        true
    }

    fn token(&self) -> &TantivyToken {
        &self.current
    }

    fn token_mut(&mut self) -> &mut TantivyToken {
        &mut self.current
    }
}
