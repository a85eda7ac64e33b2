//! Phrases that are the title of a question, or nearly.

use super::typo::is_one_typo;
use super::word_sequence::{fold, is_spaced};
use crate::question::Question;

/// How the phrase compares with the titles of a question. The best of the title and the alternative titles
/// counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TitleMatch {
    /// The phrase is not a title.
    #[default]
    Different,
    /// One word of the phrase is one typo away from the word of the title, but other questions contain it:
    /// `bind` and `find` are different words.
    OneWordDiffers,
    /// The phrase is a title but for case, accents, punctuation, articles, or one typo in a word that no
    /// question contains.
    Near,
    /// The phrase is a title but for case, accents, punctuation and markup.
    Exact,
}

impl TitleMatch {
    /// The least confidence that a question with such a title answers the phrase.
    pub fn confidence(self) -> f32 {
        match self {
            Self::Different => 0.0,
            Self::OneWordDiffers => 0.5,
            Self::Near => 0.95,
            Self::Exact => 1.0,
        }
    }

    /// The confidence, given that of the confidence model. `None` if there is neither a model's confidence
    /// nor a title that is the phrase.
    pub fn confidence_with(self, fitted: Option<f32>) -> Option<f32> {
        match self {
            Self::Different => fitted,
            _ => Some(fitted.unwrap_or(0.0).max(self.confidence())),
        }
    }

    /// Whether the question ranks before all others.
    pub fn is_first(self) -> bool {
        self >= Self::Near
    }
}

/// Words that titles and phrases often leave out.
const ARTICLES: [&str; 22] = [
    "a", "an", "the", "der", "die", "das", "den", "dem", "ein", "eine", "einen", "le", "la", "les", "l",
    "un", "une", "el", "los", "las", "una", "il",
];

/// Words with fewer characters are different words, not words with a typo.
const MIN_TYPO_LENGTH: usize = 4;

/// The words of a phrase, to be compared with titles.
pub struct TitlePhrase(Vec<String>);

impl TitlePhrase {
    pub fn new(phrase: &str) -> Self {
        Self(words(phrase))
    }

    /// Compares the phrase with the titles of a question. `is_known` says whether some question contains a
    /// word of the phrase.
    pub fn compare(&self, question: &Question, is_known: impl Fn(&str) -> bool) -> TitleMatch {
        let titles = std::iter::once(&question.title).chain(&question.also);
        titles.map(|title| self.compare_title(title, &is_known)).max().unwrap_or_default()
    }

    fn compare_title(&self, title: &str, is_known: impl Fn(&str) -> bool) -> TitleMatch {
        let title = words(title);
        if title.len() != self.0.len() || title.is_empty() {
            return TitleMatch::Different;
        }
        let mut different = self.0.iter().zip(&title).filter(|(typed, word)| typed != word);
        match (different.next(), different.next()) {
            (None, _) => TitleMatch::Near,
            (Some((typed, word)), None) if may_have_typo(typed) && is_one_typo(typed, word) => {
                // A word alone is too little to tell a typo from another word.
                if is_known(typed) || title.len() == 1 {
                    TitleMatch::OneWordDiffers
                } else {
                    TitleMatch::Near
                }
            }
            _ => TitleMatch::Different,
        }
    }
}

/// The words and operators of a text, without articles, sentence punctuation and markup. A text of articles
/// only keeps them.
fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut words: Vec<&str> = Vec::new();
    for piece in folded.split_whitespace() {
        let number = piece.trim_end_matches(['.', ',', ';', ':', '?', '!']);
        if number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            words.extend(Some(number).filter(|number| !number.is_empty()));
            continue;
        }
        let is_operator = !piece.contains(char::is_alphanumeric);
        let mut rest = piece;
        while let Some(first) = rest.chars().next() {
            let kind = Kind::of(first, is_operator);
            let (run, after) =
                rest.split_at(rest.find(|c| Kind::of(c, is_operator) != kind).unwrap_or(rest.len()));
            words.extend(Some(run).filter(|_| kind != Kind::Punctuation));
            rest = after;
        }
    }
    let is_article = |word: &&str| ARTICLES.contains(word);
    let all_articles = words.iter().all(is_article);
    words.into_iter().filter(|word| all_articles || !is_article(word)).map(str::to_owned).collect()
}

/// What a character is in a title.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    /// It changes the meaning wherever it stands: `C#`, `100 %`, `a == b`.
    Symbol,
    Punctuation,
}

