//! Why the nearest question does not answer a group of phrases.

use crate::gaps::{Nearest, RELATED};

/// From this cosine on, a question asks something similar. About half of such pairs ask the same.
const SIMILAR: f32 = 0.6;

/// How many words of each kind are named.
const WORDS: usize = 3;

/// What the nearest question lacks, in plain words.
pub fn gap_reason(nearest: &Nearest) -> String {
    let subject = match nearest.cosine {
        Some(cosine) if cosine >= SIMILAR => "asks something similar",
        Some(cosine) if cosine >= RELATED => "is about something related",
        Some(_) => "is about something else",
        None => "was found by words only, because the model cannot read the phrase or the question",
    };
    let lacking = words(&nearest.lacking).map(|words| format!("it lacks {words}"));
    let missing = words(&nearest.missing).map(|words| format!("no question contains {words}"));
    let parts: Vec<String> = [Some(subject.to_owned()), lacking, missing].into_iter().flatten().collect();
    parts.join("; ")
}

/// The first words, in quotation marks.
fn words(words: &[String]) -> Option<String> {
    let named: Vec<String> = words.iter().take(WORDS).map(|word| format!("“{word}”")).collect();
    (!named.is_empty()).then(|| named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Question;

    #[test]
    fn the_reason_names_the_distance_and_the_words() {
        for (cosine, lacking, missing, expected) in [
            (Some(0.7), &[][..], &[][..], "asks something similar"),
            (Some(0.5), &["a", "b", "c", "d"], &[], "is about something related; it lacks “a”, “b”, “c”"),
            (Some(0.1), &["a"], &["b"], "is about something else; it lacks “a”; no question contains “b”"),
            (
                None,
                &[],
                &["b"],
                "was found by words only, because the model cannot read the phrase or the question; no question contains “b”",
            ),
        ] {
            let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            let nearest = Nearest {
                question: Question::default(),
                confidence: 0.1,
                cosine,
                share: 1.0,
                lacking: texts(lacking),
                missing: texts(missing),
            };
            assert_eq!(gap_reason(&nearest), expected);
        }
    }
}
