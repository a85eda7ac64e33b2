//! Repairs UTF-8 text that was decoded with the wrong code page (mojibake).
//!
//! A program decoded UTF-8 bytes as Windows-1252 or another code page and saved the result: `—` became `â€”`, or `β€”`
//! with the Greek code page. Encoded again with that code page, such a run of characters is valid multi-byte UTF-8.
//! Real text rarely is, but it happens: the `«В` of `группа «В»` also encodes to a valid character. Therefore, a run is
//! repaired only if the result is more likely than the original.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use encoding_rs::{
    Encoding, MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1257,
};

/// The code pages that text may have been decoded with, the most likely first.
const PAGES: [Page; 7] = [
    Page { encoding: WINDOWS_1252, latin: true },
    Page { encoding: WINDOWS_1253, latin: false },
    Page { encoding: WINDOWS_1251, latin: false },
    Page { encoding: WINDOWS_1250, latin: true },
    Page { encoding: WINDOWS_1254, latin: true },
    Page { encoding: WINDOWS_1257, latin: true },
    Page { encoding: MACINTOSH, latin: true },
];

/// A code page that text may have been decoded with.
struct Page {
    encoding: &'static Encoding,
    /// Its letters are Latin, so one word can contain both them and ASCII letters.
    latin: bool,
}

/// How many wrong decodings in a row are undone.
const ROUNDS: usize = 3;

/// This many adjacent characters to repair are not a coincidence, whatever they are.
const NO_ACCIDENT: usize = 3;

/// For each character in the upper half of any page: its byte in each page, or 0.
static BYTES: LazyLock<Vec<(char, [u8; PAGES.len()])>> = LazyLock::new(|| {
    let mut bytes: Vec<(char, [u8; PAGES.len()])> = Vec::new();
    let mut insert = |c: char, page: usize, byte: u8| {
        let at = bytes.binary_search_by_key(&c, |(known, _)| *known).unwrap_or_else(|at| {
            bytes.insert(at, (c, [0; PAGES.len()]));
            at
        });
        // A character that the page defines takes precedence over one that fills a hole.
        if bytes[at].1[page] == 0 {
            bytes[at].1[page] = byte;
        }
    };
    for (page, Page { encoding, .. }) in PAGES.iter().enumerate() {
        for byte in 0x80..=0xFF {
            if let Some(c) = decoded(encoding, byte) {
                insert(c, page, byte);
            }
        }
    }
    for (page, Page { encoding, .. }) in PAGES.iter().enumerate() {
        for byte in 0x80..=0xFF {
            // Decoders map a byte that the page does not define to itself, or to the character of Windows-1252.
            let hole = decoded(encoding, byte).is_none_or(|c| u32::from(c) == u32::from(byte));
            if hole {
                insert(char::from(byte), page, byte);
                insert(decoded(WINDOWS_1252, byte).unwrap_or(char::from(byte)), page, byte);
            }
        }
    }
    bytes
});

fn decoded(encoding: &'static Encoding, byte: u8) -> Option<char> {
    let bytes = [byte];
    let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes)?;
    text.chars().next()
}

/// Undoes wrong decodings. A run of characters that a code page encodes to valid multi-byte UTF-8 is replaced by the
/// text that it encodes to. Everything else stays unchanged: real text in Greek or Cyrillic, accented Latin letters,
/// curly quotes. ASCII text costs one pass over the bytes.
pub fn repair(line: &str) -> Cow<'_, str> {
    if line.is_ascii() {
        return Cow::Borrowed(line);
    }
    let mut text = Cow::Borrowed(line);
    for _ in 0..ROUNDS {
        match repaired_once(&text) {
            Some(repaired) => text = Cow::Owned(repaired),
            None => break,
        }
    }
    text
}

