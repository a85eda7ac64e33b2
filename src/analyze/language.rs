//! Scripts and languages, and detection of the language of a question.

use std::fmt;
use std::sync::LazyLock;

use frostem::Algorithm;
use unicode_normalization::UnicodeNormalization;
use whatlang::{Detector, Lang};

/// How many characters of prose the language is detected from. More text changes the result in less than one
/// question in a hundred, and detection takes time in proportion to it.
const ENOUGH: usize = 400;

/// How much a letter of an unspaced script counts when the scripts of a text are compared. A character of
/// such a script carries about as much as a short word of letters, and texts about technology mix it with
/// Latin names.
const UNSPACED_WEIGHT: usize = 5;

/// How much a letter of another alphabet counts compared with a Latin one.
const ALPHABET_WEIGHT: usize = 2;

/// A Latin text of at most this many words, all in ASCII, is English unless a detector is certain.
const FEW_WORDS: usize = 4;

/// An ASCII text with fewer letters is English.
const FEWEST_LETTERS: usize = 5;

/// The least confidence of `whatlang` in a language that `whichlang` does not know.
const PLAUSIBLE: f64 = 0.1;

/// A writing system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Script {
    /// Latin.
    Latin,
    /// Greek.
    Greek,
    /// Cyrillic.
    Cyrillic,
    /// Armenian.
    Armenian,
    /// Hebrew.
    Hebrew,
    /// Arabic.
    Arabic,
    /// Devanagari.
    Devanagari,
    /// Bengali.
    Bengali,
    /// Gurmukhi.
    Gurmukhi,
    /// Gujarati.
    Gujarati,
    /// Tamil.
    Tamil,
    /// Telugu.
    Telugu,
    /// Kannada.
    Kannada,
    /// Malayalam.
    Malayalam,
    /// Sinhala.
    Sinhala,
    /// Georgian.
    Georgian,
    /// Ethiopic.
    Ethiopic,
    /// Hangul.
    Hangul,
    /// Chinese characters and the Japanese kana.
    Han,
    /// Thai.
    Thai,
    /// Lao.
    Lao,
    /// Burmese.
    Myanmar,
    /// Khmer.
    Khmer,
}

/// The blocks of the scripts, in order. Hangul includes the half-width and single letters.
const BLOCKS: [(u32, u32, Script); 52] = [
    (0x41, 0x5A, Script::Latin),
    (0x61, 0x7A, Script::Latin),
    (0xAA, 0xAA, Script::Latin),
    (0xBA, 0xBA, Script::Latin),
    (0xC0, 0x24F, Script::Latin),
    (0x250, 0x2AF, Script::Latin),
    (0x370, 0x3FF, Script::Greek),
    (0x400, 0x52F, Script::Cyrillic),
    (0x531, 0x58F, Script::Armenian),
    (0x591, 0x5F4, Script::Hebrew),
    (0x600, 0x6FF, Script::Arabic),
    (0x750, 0x77F, Script::Arabic),
    (0x8A0, 0x8FF, Script::Arabic),
    (0x900, 0x97F, Script::Devanagari),
    (0x980, 0x9FF, Script::Bengali),
    (0xA00, 0xA7F, Script::Gurmukhi),
    (0xA80, 0xAFF, Script::Gujarati),
    (0xB80, 0xBFF, Script::Tamil),
    (0xC00, 0xC7F, Script::Telugu),
    (0xC80, 0xCFF, Script::Kannada),
    (0xD00, 0xD7F, Script::Malayalam),
    (0xD80, 0xDFF, Script::Sinhala),
    (0xE00, 0xE7F, Script::Thai),
    (0xE80, 0xEFF, Script::Lao),
    (0x1000, 0x109F, Script::Myanmar),
    (0x10A0, 0x10FF, Script::Georgian),
    (0x1100, 0x11FF, Script::Hangul),
    (0x1200, 0x139F, Script::Ethiopic),
    (0x1780, 0x17FF, Script::Khmer),
    (0x1C90, 0x1CBF, Script::Georgian),
    (0x1E00, 0x1EFF, Script::Latin),
    (0x1F00, 0x1FFF, Script::Greek),
    (0x2D00, 0x2D2F, Script::Georgian),
    (0x2E80, 0x2FDF, Script::Han),
    (0x3005, 0x3007, Script::Han),
    (0x3031, 0x3035, Script::Han),
    (0x3041, 0x30FF, Script::Han),
    (0x3131, 0x318E, Script::Hangul),
    (0x31F0, 0x31FF, Script::Han),
    (0x3400, 0x4DBF, Script::Han),
    (0x4E00, 0x9FFF, Script::Han),
    (0xA8E0, 0xA8FF, Script::Devanagari),
    (0xA960, 0xA97F, Script::Hangul),
    (0xAA60, 0xAA7F, Script::Myanmar),
    (0xAC00, 0xD7FF, Script::Hangul),
    (0xF900, 0xFAFF, Script::Han),
    (0xFB50, 0xFDFF, Script::Arabic),
    (0xFE70, 0xFEFC, Script::Arabic),
    (0xFF21, 0xFF5A, Script::Latin),
    (0xFF66, 0xFF9F, Script::Han),
    (0xFFA0, 0xFFDC, Script::Hangul),
    (0x20000, 0x323AF, Script::Han),
];

