//! Normalization of words: forms that people use for the same word become one.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Pairs of a traditional Chinese character and the simplified one, in the order of their code points.
///
/// From the crate fast2s 0.3.1 (MIT License, © 2021 Tyr Chen), without its rules for single words: both sides
/// of a comparison are converted, so a conversion that is wrong in context does no harm.
static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let chars: Vec<char> = include_str!("simplified.txt").chars().filter(|c| *c != '\n').collect();
    chars.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
});

/// The simplified form of a Chinese character, which may be the same.
pub fn simplified(c: char) -> char {
    SIMPLIFIED.get(&c).copied().unwrap_or(c)
}

/// The pairs of a traditional Chinese character and the simplified one, one after the other.
pub fn simplified_pairs() -> String {
    include_str!("simplified.txt").replace('\n', "")
}

/// A word in lower case and with compatibility forms (full width, ligatures, superscripts) replaced: what a
/// stemmer expects.
pub fn lower(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    word.nfkc().flat_map(char::to_lowercase).filter(|c| !is_invisible(*c)).nfc().collect()
}

/// A word in lower case, with compatibility forms replaced and without the marks that people leave out:
/// accents, Arabic and Hebrew vowel points. Marks that make another letter stay: Cyrillic `й`, voiced kana,
/// Indic vowels.
pub fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(word.len());
    let mut base = ' ';
    for c in word.nfkd().flat_map(char::to_lowercase).nfd() {
        if is_combining_mark(c) {
            if !is_optional_mark(base, c) {
                folded.push(if c == 'ँ' { 'ं' } else { c });
            }
            continue;
        }
        base = c;
        push_folded(&mut folded, c);
    }
    folded.nfc().collect()
}

/// A word with its letters that have a spelling in two letters (`ö` is `oe`, `å` is `aa`) written so, then
/// [folded]; `None` if it has no such letter.
pub fn spelled_out(word: &str) -> Option<String> {
    if !word.contains(['ä', 'ö', 'ü', 'å', 'ø', 'Ä', 'Ö', 'Ü', 'Å', 'Ø']) {
        return None;
    }
    let mut spelled = String::with_capacity(word.len() + 4);
    for c in word.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => spelled.push_str("ae"),
            'ö' | 'ø' => spelled.push_str("oe"),
            'ü' => spelled.push_str("ue"),
            'å' => spelled.push_str("aa"),
            c => spelled.push(c),
        }
    }
    Some(folded(&spelled))
}

fn push_folded(folded: &mut String, c: char) {
    match c {
        'ß' => folded.push_str("ss"),
        'æ' => folded.push_str("ae"),
        'œ' => folded.push_str("oe"),
        'þ' => folded.push_str("th"),
        'ø' => folded.push('o'),
        'ł' => folded.push('l'),
        'đ' | 'ð' => folded.push('d'),
        'ħ' => folded.push('h'),
        'ı' => folded.push('i'),
        'ς' => folded.push('σ'),
        // Alef maksura, and the letters as Persian and Urdu keyboards write them.
        'ى' | 'ی' => folded.push('ي'),
        'ٱ' => folded.push('ا'),
        'ک' => folded.push('ك'),
        'ة' | 'ہ' | 'ۀ' => folded.push('ه'),
        c if is_invisible(c) => {}
        c => match decimal_digit(c) {
            Some(digit) => folded.push(digit),
            None => folded.push(c),
        },
    }
}

/// Whether a mark after a letter is often left out.
fn is_optional_mark(base: char, mark: char) -> bool {
    match u32::from(mark) {
        // Of the general accents, Cyrillic й, ї and ў are letters of their own; ё is not.
        0x306 => !matches!(base, 'и' | 'у'),
        0x308 => base != 'і',
        0x300..=0x36F => true,
        // Hebrew and Arabic points; hamza above and below.
        0x591..=0x5C7 | 0x610..=0x61A | 0x64B..=0x65F | 0x670 | 0x6D6..=0x6ED => true,
        // Nukta.
        0x93C | 0x9BC | 0xA3C | 0xABC | 0xB3C => true,
        0x20D0..=0x20FF | 0xFE00..=0xFE2F => true,
        _ => false,
    }
}

/// Characters inside words that are not visible, or that only stretch a letter: joiners, the soft hyphen, and
/// the Arabic tatweel.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200C}' | '\u{200D}' | '\u{2060}' | '\u{640}' | '\u{FE0E}' | '\u{FE0F}')
}

/// The ASCII digit of a decimal digit of another script.
fn decimal_digit(c: char) -> Option<char> {
    const ZEROS: [u32; 16] = [
        0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0x1040,
        0x17E0, 0x1810,
    ];
    let code = u32::from(c);
    let zero = ZEROS.into_iter().find(|zero| (*zero..zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_fold_to_one() {
        for (forms, expected) in [
            (&["Café", "cafe", "CAFE\u{301}", "ｃａｆｅ"][..], "cafe"),
            (&["Straße", "STRASSE"], "strasse"),
            (&["ﬁle", "FILE"], "file"),
            (&["İstanbul", "ıstanbul"], "istanbul"),
            (&["Ärger", "ARGER"], "arger"),
            (&["søk", "sok"], "sok"),
            (&["Łódź", "lodz"], "lodz"),
            (&["ёлка", "елка", "Ёлка"], "елка"),
            (&["πώς", "πωσ"], "πωσ"),
            (&["أحمد", "احمد", "إحمد", "أَحْمَد"], "احمد"),
            (&["مدرسة", "مدرسه"], "مدرسه"),
            (&["کتاب", "كتاب", "كتـــاب"], "كتاب"),
            (&["می\u{200c}خواهم", "میخواهم"], "ميخواهم"),
            (&["שָׁלוֹם", "שלום"], "שלום"),
            (&["फ़ोन", "फोन"], "फोन"),
            (&["ﾊﾟｽ", "パス"], "パス"),
            (&["٢٠٢٤", "2024", "۲۰۲۴"], "2024"),
            (&["x²", "x2"], "x2"),
        ] {
            for form in forms {
                assert_eq!(folded(form), expected, "{form}");
            }
        }
    }

    #[test]
    fn other_letters_stay_apart() {
        for (one, other) in
            [("мой", "мои"), ("їх", "іх"), ("が", "か"), ("कि", "की"), ("ไม่", "ไม"), ("가", "각")]
        {
            assert_ne!(folded(one), folded(other));
        }
    }

    #[test]
    fn letters_are_spelled_out() {
        assert_eq!(spelled_out("Österreich").as_deref(), Some("oesterreich"));
        assert_eq!(spelled_out("Århus").as_deref(), Some("aarhus"));
        assert_eq!(spelled_out("Bjørn").as_deref(), Some("bjoern"));
        assert_eq!(spelled_out("naïve"), None);
    }

    #[test]
    fn traditional_characters_become_simplified() {
        let text: String = "退款需要多長時間，訂單發貨".chars().map(simplified).collect();
        assert_eq!(text, "退款需要多长时间，订单发货");
    }
}
