//! Why two questions are duplicates, as text.

use crate::duplicates::{Kind, Pair};

/// Describes the evidence for a pair of duplicates, and the differences.
pub fn duplicate_reasons(pair: &Pair) -> Vec<String> {
    let mut reasons = Vec::new();
    match pair.kind {
        Kind::Exact => reasons.push("the same text".to_owned()),
        Kind::Repeat => reasons.push("the same words except for case, punctuation or markup".to_owned()),
        Kind::Paraphrase => {}
    }
    if let Some(cosine) = pair.why.cosine {
        reasons.push(format!("cosine {cosine:.2}"));
    }
    if let Some((one, two)) = &pair.why.asked_as {
        reasons.push(format!("asked as “{one}” and “{two}”"));
    }
    if pair.why.same_answer {
        reasons.push("the same answer".to_owned());
    }
    if pair.kind == Kind::Paraphrase {
        match pair.why.shared.as_slice() {
            [] => reasons.push("no words in common".to_owned()),
            words => reasons.push(format!("words in common: {}", words.join(", "))),
        }
    }
    let differences: Vec<&str> = pair.why.differences.iter().map(|difference| difference.name()).collect();
    if !differences.is_empty() {
        reasons.push(format!("differences: {}", differences.join(", ")));
    }
    reasons
}