fn repaired_once(line: &str) -> Option<String> {
    let chars: Vec<(char, [u8; PAGES.len()])> = line
        .chars()
        .map(|c| match BYTES.binary_search_by_key(&c, |(known, _)| *known) {
            Ok(at) => BYTES[at],
            Err(_) => (c, [0; PAGES.len()]),
        })
        .collect();
    let repairs = (0..PAGES.len()).map(|page| repairs(&chars, page));
    // The page that repairs most characters; of equals, the first one is the most likely.
    let explained = |repairs: &Vec<Run>| repairs.iter().map(|run| run.at.len()).sum::<usize>();
    let best = repairs.rev().max_by_key(explained).filter(|repairs| !repairs.is_empty())?;
    let mut text = String::with_capacity(line.len());
    let mut from = 0;
    for run in best {
        text.extend(chars[from..run.at.start].iter().map(|(c, _)| *c));
        // A byte order mark within a text is not part of it.
        if run.becomes != '\u{feff}' {
            text.push(run.becomes);
        }
        from = run.at.end;
    }
    text.extend(chars[from..].iter().map(|(c, _)| *c));
    Some(text)
}

/// Characters whose bytes are one character of UTF-8.
struct Run {
    at: Range<usize>,
    becomes: char,
}

/// The runs that one code page repairs.
fn repairs(chars: &[(char, [u8; PAGES.len()])], page: usize) -> Vec<Run> {
    let runs = runs(chars, page);
    if runs.is_empty() {
        return runs;
    }
    let latin = PAGES[page].latin;
    let mut in_run = vec![false; chars.len()];
    for run in &runs {
        in_run[run.at.clone()].fill(true);
    }
    let real_letter = |at: usize| !in_run[at] && !chars[at].0.is_ascii() && chars[at].0.is_alphabetic();
    let has_real_letters = !latin && (0..chars.len()).any(real_letter);
    let unbroken = unbroken(&runs);
    if !has_real_letters && unbroken.iter().any(|length| *length >= NO_ACCIDENT) {
        return runs;
    }
    let symbol = |run: &Run| {
        let after_letter = !latin && run.at.start.checked_sub(1).is_some_and(real_letter);
        is_symbol(run.becomes) && !after_letter
    };
    // In `naГЇve`, a word would continue in another script.
    let ascii_letter = |at: usize| chars.get(at).is_some_and(|(c, _)| c.is_ascii_alphabetic());
    let within_word = |run: &Run| {
        let before = run.at.start.checked_sub(1).is_some_and(ascii_letter);
        !latin && (before || ascii_letter(run.at.end))
    };
    // One certain run makes the other runs of the line plausible.
    let sure = runs.iter().any(symbol);
    let plausible = |run: &Run, unbroken: usize| {
        let western = ('\u{a0}'..='\u{17f}').contains(&run.becomes);
        let last = chars[run.at.end - 1].0;
        symbol(run)
            || unbroken >= NO_ACCIDENT
            || western && page == 0
            || western && (sure || within_word(run) || !last.is_alphabetic()) && !has_real_letters
    };
    let keep: Vec<bool> =
        runs.iter().zip(&unbroken).map(|(run, unbroken)| plausible(run, *unbroken)).collect();
    runs.into_iter().zip(keep).filter_map(|(run, keep)| keep.then_some(run)).collect()
}

/// All runs whose bytes in a code page are one multi-byte character of UTF-8.
fn runs(chars: &[(char, [u8; PAGES.len()])], page: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let length = match chars[at].1[page] {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        let mut bytes = [0; 4];
        let end = at + length;
        if length > 1 && end <= chars.len() {
            for (byte, (_, of_pages)) in bytes.iter_mut().zip(&chars[at..end]) {
                *byte = of_pages[page];
            }
            if let Some(becomes) =
                std::str::from_utf8(&bytes[..length]).ok().and_then(|text| text.chars().next())
            {
                runs.push(Run { at: at..end, becomes });
                at = end;
                continue;
            }
        }
        at += 1;
    }
    runs
}

/// For each run, the number of adjacent runs, including itself.
fn unbroken(runs: &[Run]) -> Vec<usize> {
    runs.chunk_by(|a, b| a.at.end == b.at.start)
        .flat_map(|side| std::iter::repeat_n(side.len(), side.len()))
        .collect()
}

