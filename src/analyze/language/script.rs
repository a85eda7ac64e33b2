//! Writing systems.

use super::{LANGUAGES, Language};

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

    /// The language that a word in this script has if nothing else is known.
    pub fn default_language(self) -> Language {
        LANGUAGES.iter().find(|entry| entry.script == self).expect("every script has a language").language
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_are_in_order() {
        assert!(BLOCKS.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
