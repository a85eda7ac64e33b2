//! Why two questions are taken for one, in words.

use crate::duplicates::{Kind, Pair};

/// What speaks for a pair, and against it.
pub fn duplicate_reasons(pair: &Pair) -> Vec<String> {
    let mut reasons = Vec::new();
    match pair.kind {
        Kind::Exact => reasons.push("the same text".to_owned()),
        Kind::Repeat => reasons.push("the same words but for case, punctuation or markup".to_owned()),
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
            [] => reasons.push("no word in common".to_owned()),
            words => reasons.push(format!("both have {}", words.join(", "))),
        }
    }
    let against: Vec<&str> = pair.why.differences.iter().map(|difference| difference.name()).collect();
    if !against.is_empty() {
        reasons.push(format!("but for {}", against.join(", ")));
    }
    reasons
}
