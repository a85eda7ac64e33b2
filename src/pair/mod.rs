//! The probability that two questions ask the same.
//!
//! The cosine of two phrasings is not enough, because one different word can make a different question:
//! "`Rc` or `Arc`?" and "`Rc` or `Box`?" are nearer to each other than most paraphrases. The probability
//! therefore comes from the cosine *and* the differences between the words. A logistic regression model
//! (`pair.json`) combines them. `rqsearch eval --pairs … --fit` fits it to labelled pairs.

mod spelling;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::analyze::{Token, tokens};
use crate::logistic::{Model, Sign};
use spelling::{is_name, is_same_spelling, symbols};
pub(crate) use words::is_stop_word;
use words::{Direction, FIRST_WORDS, NEGATIONS, OPPOSITE_STEMS, QUESTION_WORDS, STOP_WORDS};

/// The features of the model, in order, with the allowed sign of their weights:
///
/// - `meaning`: the cosine of the phrasings, relative to the corpus's [`Centre`](crate::index::Centre).
/// - `shorter`: the logarithm of the number of words in the shorter phrasing, without stop words and at most
///   25. A short phrasing is more likely to occur in a different question too.
/// - The other features are 1 if the phrasings have this [`Difference`], else 0. [`Difference::Symbol`] is not a
///   feature: it makes the probability 0.
pub const FEATURES: [(&str, Sign); 9] = [
    ("meaning", Sign::Up),
    ("shorter", Sign::Any),
    ("question_word", Sign::Down),
    ("number", Sign::Down),
    ("extra_number", Sign::Down),
    ("name", Sign::Down),
    ("negation", Sign::Down),
    ("opposite", Sign::Down),
    ("order", Sign::Down),
];

/// The minimum cosine of a pair, on the scale of the built-in model. Phrasings below it never ask the same,
/// so the model is not evaluated for them.
pub const LEAST_COSINE: f32 = 0.6;

/// The model that is compiled into the program.
pub static FITTED: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../pair.json")).expect("pair.json is written by `eval --pairs --fit`")
});

/// A difference between similar phrasings that makes them different questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The question words differ: why, how, when.
    QuestionWord,
    /// Each phrasing has a number that the other lacks.
    Number,
    /// Only one phrasing has a number that the other lacks.
    ExtraNumber,
    /// Each phrasing has a name (code, a proper noun) that the other lacks.
    Name,
    /// One phrasing is negated.
    Negation,
    /// One phrasing has the opposite of a word in the other: import and export.
    Opposite,
    /// The direction differs: from A to B, from B to A.
    Order,
    /// The operators differ (`=>` and `->`), or the symbols of a word do (`C$` and `C`, `snake_case` and
    /// `snakecase`).
    Symbol,
}

impl Difference {
    /// In the order of [`FEATURES`].
    const FEATURES: [Self; 7] = [
        Self::QuestionWord,
        Self::Number,
        Self::ExtraNumber,
        Self::Name,
        Self::Negation,
        Self::Opposite,
        Self::Order,
    ];

    /// The name in messages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::QuestionWord => "another question word",
            Self::Number => "another number",
            Self::ExtraNumber => "a number more",
            Self::Name => "another name",
            Self::Negation => "a negation",
            Self::Opposite => "an opposite",
            Self::Order => "another direction",
            Self::Symbol => "another symbol",
        }
    }
}

/// An analyzed title or alternative title.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrasing {
    /// The words without stop words, stemmed, in order.
    words: Vec<String>,
    /// The same words as written.
    written: Vec<String>,
    numbers: BTreeSet<String>,
    names: BTreeSet<String>,
    question_word: Option<&'static str>,
    negates: bool,
    /// The pairs of [`OPPOSITE_STEMS`] of which it has exactly one word, and which word that is.
    opposites: Vec<(usize, usize)>,
    /// The words after a preposition of direction.
    directions: BTreeSet<(Direction, String)>,
    /// The words of symbols only.
    operators: BTreeSet<String>,
    /// The other words as written in the title key, by their letters and digits.
    spellings: BTreeMap<String, BTreeSet<String>>,
}