impl Script {
    /// The script of a letter or of a mark on a letter; `None` for digits, punctuation and other scripts.
    pub fn of(c: char) -> Option<Self> {
        if c.is_ascii() {
            return c.is_ascii_alphabetic().then_some(Self::Latin);
        }
        let code = u32::from(c);
        let at = BLOCKS.partition_point(|(_, last, _)| *last < code);
        BLOCKS.get(at).filter(|(first, _, _)| *first <= code).map(|(_, _, script)| *script)
    }

    /// Whether texts in this script have no spaces between words.
    pub fn is_unspaced(self) -> bool {
        matches!(self, Self::Han | Self::Thai | Self::Lao | Self::Myanmar | Self::Khmer)
    }

    fn weight(self) -> usize {
        match self {
            Self::Latin => 1,
            Self::Hangul => UNSPACED_WEIGHT,
            script if script.is_unspaced() => UNSPACED_WEIGHT,
            _ => ALPHABET_WEIGHT,
        }
    }

    /// The language that a word in this script has if nothing else is known.
    pub fn default_language(self) -> Language {
        LANGUAGES.iter().find(|entry| entry.script == self).expect("every script has a language").language
    }
}

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

/// Detects the language of a text: Markdown, or a phrase.
///
/// The script decides first. Latin text goes through two detectors. `whichlang` is right about short texts
/// more often, and `whatlang` knows more languages and says when it is certain. A text that neither knows, or
/// without letters, counts as English.
///
/// Measured on the first six words of 300 sentences each in 35 languages of the Leipzig corpora, and on 3,861
/// titles of English questions: `whichlang` is right about 96 % of the sentences in its 16 languages and 95 %
/// of the titles, `whatlang` about 85 % and 77 %. Both together are right about 83 % of the sentences in the
/// 22 Latin languages below, of which `whichlang` knows ten, and 96 % of the titles. Whole sentences: 92 %.
pub fn detect(text: &str) -> Language {
    let text = prose(text);
    let text = if text.contains(is_full_width) { text.nfkc().collect() } else { text };
    let mut weights: Vec<(Script, usize)> = Vec::new();
    if text.is_ascii() && text.contains(|c: char| c.is_ascii_alphabetic()) {
        return latin(&text);
    }
    for script in text.chars().filter_map(Script::of) {
        match weights.iter_mut().find(|(other, _)| *other == script) {
            Some((_, weight)) => *weight += script.weight(),
            None => weights.push((script, script.weight())),
        }
    }
    // The first of equal scripts, in order of the text.
    let script = weights.iter().rev().max_by_key(|(_, weight)| *weight).map(|(script, _)| *script);
    match script {
        None => Language::English,
        Some(Script::Latin) => latin(&text),
        Some(Script::Han) => chinese_or_japanese(&text),
        Some(Script::Cyrillic) => cyrillic(&text),
        Some(Script::Arabic) => arabic(&text),
        Some(Script::Devanagari) => certain(&text, Script::Devanagari).unwrap_or(Language::Hindi),
        Some(script) => script.default_language(),
    }
}

/// The first [`ENOUGH`] characters of a text without code: fenced and inline code, and words with the marks
/// of code.
fn prose(text: &str) -> String {
    let mut prose = String::with_capacity(text.len().min(2 * ENOUGH));
    let mut is_fenced = false;
    let mut chars = 0;
    for line in text.lines() {
        if ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence)) {
            is_fenced = !is_fenced;
            continue;
        }
        if is_fenced {
            continue;
        }
        for (nth, span) in line.split('`').enumerate() {
            for word in span.split_whitespace().filter(|word| nth % 2 == 0 && !is_code(word)) {
                chars += word.chars().count() + 1;
                prose.push_str(word);
                prose.push(' ');
            }
        }
        if chars >= ENOUGH {
            break;
        }
    }
    prose
}

/// Whether a character is a full-width form of an ASCII character.
fn is_full_width(c: char) -> bool {
    ('\u{ff01}'..='\u{ff5e}').contains(&c)
}

fn is_code(word: &str) -> bool {
    word.contains("::") || word.contains("://") || word.contains(['_', '<', '>', '=', '{', '}', '/', '\\'])
}

