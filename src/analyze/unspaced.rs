//! Terms of scripts that are written without spaces: Chinese, Japanese, Thai, Lao, Burmese, Khmer.
//!
//! A run of such a script yields overlapping pairs of units. A unit is a character of Chinese or Japanese, or a
//! consonant with its vowels and tone marks. Chinese characters are terms on their own too.
//!
//! Pairs were chosen over a dictionary because a phrase is often a piece of a longer run, and a dictionary cuts
//! the piece and the run at different places. With the dictionary of `icu_segmenter`, 5 % of the Thai words
//! that occur in a sentence do not find it (1,000 words and sentences of the Leipzig corpora, 2,275
//! occurrences). Pairs find every piece of two units or more, and need no data.

use super::fold::{folded, simplified};
use super::language::Script;

/// A unit of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The byte offset of the start in the run.
    pub start: usize,
    /// The byte offset of the end (exclusive).
    pub end: usize,
    /// The normalized text.
    pub text: String,
}

/// The units of a run of unspaced script, in order. Together they cover the run.
pub fn units(run: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(run.len() / 3);
    let mut before = None;
    for (start, c) in run.char_indices() {
        let end = start + c.len_utf8();
        match units.last_mut() {
            Some(unit) if before.is_some_and(|before| continues(before, c)) => unit.end = end,
            _ => units.push(Unit { start, end, text: String::new() }),
        }
        before = Some(c);
    }
    for unit in &mut units {
        unit.text = folded(&run[unit.start..unit.end]).chars().map(simplified).collect();
    }
    units.retain(|unit| !unit.text.is_empty());
    units
}

/// Whether a character belongs to the unit of the character before it.
fn continues(before: char, c: char) -> bool {
    let (code, before_code) = (u32::from(c), u32::from(before));
    match Script::of(c) {
        // Voicing marks of kana, also half-width ones.
        Some(Script::Han) => matches!(code, 0x3099 | 0x309A | 0xFF9E | 0xFF9F),
        // Vowels above, below and after; tone marks; and whatever follows a vowel that is written first.
        Some(Script::Thai) => {
            matches!(code, 0xE30..=0xE3A | 0xE45 | 0xE47..=0xE4E) || matches!(before_code, 0xE40..=0xE44)
        }
        Some(Script::Lao) => {
            matches!(code, 0xEB0..=0xEBD | 0xEC8..=0xECE) || matches!(before_code, 0xEC0..=0xEC4)
        }
        // Vowels and signs; a consonant below another, and a final consonant, which asat marks.
        Some(Script::Myanmar) => {
            matches!(code, 0x102B..=0x103E | 0x1056..=0x1059 | 0x105E..=0x1060 | 0x1062..=0x1064)
                || before_code == 0x1039
        }
        Some(Script::Khmer) => matches!(code, 0x17B4..=0x17D3 | 0x17DD) || before_code == 0x17D2,
        _ => false,
    }
}

/// Whether a character is a Chinese one, not kana.
pub fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x323AF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(run: &str, expected: &[&str]) {
        let found: Vec<String> = units(run).into_iter().map(|unit| unit.text).collect();
        assert_eq!(found, expected, "{run}");
    }

    #[test]
    fn a_unit_is_a_character_with_its_marks() {
        check("東京", &["东", "京"]);
        check("データ", &["デ", "ー", "タ"]);
        check("ﾃﾞｰﾀ", &["デ", "ー", "タ"]);
        check("รหัสผ่าน", &["ร", "หั", "ส", "ผ่า", "น"]);
        check("เปลี่ยน", &["เป", "ลี่", "ย", "น"]);
        check("ລະຫັດ", &["ລະ", "ຫັ", "ດ"]);
        check("စကားဝှက်", &["စ", "ကား", "ဝှ", "က်"]);
        check("ពាក្យ", &["ពា", "ក្យ"]);
    }

    #[test]
    fn units_cover_the_run() {
        let run = "ฉันจะเปลี่ยนรหัสผ่าน";
        let units = units(run);
        assert_eq!((units[0].start, units.last().unwrap().end), (0, run.len()));
        assert!(units.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}