impl Phrasing {
    /// Analyzes the text of a question.
    pub fn new(text: &str) -> Self {
        let tokens = tokens(text);
        let written = |token: &Token| text.get(token.start..token.end).unwrap_or_default();
        let parts = || tokens.iter().filter(|token| !token.whole);
        let all: Vec<String> = parts().map(|token| token.text.clone()).collect();
        let content =
            || parts().filter(|token| !STOP_WORDS.contains(&written(token).to_lowercase().as_str()));
        let has_digit = |word: &&String| word.contains(|c: char| c.is_ascii_digit());
        let mut plain = text.to_lowercase().replace(['\'', '’'], "");
        plain.retain(|c| c.is_alphanumeric() || c.is_whitespace());
        let question_word =
            |token: &Token| QUESTION_WORDS.into_iter().find(|word| written(token).eq_ignore_ascii_case(word));
        let (operators, spellings) = symbols(text);
        Self {
            numbers: all.iter().filter(has_digit).cloned().collect(),
            names: tokens
                .iter()
                .filter(|token| is_name(text, token))
                .map(|token| token.text.clone())
                .collect(),
            question_word: parts().take(FIRST_WORDS).find_map(question_word),
            negates: plain.split_whitespace().any(|word| NEGATIONS.contains(&word)),
            opposites: opposites(&all),
            directions: directions(text, parts()),
            operators,
            spellings,
            words: content().map(|token| token.text.clone()).collect(),
            written: content().map(|token| written(token).to_owned()).collect(),
        }
    }