/// English words that are frequent in questions and are not frequent words of another language.
const ENGLISH_WORDS: [&str; 48] = [
    "the", "what", "what's", "how", "why", "does", "and", "you", "with", "when", "which", "are", "this",
    "that", "it", "it's", "from", "should", "would", "could", "between", "have", "has", "if", "my", "your",
    "where", "who", "there", "will", "can't", "don't", "i", "i'm", "be", "about", "into", "they", "we",
    "get", "use", "using", "not", "because", "while", "after", "before", "without",
];

fn latin(text: &str) -> Language {
    // The detectors are certain about words that exist in no language (`API` is Lithuanian).
    if text.is_ascii() && text.bytes().filter(u8::is_ascii_alphabetic).count() < FEWEST_LETTERS {
        return Language::English;
    }
    let (mut words, mut english) = (0, 0);
    for word in text.split(|c: char| !c.is_alphabetic() && c != '\'').filter(|word| !word.is_empty()) {
        words += 1;
        english += usize::from(ENGLISH_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)));
    }
    if english >= 2 && english * 10 >= words {
        return Language::English;
    }
    let which = which(text);
    let has_english = english >= 1 && words <= 8;
    // Whatever the other detector says: it takes much longer.
    if has_english && which == Some(Language::English) {
        return Language::English;
    }
    let Some(guess) = LATIN.detect(text) else {
        return Language::English;
    };
    let Some(what) = of_whatlang(guess.lang()).filter(|what| what.script() == Script::Latin) else {
        return Language::English;
    };
    if has_english && which != Some(what) {
        return Language::English;
    }
    let is_nordic = matches!(what, Language::Danish | Language::Norwegian);
    // Letters that Swedish does not have.
    if text.contains(['æ', 'ø', 'Æ', 'Ø']) && which == Some(Language::Swedish) {
        return if what == Language::Norwegian { what } else { Language::Danish };
    }
    match which {
        _ if guess.is_reliable() => what,
        Some(which) if which == what => what,
        Some(Language::English) | None => Language::English,
        Some(_) if what == Language::English => Language::English,
        // `whichlang` takes Danish and Norwegian for Swedish.
        Some(_) if !is_known_to_whichlang(what) && (is_nordic || guess.confidence() > PLAUSIBLE) => what,
        Some(_) if text.is_ascii() && words <= FEW_WORDS => Language::English,
        Some(which) => which,
    }
}

/// `whatlang` restricted to the Latin languages that have an analysis here.
static LATIN: LazyLock<Detector> = LazyLock::new(|| detector(Script::Latin));
static CYRILLIC: LazyLock<Detector> = LazyLock::new(|| detector(Script::Cyrillic));
static DEVANAGARI: LazyLock<Detector> = LazyLock::new(|| detector(Script::Devanagari));

fn detector(script: Script) -> Detector {
    let of_script = LANGUAGES.iter().filter(|entry| entry.script == script);
    Detector::with_allowlist(of_script.filter_map(|entry| entry.whatlang).collect())
}

/// `None` if the language has no analysis here. `whatlang` returns a language that is not in its list of allowed ones
/// if the letters are of a script with one language: it takes full-width letters (`ＡＰＩ`) for Japanese.
fn of_whatlang(lang: Lang) -> Option<Language> {
    LANGUAGES.iter().find(|entry| entry.whatlang == Some(lang)).map(|entry| entry.language)
}

/// The language by `whichlang`; `None` if it is not a Latin one.
fn which(text: &str) -> Option<Language> {
    Some(match whichlang::detect_language(text) {
        whichlang::Lang::Deu => Language::German,
        whichlang::Lang::Eng => Language::English,
        whichlang::Lang::Fra => Language::French,
        whichlang::Lang::Ita => Language::Italian,
        whichlang::Lang::Nld => Language::Dutch,
        whichlang::Lang::Por => Language::Portuguese,
        whichlang::Lang::Spa => Language::Spanish,
        whichlang::Lang::Swe => Language::Swedish,
        whichlang::Lang::Tur => Language::Turkish,
        whichlang::Lang::Vie => Language::Vietnamese,
        _ => return None,
    })
}

fn is_known_to_whichlang(language: Language) -> bool {
    use Language::{
        Dutch, English, French, German, Italian, Portuguese, Spanish, Swedish, Turkish, Vietnamese,
    };
    matches!(
        language,
        Dutch | English | French | German | Italian | Portuguese | Spanish | Swedish | Turkish | Vietnamese
    )
}

/// The language of a text in a script by `whatlang`; `None` if it is not certain.
fn certain(text: &str, script: Script) -> Option<Language> {
    let detector = if script == Script::Cyrillic { &CYRILLIC } else { &DEVANAGARI };
    let guess = detector.detect(text).filter(whatlang::Info::is_reliable)?;
    of_whatlang(guess.lang())
}

