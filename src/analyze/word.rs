//! The terms of one word: its stem in each language.

use std::borrow::Cow;

use frostem::Stemmer;

use super::fold::{folded, lower, spelled_out};
use super::language::{Language, Script};

/// The terms that a word is found by, the main one first. All languages must have the script of the word.
///
/// Snowball stemmers need accents to recognize endings (`ción`), and people leave them out. So a word with
/// accents has the stem of its spelling, folded, and also the stem of its folded spelling.
pub fn terms(word: &str, languages: &[Language]) -> Vec<String> {
    let mut terms: Vec<String> = Vec::with_capacity(1);
    if word.is_ascii() {
        let word = word.to_ascii_lowercase();
        // Nearly all words: without a copy of a word that is its own stem.
        if let [language] = languages {
            let stem = match stem(&word, *language) {
                Cow::Borrowed(_) => None,
                Cow::Owned(stem) => Some(stem),
            };
            return vec![stem.unwrap_or(word)];
        }
        languages.iter().for_each(|language| add(&mut terms, stem(&word, *language)));
        return terms;
    }
    let (lower, plain) = (lower(word), folded(word));
    let spelled = spelled_out(&lower);
    for language in languages {
        // English words have accents only if they are foreign.
        if *language != Language::English {
            add(&mut terms, Cow::Owned(folded(&stem(&lower, *language))));
        }
        add(&mut terms, stem(&plain, *language));
        if let Some(closed) = closed_feminine(&plain).filter(|_| *language == Language::Arabic) {
            add(&mut terms, Cow::Owned(folded(&stem(&closed, *language))));
        }
        if let Some(spelled) = &spelled {
            add(&mut terms, Cow::Owned(folded(&stem(spelled, *language))));
        }
    }
    terms
}

fn add(terms: &mut Vec<String>, term: Cow<'_, str>) {
    if !term.is_empty() && !terms.iter().any(|known| *known == term) {
        terms.push(term.into_owned());
    }
}

/// The stem of a lower-case word. Words with digits and words of one or two letters are returned unchanged.
fn stem(word: &str, language: Language) -> Cow<'_, str> {
    if language == Language::Korean {
        return Cow::Borrowed(without_particle(word));
    }
    let Some(algorithm) = language.stemmer() else {
        return Cow::Borrowed(word);
    };
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    if has_digit || word.chars().nth(2).is_none() {
        return Cow::Borrowed(word);
    }
    match Stemmer::new(algorithm).stem(word) {
        stem if language == Language::Greek => Cow::Owned(greek_root(&stem).to_owned()),
        Cow::Borrowed(stem) if stem.len() == word.len() => Cow::Borrowed(word),
        stem => Cow::Owned(stem.into_owned()),
    }
}

/// A stem of the Greek stemmer without the endings that it removes from some forms of a word only: it makes `κωδ` of
/// `κωδικό` and `κωδικ` of `κωδικός`, and `παραγγελ` of `παραγγελία` and `παραγγελι` of `παραγγελίες`.
fn greek_root(stem: &str) -> &str {
    let without = |ending: &str| stem.strip_suffix(ending).filter(|root| root.chars().nth(2).is_some());
    ["ικ", "ι"].into_iter().find_map(without).unwrap_or(stem)
}

/// Arabic possessive endings: my, your, his, her, our, their.
const POSSESSIVES: [&str; 8] = ["ها", "نا", "كم", "كن", "هم", "هن", "ي", "ك"];

/// An Arabic noun without its possessive ending if that turned the feminine ending into `ت`: `طلبيتي` (my
/// order) is `طلبية`. The stemmer leaves the `ت`.
fn closed_feminine(word: &str) -> Option<String> {
    let noun = POSSESSIVES.iter().find_map(|ending| word.strip_suffix(ending)?.strip_suffix('ت'))?;
    noun.chars().nth(2).map(|_| format!("{noun}ة"))
}

/// Korean particles (josa) and the copula, longest first. They follow a noun without a space.
pub const PARTICLES: [&str; 40] = [
    "으로부터",
    "에서부터",
    "이라도",
    "입니다",
    "입니까",
    "에게서",
    "이라고",
    "이란",
    "까지",
    "부터",
    "에서",
    "에게",
    "한테",
    "처럼",
    "보다",
    "마다",
    "조차",
    "마저",
    "밖에",
    "이나",
    "이랑",
    "으로",
    "라고",
    "하고",
    "라도",
    "과",
    "와",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "도",
    "만",
    "로",
    "나",
    "랑",
];