    /// The differences from another phrasing, in order of [`Difference`]. If the phrasings share less than half
    /// of their words, only directions and the spellings of words are compared: other differences between
    /// dissimilar phrasings are not evidence.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        use Difference::{Opposite, Order, Symbol};
        let is_similar = self.is_similar(other);
        let mut differences = Difference::FEATURES.to_vec();
        differences.push(Symbol);
        differences.retain(|difference| {
            (is_similar || matches!(difference, Order | Symbol)) && self.differs(other, *difference)
        });
        // "A is faster than B" and "B is slower than A" ask the same.
        let compares =
            |phrasing: &Self| phrasing.directions.iter().any(|(direction, _)| *direction == Direction::Than);
        let compare = compares(self) && compares(other);
        if compare && differences.contains(&Opposite) && differences.contains(&Order) {
            differences.retain(|difference| !matches!(difference, Opposite | Order));
        }
        differences
    }

    fn differs(&self, other: &Self, difference: Difference) -> bool {
        let each_has_more = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            let more = |a: &BTreeSet<String>, other: &Self| a.iter().any(|name| !other.has(name));
            more(a, other) && more(b, self)
        };
        let has_more = |a: &Self, b: &Self| a.numbers.iter().any(|number| !b.has(number));
        match difference {
            Difference::QuestionWord => {
                self.question_word.is_some()
                    && other.question_word.is_some()
                    && self.question_word != other.question_word
            }
            Difference::Number => each_has_more(&self.numbers, &other.numbers),
            Difference::ExtraNumber => has_more(self, other) != has_more(other, self),
            Difference::Name => each_has_more(&self.names, &other.names),
            Difference::Negation => self.negates != other.negates,
            Difference::Opposite => {
                self.opposites.iter().any(|(nth, side)| other.opposites.contains(&(*nth, 1 - side)))
            }
            Difference::Order => self.is_reordered(other) || self.is_turned(other),
            Difference::Symbol => self.has_other_symbols(other),
        }
    }

    /// Whether the phrasings share at least half of their words.
    fn is_similar(&self, other: &Self) -> bool {
        let longer = self.words.len().max(other.words.len());
        2 * self.shared(other).len() >= longer
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word) || self.names.contains(word) || self.numbers.contains(word)
    }

    /// Whether the phrasings have the same words in a different order, and the order matters: "A or B" means
    /// "B or A", but "from A to B" does not mean "from B to A".
    fn is_reordered(&self, other: &Self) -> bool {
        let sorted = |words: &[String]| {
            let mut words = words.to_vec();
            words.sort();
            words
        };
        let directed =
            |phrasing: &Self| ["to", "from", "into", "than", "over"].iter().any(|word| phrasing.has(word));
        let same_directions = !self.directions.is_empty() && self.directions == other.directions;
        self.words != other.words
            && !same_directions
            && directed(self)
            && directed(other)
            && sorted(&self.words) == sorted(&other.words)
    }

    /// Whether a word of both phrasings has another direction: to A in one, from A in the other; from A in one,
    /// from B in the other, which both have.
    fn is_turned(&self, other: &Self) -> bool {
        self.directions.iter().any(|own @ (direction, word)| {
            other.directions.iter().any(|theirs @ (other_direction, other_word)| {
                let turned = word == other_word && direction != other_direction;
                let swapped = direction == other_direction
                    && word != other_word
                    && self.words.contains(other_word)
                    && other.words.contains(word)
                    && !other.directions.contains(own)
                    && !self.directions.contains(theirs);
                // "Over" and "than" compare, so they are no counterpart of "to" and "from".
                turned && *direction != Direction::Than && *other_direction != Direction::Than || swapped
            })
        })
    }

    fn has_other_symbols(&self, other: &Self) -> bool {
        let has_more =
            |a: &Self, b: &Self| a.operators.iter().any(|operator| !b.operators.contains(operator));
        let is_respelled = |(word, spellings): (&String, &BTreeSet<String>)| {
            other.spellings.get(word).is_some_and(|others| {
                !spellings.iter().any(|one| others.iter().any(|two| is_same_spelling(one, two)))
            })
        };
        let has_other_operators = || has_more(self, other) && has_more(other, self) && self.is_similar(other);
        self.spellings.iter().any(is_respelled) || has_other_operators()
    }

    /// Whether the phrasings have the same words apart from stop words, in any order.
    pub fn has_same_words(&self, other: &Self) -> bool {
        let set = |phrasing: &Self| phrasing.words.iter().cloned().collect::<BTreeSet<_>>();
        !self.words.is_empty() && set(self) == set(other) && self.operators == other.operators
    }

    /// Whether each phrasing has all numbers, names and operators of the other.
    pub fn has_same_specifics(&self, other: &Self) -> bool {
        let has_all = |a: &Self, b: &Self| a.numbers.iter().chain(&a.names).all(|word| b.has(word));
        has_all(self, other) && has_all(other, self) && self.operators == other.operators
    }

    /// The words that both phrasings have, without stop words, as written in this one.
    pub fn shared<'a>(&'a self, other: &Self) -> Vec<&'a str> {
        let mut shared: Vec<(&str, &str)> = Vec::new();
        for (word, written) in self.words.iter().zip(&self.written) {
            if other.words.contains(word) && shared.iter().all(|(known, _)| known != word) {
                shared.push((word, written));
            }
        }
        shared.into_iter().map(|(_, written)| written).collect()
    }

    /// The model's [`FEATURES`] for two phrasings. `meaning` is their cosine, relative to the corpus's
    /// centre.
    pub fn features(&self, other: &Self, meaning: f32) -> Vec<f32> {
        const LONGEST: usize = 25;
        let shorter = self.words.len().min(other.words.len()).clamp(1, LONGEST);
        let differences = self.differences(other);
        let differs = Difference::FEATURES.into_iter().map(|one| f32::from(differences.contains(&one)));
        [meaning, (shorter as f32).ln()].into_iter().chain(differs).collect()
    }

    /// The probability that both phrasings ask the same. 0 if they differ in a [symbol](Difference::Symbol).
    pub fn probability(&self, other: &Self, meaning: f32) -> f32 {
        if self.has_other_symbols(other) {
            return 0.0;
        }
        FITTED.probability(&self.features(other, meaning))
    }
}

/// The words after a preposition of direction.
fn directions<'t>(text: &str, tokens: impl Iterator<Item = &'t Token>) -> BTreeSet<(Direction, String)> {
    let mut directions = BTreeSet::new();
    let mut direction = None;
    for token in tokens {
        let word = text.get(token.start..token.end).unwrap_or_default().to_lowercase();
        if let Some(next) = Direction::of(&word) {
            direction = Some(next);
        } else if !is_stop_word(&word) {
            directions.extend(direction.take().map(|direction| (direction, token.text.clone())));
        }
    }
    directions
}

