//! UTF-8 that was once read in the wrong code page, mended.
//!
//! Somebody's tool took UTF-8 bytes for Windows-1252 (or another code page) and wrote the result
//! down as text: `—` became `â€”`, and `β€”` where the code page was Greek. Turned back into bytes, such
//! a run is valid multi-byte UTF-8 again, which real text in any language almost never is. *Almost*
//! matters: `группа «В»` holds the bytes of a valid character too. So a run is mended only where
//! what comes out is likelier than what stands there.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use encoding_rs::{
    Encoding, MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1257,
};

/// The code pages that text is taken for, likeliest first.
const PAGES: [Page; 7] = [
    Page { encoding: WINDOWS_1252, latin: true },
    Page { encoding: WINDOWS_1253, latin: false },
    Page { encoding: WINDOWS_1251, latin: false },
    Page { encoding: WINDOWS_1250, latin: true },
    Page { encoding: WINDOWS_1254, latin: true },
    Page { encoding: WINDOWS_1257, latin: true },
    Page { encoding: MACINTOSH, latin: true },
];

/// A code page that text may have been taken for.
struct Page {
    encoding: &'static Encoding,
    /// Its letters are Latin ones, so that words may hold them among ASCII.
    latin: bool,
}

/// Text may have gone through more than one wrong decoding; this many are undone.
const ROUNDS: usize = 3;

/// So many characters without a gap are no accident, whatever they are.
const NO_ACCIDENT: usize = 3;

/// Of every character that some page has in its upper half: its byte in each page, or 0.
static BYTES: LazyLock<Vec<(char, [u8; PAGES.len()])>> = LazyLock::new(|| {
    let mut bytes: Vec<(char, [u8; PAGES.len()])> = Vec::new();
    let mut insert = |c: char, page: usize, byte: u8| {
        let at = bytes.binary_search_by_key(&c, |(known, _)| *known).unwrap_or_else(|at| {
            bytes.insert(at, (c, [0; PAGES.len()]));
            at
        });
        // The page's own character wins over a stand-in.
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
            // Where a page has a hole, decoders take the byte for itself or for what 1252 has there.
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

/// Undoes wrong decodings, run by run: a run of characters that some code page turns back into the
/// bytes of valid multi-byte UTF-8 becomes that text; everything else stays.
///
/// Real text in Greek, Cyrillic, accented Latin and curly quotes stay as they are. ASCII costs one
/// pass over the bytes.
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
    // The page that explains most of what stands there; of equals the likeliest, which is the first.
    let explained = |repairs: &Vec<Run>| repairs.iter().map(|run| run.at.len()).sum::<usize>();
    let best = repairs.rev().max_by_key(explained).filter(|repairs| !repairs.is_empty())?;
    let mut text = String::with_capacity(line.len());
    let mut from = 0;
    for run in best {
        text.extend(chars[from..run.at.start].iter().map(|(c, _)| *c));
        // A byte order mark in the middle of a text is no character of it.
        if run.becomes != '\u{feff}' {
            text.push(run.becomes);
        }
        from = run.at.end;
    }
    text.extend(chars[from..].iter().map(|(c, _)| *c));
    Some(text)
}

/// Characters whose bytes are one character in UTF-8.
struct Run {
    at: Range<usize>,
    becomes: char,
}

/// What one code page would mend.
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
    // `naГЇve`: no word goes on in another script.
    let ascii_letter = |at: usize| chars.get(at).is_some_and(|(c, _)| c.is_ascii_alphabetic());
    let within_word = |run: &Run| {
        let before = run.at.start.checked_sub(1).is_some_and(ascii_letter);
        !latin && (before || ascii_letter(run.at.end))
    };
    // One sure sign of a page vouches for the rest of the line.
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

/// Every place whose bytes in a code page are one multi-byte character of UTF-8.
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

/// Of every run, how many stand side by side with it, itself counted.
fn unbroken(runs: &[Run]) -> Vec<usize> {
    runs.chunk_by(|a, b| a.at.end == b.at.start)
        .flat_map(|side| std::iter::repeat_n(side.len(), side.len()))
        .collect()
}

/// Punctuation, arrows, mathematics, boxes, emoji: what people type among letters of any script.
///
/// Roman numerals and Braille are left out: in Windows-1251 they are the bytes of `в…»` and of `в «`
/// with a space that does not break.
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

    /// `text` as it looks once its bytes were taken for a code page.
    fn broken(text: &str, page: &'static Encoding) -> String {
        text.bytes()
            .map(|byte| match byte {
                0..0x80 => char::from(byte),
                byte => decoded(page, byte).unwrap_or(char::from(byte)),
            })
            .collect()
    }

    #[track_caller]
    fn stays(text: &str) {
        assert_eq!(repair(text), text);
    }

    #[test]
    fn what_went_through_any_page_is_mended() {
        for text in ["a — b", "don’t “do” it…", "fast 🦀 ✅ → 3 × 4", "à la café", "½ of 20 €", "• one"]
        {
            for page in &PAGES {
                assert_eq!(repair(&broken(text, page.encoding)), text, "{}", page.encoding.name());
            }
        }
    }

    #[test]
    fn text_of_another_script_is_mended_as_well() {
        for text in ["Привет, мир", "Ελληνικά", "日本語の質問"] {
            for page in [WINDOWS_1251, WINDOWS_1252, WINDOWS_1253] {
                assert_eq!(repair(&broken(text, page)), text, "{}", page.name());
            }
        }
    }

    #[test]
    fn a_word_does_not_go_on_in_another_script() {
        assert_eq!(repair(&broken("naïve", WINDOWS_1251)), "naïve");
        assert_eq!(repair(&broken("naïve", WINDOWS_1252)), "naïve");
    }

    #[test]
    fn holes_of_a_page_are_filled_as_decoders_fill_them() {
        // The crab by a decoder that takes byte 9F, a hole of Windows-1253, for that of 1252.
        assert_eq!(repair("\u{3c0}\u{178}\u{a6}\u{20ac} fast"), "🦀 fast");
        assert_eq!(repair("\u{3b2}\u{20ac}\u{201d}"), "—");
    }

    #[test]
    fn twice_broken_is_mended_twice() {
        let twice = broken(&broken("it’s — so", WINDOWS_1252), WINDOWS_1252);
        assert_eq!(repair(&twice), "it’s — so");
    }

    #[test]
    fn real_text_stays() {
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
            stays(text);
        }
    }

    #[test]
    fn any_text_is_mended_without_a_panic() {
        proptest::proptest!(|(text in r"[a-zа-яα-ωà-ž«»©€™…—â€”Ââ\PC]{0,40}")| {
            // No character is made up: a run of several becomes one.
            proptest::prop_assert!(repair(&text).chars().count() <= text.chars().count());
        });
    }
}