/// Whether a character is punctuation, an arrow, a mathematical sign, a box or an emoji, which occur among letters of
/// any script.
///
/// Roman numerals and Braille do not count: their bytes are `в…»` and `в «` (with a no-break space) in Windows-1251.
fn is_symbol(c: char) -> bool {
    matches!(
        u32::from(c),
        0x200B..=0x205E
            | 0x20A0..=0x20C0
            | 0x2100..=0x214F
            | 0x2190..=0x27BF
            | 0x27F0..=0x27FF
            | 0x2900..=0x2BFF
            | 0xFB00..=0xFB06
            | 0xFE0F
            | 0xFEFF
            | 0xFFFD
            | 0x1F000..=0x1FAFF
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` after its bytes were decoded with a code page.
    fn broken(text: &str, page: &'static Encoding) -> String {
        text.bytes()
            .map(|byte| match byte {
                0..0x80 => char::from(byte),
                byte => decoded(page, byte).unwrap_or(char::from(byte)),
            })
            .collect()
    }

    #[test]
    fn text_decoded_with_any_page_is_repaired() {
        for text in ["a — b", "don’t “do” it…", "fast 🦀 ✅ → 3 × 4", "à la café", "½ of 20 €", "• one"]
        {
            for page in &PAGES {
                assert_eq!(repair(&broken(text, page.encoding)), text, "{}", page.encoding.name());
            }
        }
    }

    #[test]
    fn text_of_another_script_is_repaired() {
        for text in ["Привет, мир", "Ελληνικά", "日本語の質問"] {
            for page in [WINDOWS_1251, WINDOWS_1252, WINDOWS_1253] {
                assert_eq!(repair(&broken(text, page)), text, "{}", page.name());
            }
        }
    }

    #[test]
    fn a_word_does_not_continue_in_another_script() {
        assert_eq!(repair(&broken("naïve", WINDOWS_1251)), "naïve");
        assert_eq!(repair(&broken("naïve", WINDOWS_1252)), "naïve");
    }

    #[test]
    fn holes_of_a_page_are_filled_as_decoders_fill_them() {
        // The crab, by a decoder that maps byte 9F, which Windows-1253 does not define, as Windows-1252 does.
        assert_eq!(repair("\u{3c0}\u{178}\u{a6}\u{20ac} fast"), "🦀 fast");
        assert_eq!(repair("\u{3b2}\u{20ac}\u{201d}"), "—");
    }

    #[test]
    fn two_wrong_decodings_are_undone() {
        let twice = broken(&broken("it’s — so", WINDOWS_1252), WINDOWS_1252);
        assert_eq!(repair(&twice), "it’s — so");
    }

    #[test]
    fn real_text_is_unchanged() {
        for text in [
            "plain",
            "“Curly” quotes — dashes… and ‘single’ ones",
            "Ça va ? Où ça ? L’été à Nîmes, «déjà» vu",
            "ÀÉÎÕÜ ÇÃO CORAÇÕES ÄÖÜß",
            "Příliš žluťoučký kůň, Úžasný, ÚŽASNÝ",
            "Zażółć gęślą jaźń, ciężą, dążą",
            "NĂŞTERE CĂŞTIG",
            "Тёмный лес; группа «В», слов…», в\u{a0}«Правде» — Индії, діїв",
            "Ελληνικά: «παιδί», ομάδα «Β», «Γ»; ΐ, ο»½",
            "日本語、中文（简体），한국어",
            "שלום عالم",
            "emoji 🦀🎉 ✅ → ∀x",
            "20 °C ± 2, ½, §4, ©2024, 5 €, £3",
        ] {
            assert_eq!(repair(text), text);
        }
    }

    #[test]
    fn any_text_is_repaired_without_a_panic() {
        proptest::proptest!(|(text in r"[a-zа-яα-ωà-ž«»©€™…—â€”Ââ\PC]{0,40}")| {
            // No character is added: a run of several becomes one.
            proptest::prop_assert!(repair(&text).chars().count() <= text.chars().count());
        });
    }
}