impl Kind {
    /// `is_operator` says whether the character stands among other signs only, as in `1 / 2`.
    fn of(c: char, is_operator: bool) -> Self {
        match c {
            c if c.is_alphanumeric() => Self::Word,
            '@' | '%' | '=' | '<' | '>' | '$' | '+' | '#' | '&' | '^' | '~' | '|' | '\\' => Self::Symbol,
            '-' | '/' | '*' | ':' | '.' | '_' if is_operator => Self::Symbol,
            _ => Self::Punctuation,
        }
    }
}

/// Codes and numbers are different if one character is, and so are words of scripts without letters.
fn may_have_typo(word: &str) -> bool {
    let is_letter = |c: char| c.is_alphabetic() && is_spaced(c);
    word.chars().count() >= MIN_TYPO_LENGTH && word.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, title: &str, expected: TitleMatch) {
        let known = ["bind", "find", "lose"];
        let found = TitlePhrase::new(phrase).compare(&Question::new(title, 1), |word| known.contains(&word));
        assert_eq!(found, expected, "{phrase:?}, {title:?}");
    }

    #[test]
    fn small_differences_are_near() {
        for phrase in [
            "How do I sharpen a kitchen knife?",
            "how do i sharpen a kitchen knife",
            "How do I sharpen kitchen knife",
            "how do I sharpen the kitchen knife ?!",
            "How do I \"sharpen\" a `kitchen` knife",
            "How do I shapren a kitchen knife",
            "How do I sharpen a kitchn knife",
        ] {
            check(phrase, "How do I sharpen a kitchen knife?", TitleMatch::Near);
        }
        check("Was kostet Versand", "Was kostet der Versand?", TitleMatch::Near);
        check("Ou se trouve entree", "Où se trouve l'entrée ?", TitleMatch::Near);
        check("как сбросить праоль", "Как сбросить пароль?", TitleMatch::Near);
        check("如何重置密码", "如何重置密码？", TitleMatch::Near);
        check("What is std mem swap", "What is `std::mem::swap`?", TitleMatch::Near);
    }

    #[test]
    fn other_words_codes_and_operators_are_different() {
        for (phrase, title) in [
            ("How do I sharpen a knife?", "How do I sharpen a kitchen knife?"),
            ("how do I shrapn a knief", "How do I sharpen a knife?"),
            ("What is E0502?", "What is E0503?"),
            ("upgrade to 1.11", "upgrade to 1.10"),
            ("upgrade to 1.1", "upgrade to 1.10"),
            ("upgrade to 1 10", "upgrade to 1.10"),
            ("What does % do?", "What does @ do?"),
            ("What does = do?", "What does == do?"),
            ("1 / 2", "1 - 2"),
            ("Is it C?", "Is it C#?"),
            ("What is 102?", "What is 10²?"),
            ("如何重置密码", "如何重置密钥？"),
            ("", "?"),
        ] {
            check(phrase, title, TitleMatch::Different);
        }
    }

    #[test]
    fn a_typo_that_is_another_word_is_less_certain() {
        check("How do I find a socket?", "How do I bind a socket?", TitleMatch::OneWordDiffers);
        check("mutxe", "Mutex", TitleMatch::OneWordDiffers);
    }

    #[test]
    fn the_best_title_counts() {
        let question = Question { also: vec!["sharpen a knife".into()], ..Question::new("Blunt blades", 1) };
        assert_eq!(TitlePhrase::new("Sharpen knife").compare(&question, |_| false), TitleMatch::Near);
    }

    #[test]
    fn a_title_that_is_the_phrase_is_first_and_surer_than_the_model() {
        for (found, is_first, without_model, unsure, sure) in [
            (TitleMatch::Different, false, None, Some(0.1), Some(0.99)),
            (TitleMatch::OneWordDiffers, false, Some(0.5), Some(0.5), Some(0.99)),
            (TitleMatch::Near, true, Some(0.95), Some(0.95), Some(0.99)),
            (TitleMatch::Exact, true, Some(1.0), Some(1.0), Some(1.0)),
        ] {
            let confidences = [None, Some(0.1), Some(0.99)].map(|fitted| found.confidence_with(fitted));
            assert_eq!(
                (found.is_first(), confidences),
                (is_first, [without_model, unsure, sure]),
                "{found:?}"
            );
        }
    }
}
