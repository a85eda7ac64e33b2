//! What a group asks, and which question is nearest to it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::searched::Unanswered;
use super::{Group, Nearest, Suggestion, group_id};
use crate::embed::Embedder;
use crate::index::{Index, Quantized};
use crate::pair::is_stop_word;
use crate::search::{Explanation, FITTED, Hit, Query, WordMatch, search};

/// How many hits the search for a representative returns. The nearest question of its group is almost always one.
const HITS: usize = 10;

/// The part of the least confidence of an answer from which on the nearest question is near although not enough.
const NEAR: f32 = 0.5;

/// The least cosine of a question that is near, on the scale of the built-in model. With both limits, about half of the
/// phrases that a question answers although the search is not sure are near to it, and a fifth of the others.
pub const RELATED: f32 = 0.4;

/// The part of a group that must share the nearest question for a suggestion of another way to ask it.
const AGREEING: f32 = 0.5;

/// The members of a group in order: the representative first, then the most frequent, then the nearest to the mean.
///
/// The representative is the most frequent phrase. Of equally frequent ones, it is the nearest to the mean of the group.
pub(super) fn in_order<'a>(members: &[&'a Unanswered]) -> Vec<&'a Unanswered> {
    let mut sum: Vec<f32> = Vec::new();
    for vector in members.iter().filter_map(|member| member.vector.as_ref()) {
        sum.resize(vector.values().len(), 0.0);
        sum.iter_mut().zip(vector.values()).for_each(|(sum, x)| *sum += x);
    }
    let nearness = |vector: &Quantized| vector.values().zip(&sum).map(|(x, sum)| x * sum).sum::<f32>();
    let mut ordered: Vec<(f32, &Unanswered)> =
        (members.iter()).map(|member| (member.vector.as_ref().map_or(0.0, nearness), *member)).collect();
    // The sort is stable: phrases are in alphabetical order.
    ordered.sort_by(|(a_near, a), (b_near, b)| {
        b.phrase.count.cmp(&a.phrase.count).then(b_near.total_cmp(a_near))
    });
    ordered.into_iter().map(|(_, member)| member).collect()
}

/// Describes a group, whose members are in [order](in_order).
pub(super) fn describe(
    index: &Index,
    embedder: &dyn Embedder,
    members: &[&Unanswered],
) -> anyhow::Result<Group> {
    let count = members.iter().map(|member| member.phrase.count).sum();
    let representative = &members[0].phrase.text;
    let query = Query { limit: HITS, explain: true, ..Query::plain(representative) };
    let mut hits = search(index, Some(embedder), &query)?.hits;
    let closest = closest(members);
    let found = hits.iter().position(|hit| closest.as_ref().is_some_and(|(id, ..)| *id == hit.question.id));
    let hit = (!hits.is_empty()).then(|| hits.swap_remove(found.unwrap_or(0)));
    let (_, confidence, share) = closest.unwrap_or_default();
    let nearest = hit.map(|hit| nearest(hit, confidence, share));
    let is_near = |nearest: &Nearest| {
        found.is_some()
            && nearest.confidence >= NEAR * FITTED.threshold
            && nearest.cosine.is_some_and(|cosine| cosine >= RELATED)
            && nearest.share >= AGREEING
    };
    let suggestion = match nearest.as_ref().is_some_and(is_near) {
        true => Suggestion::AnotherWay,
        false => Suggestion::NewQuestion,
    };
    let phrases = members.iter().map(|member| member.phrase.clone()).collect();
    Ok(Group { id: group_id(representative), phrases, count, nearest, suggestion })
}

/// The id of the question that is the closest one for most of a group, the mean confidence in it, and the part of the
/// group, each phrase as often as it was asked.
fn closest(members: &[&Unanswered]) -> Option<(String, f32, f32)> {
    let mut votes: BTreeMap<&str, (u64, f32)> = BTreeMap::new();
    let mut asked = 0;
    for member in members {
        asked += member.phrase.count;
        if let Some((id, confidence)) = &member.closest {
            let (count, sum) = votes.entry(id).or_default();
            *count += member.phrase.count;
            *sum += confidence * member.phrase.count as f32;
        }
    }
    let (id, (count, sum)) =
        votes.into_iter().max_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))?;
    Some((id.to_owned(), sum / count as f32, count as f32 / asked as f32))
}

fn nearest(hit: Hit, confidence: f32, share: f32) -> Nearest {
    let cosine = hit.features.map(|features| features.0[0]);
    let (lacking, missing) = hit.explanation.as_ref().map(lost_words).unwrap_or_default();
    Nearest { question: hit.question, confidence, cosine, share, lacking, missing }
}

/// The words that the question does not contain, without stop words and the rarest first: those that others contain, and
/// those that none does.
fn lost_words(explanation: &Explanation) -> (Vec<String>, Vec<String>) {
    let is_lost = |word: &&WordMatch| word.counts == [0; 3] && !is_stop_word(&word.word);
    let mut lost: Vec<&WordMatch> = explanation.words.iter().filter(is_lost).collect();
    lost.sort_by_key(|word| Reverse((word.idf * 1_000.0) as u64));
    let (missing, lacking): (Vec<_>, Vec<_>) = lost.into_iter().partition(|word| word.idf == 0.0);
    let texts = |words: Vec<&WordMatch>| words.iter().map(|word| word.word.clone()).collect();
    (texts(lacking), texts(missing))
}