/// The pairs of opposites of which there is exactly one word, and which word that is.
fn opposites(words: &[String]) -> Vec<(usize, usize)> {
    let one_of = |pair: &[String; 2]| match pair.each_ref().map(|word| words.contains(word)) {
        [true, false] => Some(0),
        [false, true] => Some(1),
        _ => None,
    };
    let pairs = OPPOSITE_STEMS.iter().enumerate();
    pairs.filter_map(|(nth, pair)| Some((nth, one_of(pair)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, two: &str, expected: &[Difference]) {
        let (one, two) = (Phrasing::new(one), Phrasing::new(two));
        assert_eq!(one.differences(&two), expected, "{one:?} {two:?}");
        assert_eq!(two.differences(&one), expected, "the other way round");
    }

    #[test]
    fn differences_between_questions_are_detected() {
        use Difference::{ExtraNumber, Name, Negation, Number, Opposite, Order, QuestionWord, Symbol};
        check("When do I take `Rc` and when `Arc`?", "When do I take `Rc` and when `Box`?", &[Name]);
        check("What is the error E0382?", "What is the error E0499?", &[Number, Name]);
        check("Move from Postgres", "Move from MySQL", &[Name]);
        check("Why does it compile?", "Why doesn't it compile?", &[Negation]);
        check("Why does it compile?", "How does it compile?", &[QuestionWord]);
        check("How do I import a list?", "How do I export a list?", &[Opposite]);
        check("import a list from Excel", "export a list to Excel", &[Opposite, Order]);
        check("cast a float to an integer", "cast an integer to a float", &[Order]);
        check("The 2018 edition", "The 2021 edition", &[Number]);
        check("a room for 2 adults in May", "a room for 2 adults and 3 children in May", &[ExtraNumber]);
        check("Call Rust from C", "Call C from Rust", &[Order]);
        check("transfer my credits to another school", "transfer my credits from another school", &[Order]);
        check("What does `=>` do?", "What does `->` do?", &[Symbol]);
        check("What does % do?", "What does @ do?", &[Symbol]);
        check("What is C$?", "What is C?", &[Symbol]);
        check("What is C++ good for?", "What is C good for?", &[Symbol]);
        check("What is snake_case?", "What is snakecase?", &[Symbol]);
        check("What are *args?", "What are **args?", &[Symbol]);
    }

    #[test]
    fn rewording_is_not_a_difference() {
        check("How do I sharpen a knife?", "how to sharpen knives", &[]);
        check("`Rc` or `Arc`?", "Arc or Rc, which one?", &[]);
        check("Why is my `Vec` moved?", "my vector is moved, why", &[]);
        check("This doesn't work", "This does not work", &[]);
        check("", "", &[]);
        check("What does `println!` do?", "what does println do", &[]);
        check("What is `&str`?", "what is str", &[]);
        check("Don't panic", "Dont panic", &[]);
        check("What is a car? Explain.", "explain what a car is", &[]);
        check("How much is 10% of 500$?", "How much is 10 % of $500?", &[]);
        check("Is a BTreeMap faster than a HashMap?", "Is a HashMap slower than a BTreeMap?", &[]);
        check("convert String into Vec<char>", "Vec<char> from a String", &[]);
        check("Flights from London to Rome", "flights to Rome from London", &[]);
    }

    #[test]
    fn probability_rises_with_the_cosine_and_falls_with_a_difference() {
        let one = Phrasing::new("When do I take `Rc` and when `Arc`?");
        let (same, other) = (
            Phrasing::new("`Arc` or `Rc`: when which?"),
            Phrasing::new("When do I take `Rc` and when `Box`?"),
        );
        assert!(one.probability(&same, 0.9) > one.probability(&same, 0.7));
        assert!(one.probability(&same, 0.9) > one.probability(&other, 0.9) + 0.1);
        assert_eq!(one.shared(&same), ["When", "Rc", "Arc"]);
    }

    #[test]
    fn the_committed_model_has_these_features() {
        let names: Vec<&str> = FITTED.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, FEATURES.map(|(name, _)| name));
    }
}