/// Japanese has kana, Chinese has none but in names.
fn chinese_or_japanese(text: &str) -> Language {
    let kana = text.chars().filter(|c| matches!(u32::from(*c), 0x3041..=0x30FF | 0xFF66..=0xFF9F)).count();
    let all = text.chars().filter(|c| Script::of(*c) == Some(Script::Han)).count();
    if kana * 10 >= all { Language::Japanese } else { Language::Chinese }
}

fn cyrillic(text: &str) -> Language {
    let has = |letters: &str| text.chars().flat_map(char::to_lowercase).any(|c| letters.contains(c));
    if has("іїєґ") {
        Language::Ukrainian
    } else if has("ђјљњћџ") {
        Language::Serbian
    } else if has("ыэё") {
        Language::Russian
    } else {
        certain(text, Script::Cyrillic).unwrap_or(Language::Russian)
    }
}

fn arabic(text: &str) -> Language {
    if text.contains(['ٹ', 'ڈ', 'ڑ', 'ں', 'ے']) {
        Language::Urdu
    } else if text.contains(['پ', 'چ', 'ژ', 'گ', 'ک', 'ی']) {
        Language::Persian
    } else {
        Language::Arabic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_a_language() {
        for c in '\0'..=char::MAX {
            detect(&c.to_string());
        }
        for (text, expected) in [
            ("ＡＰＩ", detect("API")),
            ("Ｗｉｅ ｋａｎｎ ｉｃｈ ｍｅｉｎ Ｋｏｎｔｏ ｌöｓｃｈｅｎ？", Language::German),
            ("日本のＡＰＩとは何ですか", Language::Japanese),
        ] {
            assert_eq!(detect(text), expected, "{text}");
        }
    }

    #[test]
    fn the_table_is_consistent() {
        for (nth, entry) in LANGUAGES.iter().enumerate() {
            assert_eq!(entry.language as usize, nth, "{}", entry.name);
            assert_eq!(Language::from_code(entry.code), Some(entry.language));
        }
        assert!(BLOCKS.windows(2).all(|pair| pair[0].1 < pair[1].0), "the blocks are in order");
        assert_eq!(Script::Latin.default_language(), Language::English);
        assert_eq!(Script::Han.default_language(), Language::Chinese);
    }

    #[test]
    fn the_language_of_a_question_is_detected() {
        use Language::*;
        let mut wrong = Vec::new();
        for (text, expected) in [
            ("How do I reset my password?", English),
            ("Mutex vs RwLock", English),
            ("Was kostet der Versand nach Österreich?", German),
            ("Wie setze ich mein Passwort zurück?", German),
            ("Comment réinitialiser mon mot de passe ?", French),
            ("¿Cómo cambio mi contraseña?", Spanish),
            ("Come posso cambiare la mia password?", Italian),
            ("Como faço para alterar a minha senha?", Portuguese),
            ("Hoe kan ik mijn wachtwoord wijzigen?", Dutch),
            ("Hvordan ændrer jeg min adgangskode?", Danish),
            ("Hur ändrar jag mitt lösenord?", Swedish),
            ("Jak mogę zmienić hasło do konta?", Polish),
            ("Şifremi nasıl değiştirebilirim?", Turkish),
            ("Как сбросить пароль?", Russian),
            ("Як змінити мій пароль?", Ukrainian),
            ("كيف أغير كلمة المرور؟", Arabic),
            ("چگونه رمز عبور خود را تغییر دهم؟", Persian),
            ("मैं अपना पासवर्ड कैसे बदलूँ?", Hindi),
            ("Πώς αλλάζω τον κωδικό μου;", Greek),
            ("איך משנים סיסמה?", Hebrew),
            ("如何重置密码？", Chinese),
            ("如何在 Rust 中使用 `Arc<Mutex<T>>` 共享状态？", Chinese),
            ("パスワードを忘れた場合はどうすればいいですか？", Japanese),
            ("비밀번호를 잊어버렸어요", Korean),
            ("ฉันจะเปลี่ยนรหัสผ่านได้อย่างไร", Thai),
            ("How do I say 你好 in Chinese?", English),
            ("", English),
            ("API", English),
            ("SSL?", English),
            ("1.10 ?!", English),
        ] {
            let found = detect(text);
            if found != expected {
                wrong.push((text, found));
            }
        }
        assert_eq!(wrong, []);
    }

    #[test]
    fn code_does_not_count() {
        assert_eq!(
            detect("```rust\nlet the_what = how(why);\n```\nWas ist das für ein Fehler?"),
            Language::German
        );
    }
}