/// A Korean word without the particle at its end, if at least two syllables remain.
pub fn without_particle(word: &str) -> &str {
    let rest = |particle: &&str| {
        let rest = word.strip_suffix(particle)?;
        rest.chars().nth(1).map(|_| rest)
    };
    PARTICLES.iter().find_map(rest).unwrap_or(word)
}

/// Whether a Korean word is a particle on its own.
pub fn is_particle(word: &str) -> bool {
    PARTICLES.contains(&word)
}

/// Articles and pronouns that lose their vowel before a word: `l'entrée`, `dell'anno`.
const ELISIONS: [&str; 32] = [
    "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "un", "dell", "all",
    "nell", "sull", "dall", "dell", "quell", "quest", "anch", "com", "dov", "cos", "gl", "sant", "bell",
    "nessun", "ciascun", "qualcun",
];

/// The elided articles and pronouns of these languages.
pub fn elisions(languages: &[Language]) -> &'static [&'static str] {
    let elides =
        |language: &Language| matches!(language, Language::French | Language::Italian | Language::Catalan);
    if languages.iter().any(elides) { &ELISIONS } else { &[] }
}

/// Whether a word before an apostrophe is an elided article or pronoun of one of these languages.
pub fn is_elision(word: &str, languages: &[Language]) -> bool {
    elisions(languages).iter().any(|elision| elision.eq_ignore_ascii_case(word))
}

/// The languages to analyze a word of this script in: those of `languages` with the script, else its default.
pub fn languages_of(script: Script, languages: &[Language]) -> Vec<Language> {
    let own: Vec<Language> =
        languages.iter().filter(|language| language.script() == script).copied().collect();
    if own.is_empty() { vec![script.default_language()] } else { own }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether two forms of a word have a common term.
    fn is_same(language: Language, one: &str, other: &str) -> bool {
        let (one, other) = (terms(one, &[language]), terms(other, &[language]));
        one.iter().any(|term| other.contains(term))
    }

    #[test]
    fn inflected_forms_have_a_common_term() {
        use Language::*;
        let forms = [
            (English, "indexing", "index"),
            (German, "Passwörter", "Passwörtern"),
            (German, "Österreich", "oesterreich"),
            (German, "Österreich", "Osterreich"),
            (German, "Straße", "Strasse"),
            (French, "entrée", "entree"),
            (French, "commandes", "commande"),
            (Spanish, "devolución", "devolucion"),
            (Spanish, "devoluciones", "devolución"),
            (Spanish, "contraseñas", "contrasena"),
            (Italian, "ordini", "ordine"),
            (Portuguese, "devoluções", "devolução"),
            (Dutch, "bestellingen", "bestelling"),
            (Swedish, "lösenord", "losenord"),
            (Norwegian, "Århus", "aarhus"),
            (Danish, "søgning", "soegning"),
            (Polish, "hasła", "hasło"),
            (Czech, "hesla", "heslo"),
            (Hungarian, "jelszavakat", "jelszavak"),
            (Turkish, "şifremi", "sifremi"),
            (Russian, "паролей", "пароль"),
            (Russian, "счёта", "счета"),
            (Greek, "κωδικός", "κωδικό"),
            (Greek, "κωδικού", "κωδικοί"),
            (Greek, "παραγγελία", "παραγγελίες"),
            (Ukrainian, "Ґанок", "ґанок"),
            (Arabic, "الكلمة", "كلمة"),
            (Arabic, "إرجاع", "ارجاع"),
            (Arabic, "طلبيتي", "الطلبية"),
            (Persian, "كتاب‌ها", "کتاب"),
            (Hindi, "लड़के", "लड़का"),
            (Korean, "비밀번호를", "비밀번호"),
        ];
        let differ: Vec<_> =
            forms.into_iter().filter(|(language, one, other)| !is_same(*language, one, other)).collect();
        assert_eq!(differ, []);
    }

    #[test]
    fn a_phrase_has_the_terms_of_each_language() {
        assert_eq!(
            terms("Bestellungen", &[Language::English, Language::German]),
            ["bestellungen", "bestell"]
        );
        assert_eq!(terms("lock", &[Language::English, Language::German]), ["lock"]);
    }

    #[test]
    fn a_particle_is_stripped_from_a_long_enough_word() {
        for (word, expected) in
            [("상품은", "상품"), ("서울에서부터", "서울"), ("나는", "나는"), ("도착", "도착")]
        {
            assert_eq!(without_particle(word), expected);
        }
    }
}
