//! The languages of questions.

mod detect;
mod script;

use std::fmt;

use frostem::Algorithm;
use whatlang::Lang;

pub use detect::detect;
pub use script::Script;

/// Defines the languages, the most widespread of each script first.
macro_rules! languages {
    ($($language:ident $code:literal $script:ident $stemmer:expr, $whatlang:expr;)*) => {
        /// A language of questions.
        ///
        /// Closely related languages that are not in this list are analyzed as one of them. For example,
        /// Afrikaans is analyzed as Dutch and Slovak as Czech.
        #[allow(missing_docs, reason = "the names are the documentation")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Language { $($language,)* }

        static LANGUAGES: &[Entry] = &[$(Entry {
            language: Language::$language,
            name: stringify!($language),
            code: $code,
            script: Script::$script,
            stemmer: $stemmer,
            whatlang: $whatlang,
        },)*];
    };
}

struct Entry {
    language: Language,
    name: &'static str,
    code: &'static str,
    script: Script,
    stemmer: Option<Algorithm>,
    whatlang: Option<Lang>,
}

languages! {
    English "en" Latin Some(Algorithm::English), Some(Lang::Eng);
    Catalan "ca" Latin Some(Algorithm::Catalan), Some(Lang::Cat);
    Croatian "hr" Latin Some(Algorithm::Serbian), Some(Lang::Hrv);
    Czech "cs" Latin Some(Algorithm::Czech), Some(Lang::Ces);
    Danish "da" Latin Some(Algorithm::Danish), Some(Lang::Dan);
    Dutch "nl" Latin Some(Algorithm::Dutch), Some(Lang::Nld);
    Esperanto "eo" Latin Some(Algorithm::Esperanto), Some(Lang::Epo);
    Estonian "et" Latin Some(Algorithm::Estonian), Some(Lang::Est);
    Finnish "fi" Latin Some(Algorithm::Finnish), Some(Lang::Fin);
    French "fr" Latin Some(Algorithm::French), Some(Lang::Fra);
    German "de" Latin Some(Algorithm::German), Some(Lang::Deu);
    Hungarian "hu" Latin Some(Algorithm::Hungarian), Some(Lang::Hun);
    Indonesian "id" Latin Some(Algorithm::Indonesian), Some(Lang::Ind);
    Italian "it" Latin Some(Algorithm::Italian), Some(Lang::Ita);
    Lithuanian "lt" Latin Some(Algorithm::Lithuanian), Some(Lang::Lit);
    Norwegian "no" Latin Some(Algorithm::Norwegian), Some(Lang::Nob);
    Polish "pl" Latin Some(Algorithm::Polish), Some(Lang::Pol);
    Portuguese "pt" Latin Some(Algorithm::Portuguese), Some(Lang::Por);
    Romanian "ro" Latin Some(Algorithm::Romanian), Some(Lang::Ron);
    Spanish "es" Latin Some(Algorithm::Spanish), Some(Lang::Spa);
    Swedish "sv" Latin Some(Algorithm::Swedish), Some(Lang::Swe);
    Turkish "tr" Latin Some(Algorithm::Turkish), Some(Lang::Tur);
    Vietnamese "vi" Latin None, Some(Lang::Vie);
    Russian "ru" Cyrillic Some(Algorithm::Russian), Some(Lang::Rus);
    Bulgarian "bg" Cyrillic None, Some(Lang::Bul);
    Serbian "sr" Cyrillic Some(Algorithm::Serbian), Some(Lang::Srp);
    Ukrainian "uk" Cyrillic None, Some(Lang::Ukr);
    Arabic "ar" Arabic Some(Algorithm::Arabic), None;
    Persian "fa" Arabic Some(Algorithm::Persian), None;
    Urdu "ur" Arabic None, None;
    Hindi "hi" Devanagari Some(Algorithm::Hindi), Some(Lang::Hin);
    Marathi "mr" Devanagari None, Some(Lang::Mar);
    Nepali "ne" Devanagari Some(Algorithm::Nepali), Some(Lang::Nep);
    Greek "el" Greek Some(Algorithm::Greek), None;
    Armenian "hy" Armenian Some(Algorithm::Armenian), None;
    Hebrew "he" Hebrew None, None;
    Bengali "bn" Bengali None, None;
    Punjabi "pa" Gurmukhi None, None;
    Gujarati "gu" Gujarati None, None;
    Tamil "ta" Tamil Some(Algorithm::Tamil), None;
    Telugu "te" Telugu None, None;
    Kannada "kn" Kannada None, None;
    Malayalam "ml" Malayalam None, None;
    Sinhala "si" Sinhala None, None;
    Georgian "ka" Georgian None, None;
    Amharic "am" Ethiopic None, None;
    Korean "ko" Hangul None, None;
    Chinese "zh" Han None, None;
    Japanese "ja" Han None, None;
    Thai "th" Thai None, None;
    Lao "lo" Lao None, None;
    Burmese "my" Myanmar None, None;
    Khmer "km" Khmer None, None;
}

/// Languages that form words by joining others without a space or hyphen.
const COMPOUNDING: [Language; 8] = [
    Language::German,
    Language::Dutch,
    Language::Danish,
    Language::Norwegian,
    Language::Swedish,
    Language::Finnish,
    Language::Estonian,
    Language::Hungarian,
];

impl Language {
    fn entry(self) -> &'static Entry {
        &LANGUAGES[self as usize]
    }

    /// The language with this ISO 639 code.
    pub fn from_code(code: &str) -> Option<Self> {
        LANGUAGES.iter().find(|entry| entry.code == code).map(|entry| entry.language)
    }

    /// The ISO 639-1 code, such as `de`.
    pub fn code(self) -> &'static str {
        self.entry().code
    }

    /// The script.
    pub fn script(self) -> Script {
        self.entry().script
    }

    /// The Snowball stemmer; `None` if there is none.
    pub(super) fn stemmer(self) -> Option<Algorithm> {
        self.entry().stemmer
    }

    /// Whether words are joined to form other words, as in German.
    pub fn is_compounding(self) -> bool {
        COMPOUNDING.contains(&self)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.entry().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        for (nth, entry) in LANGUAGES.iter().enumerate() {
            assert_eq!(entry.language as usize, nth, "{}", entry.name);
            assert_eq!(Language::from_code(entry.code), Some(entry.language));
        }
        assert_eq!(Script::Latin.default_language(), Language::English);
        assert_eq!(Script::Han.default_language(), Language::Chinese);
    }
}
