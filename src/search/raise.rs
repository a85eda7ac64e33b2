//! Hits that move to the front of a ranking.

use super::candidate::{Candidate, Raised, Ranking, best_candidate};
use super::confidence;
use super::confidence::FITTED;
use super::fuse::{NormalizedScores, ScoreRange};
use super::pins::AppliedPin;
use super::query::{Mode, Sort};
use super::retrieval::Retrieval;
use super::word_sequence::trimmed;
use crate::index::Centred;

/// The titles of so many of the best candidates are compared with the spelling of the phrase.
const COMPARED: usize = 10;

/// A candidate moves to the front for its spelling if its score is at least this fraction of the best one.
const MIN_SCORE: f32 = 0.9;

/// If nothing is sure enough to be an answer, the surest of so many of the best candidates is looked for.
const SURE_AMONG: usize = 5;

/// Moves candidates to the front that are better than the ranking by their scores says. `range` is that of the ranking
/// by the phrase itself, before feedback.
///
/// # Errors
/// The index is damaged.
pub(super) fn raise(
    retrieval: &Retrieval<'_>,
    range: &ScoreRange,
    ranking: &mut Ranking,
) -> anyhow::Result<()> {
    raise_spelled(retrieval, ranking)?;
    if retrieval.query.mode == Mode::Hybrid {
        raise_surest(retrieval, range, ranking);
    }
    Ok(())
}

/// Moves the questions of the pin that applies to the front of a ranking by relevance, also those that it does not have.
/// The others keep their scores and their order. `vector` represents the phrase.
///
/// # Errors
/// The index is damaged.
pub(super) fn raise_pinned(
    retrieval: &Retrieval<'_>,
    range: &ScoreRange,
    ranking: &mut Ranking,
    vector: Option<&Centred>,
) -> anyhow::Result<Option<AppliedPin>> {
    let Some(applied) = &retrieval.pin else {
        return Ok(None);
    };
    let mut pin = applied.pin.clone();
    if retrieval.query.sort != Sort::Relevance {
        return Ok(Some(pin));
    }
    let mut nths: Vec<usize> = Vec::new();
    for address in applied.first.iter().filter(|address| retrieval.is_allowed(**address)) {
        let known = ranking.candidates.iter().position(|candidate| candidate.address == *address);
        let nth = known.unwrap_or(ranking.candidates.len());
        if known.is_none() {
            let mut candidates = retrieval.candidates_at(vec![*address], vector)?;
            for candidate in &mut candidates {
                candidate.fused = NormalizedScores::new(&candidate.scores, range).convex(ranking.weight);
                candidate.score = match retrieval.query.mode {
                    Mode::Hybrid => candidate.fused,
                    Mode::Keyword => candidate.scores.bm25,
                    Mode::Semantic => candidate.scores.centred.unwrap_or(0.0),
                };
            }
            ranking.candidates.append(&mut candidates);
        }
        if !nths.contains(&nth) {
            nths.push(nth);
        }
    }
    if !nths.is_empty() {
        raise_to(ranking, &nths, Raised::Pinned);
    }
    pin.shown = nths.len();
    Ok(Some(pin))
}

fn raise_spelled(retrieval: &Retrieval<'_>, ranking: &mut Ranking) -> anyhow::Result<()> {
    let words = exact_words(&retrieval.query.phrase);
    let Some(first) = ranking.candidates.first().copied().filter(|_| !words.is_empty()) else {
        return Ok(());
    };
    let spelled = |candidate: &Candidate| -> anyhow::Result<usize> {
        let question = retrieval.index.question(candidate.address)?;
        let titles = std::iter::once(&question.title).chain(&question.also);
        Ok(titles.map(|title| count_in(&words, title)).max().unwrap_or(0))
    };
    let compared = ranking.candidates.iter().take(COMPARED).enumerate();
    let compared = compared.filter(|(_, candidate)| {
        candidate.title == first.title && candidate.score >= MIN_SCORE * first.score
    });
    let counts: Vec<(usize, usize)> =
        compared.map(|(nth, candidate)| Ok((nth, spelled(candidate)?))).collect::<anyhow::Result<_>>()?;
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let (best, others): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(_, count)| *count == most);
    let score = |(nth, _): &(usize, usize)| ranking.candidates[*nth].score;
    // Equal scores are ordered by source later.
    let lowest = best.iter().map(score).fold(f32::INFINITY, f32::min);
    if others.iter().map(score).any(|other| other >= lowest) {
        raise_to(ranking, &best.iter().map(|(nth, _)| *nth).collect::<Vec<_>>(), Raised::Spelling);
    }
    Ok(())
}

fn raise_surest(retrieval: &Retrieval<'_>, range: &ScoreRange, ranking: &mut Ranking) {
    let confidence = |candidate| confidence(retrieval, range, ranking, candidate).1;
    let best = ranking.candidates.iter().take(SURE_AMONG).map(confidence);
    let confidences: Vec<f32> = best.map(|confidence| confidence.unwrap_or(0.0)).collect();
    let surest = (0..confidences.len()).max_by(|a, b| confidences[*a].total_cmp(&confidences[*b]));
    if let Some(surest) = surest
        && confidences[0] < FITTED.threshold
        && confidences[surest] >= FITTED.threshold
    {
        raise_to(ranking, &[surest], Raised::Confidence);
    }
}

/// Moves some candidates to the front, in their order.
pub(super) fn raise_to(ranking: &mut Ranking, nths: &[usize], why: Raised) {
    let front = ranking.candidates[0].sort_key;
    for (after, nth) in nths.iter().rev().enumerate() {
        let candidate = &mut ranking.candidates[*nth];
        candidate.raised = Some(why);
        candidate.sort_key = front + (after + 1) as f64;
    }
    ranking.candidates.sort_by(best_candidate);
}

/// Gives candidates that were raised at least the scores of those behind them, so that scores are in order.
pub(super) fn with_raised_scores(mut ranking: Ranking) -> Ranking {
    let mut least = f32::NEG_INFINITY;
    for candidate in ranking.candidates.iter_mut().rev() {
        candidate.score = candidate.score.max(least);
        least = candidate.score;
    }
    ranking
}

/// The words of a phrase that another spelling makes another word: with symbols, or of one or two capitals.
fn exact_words(phrase: &str) -> Vec<&str> {
    // In `and/or`, `well-known` and `don't` it joins words.
    let is_joint = |before: Option<char>, after: Option<char>| {
        before.is_some_and(char::is_alphabetic) && after.is_some_and(char::is_alphabetic)
    };
    let has_symbol = |word: &str| {
        word.char_indices().any(|(at, c)| {
            let (before, after) = (word[..at].chars().next_back(), word[at + c.len_utf8()..].chars().next());
            !c.is_alphanumeric() && !matches!(c, '.' | ',' | '(' | ')') && !is_joint(before, after)
        })
    };
    let is_exact = |word: &&str| {
        let is_short =
            word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let is_dash = word.chars().all(|c| matches!(c, '-' | '–' | '—' | '―'));
        !is_dash && (has_symbol(word) || is_short && !matches!(*word, "I" | "A"))
    };
    bare_words(phrase).filter(is_exact).collect()
}

/// The words of a text without the punctuation around them.
fn bare_words(text: &str) -> impl Iterator<Item = &str> {
    const AROUND: [char; 10] = ['¿', '¡', '？', '！', '。', '，', '（', '）', '(', ')'];
    text.split_whitespace().map(|word| trimmed(trimmed(word).trim_matches(AROUND)))
}

/// How many of the words a title has, as they are written.
fn count_in(words: &[&str], title: &str) -> usize {
    let of_title: Vec<&str> = bare_words(title).collect();
    words.iter().filter(|word| of_title.contains(word)).count()
}

#[cfg(test)]
mod tests {
    use tantivy::DocAddress;

    use super::*;
    use crate::search::fuse::RetrievalScores;
    use crate::search::title::TitleMatch;

    fn ranking(scores: &[f32]) -> Ranking {
        let candidate = |(doc, score): (u32, &f32)| Candidate {
            address: DocAddress::new(0, doc),
            scores: RetrievalScores::default(),
            title: TitleMatch::Different,
            fused: *score,
            neighbours: None,
            score: *score,
            raised: None,
            sort_key: 0.0,
        };
        let candidates = (0..).zip(scores).map(candidate).collect();
        Ranking { candidates, range: ScoreRange::of(&[]), weight: 0.5, top_mean: 0.0 }
    }

    /// The documents in order, and their scores.
    fn order(ranking: &Ranking) -> Vec<(u32, f32)> {
        ranking.candidates.iter().map(|candidate| (candidate.address.doc_id, candidate.score)).collect()
    }

    #[test]
    fn raised_candidates_come_first_in_their_order_with_scores_in_order() {
        let mut ranking = ranking(&[0.9, 0.8, 0.7, 0.6, 0.5]);
        raise_to(&mut ranking, &[2, 3], Raised::Spelling);
        assert_eq!(order(&ranking), [(2, 0.7), (3, 0.6), (0, 0.9), (1, 0.8), (4, 0.5)]);
        let raised: Vec<Option<Raised>> = ranking.candidates.iter().map(|one| one.raised).collect();
        assert_eq!(raised, [Some(Raised::Spelling), Some(Raised::Spelling), None, None, None]);
        // What is raised last is first.
        raise_to(&mut ranking, &[4], Raised::Pinned);
        let ranking = with_raised_scores(ranking);
        assert_eq!(order(&ranking), [(4, 0.9), (2, 0.9), (3, 0.9), (0, 0.9), (1, 0.8)]);
    }

    #[test]
    fn words_with_symbols_and_short_names_are_compared_as_written() {
        for (phrase, expected) in [
            ("what does `-f` do?", &["-f"][..]),
            ("What is C$ in \"x/2\"", &["C$", "x/2"]),
            ("Can I use C or c", &["C"]),
            ("Is GO or go or C++ or SQL meant", &["GO", "C++"]),
            ("it's in the U.S.", &[]),
            ("self-driving cars and/or (buses)", &[]),
            ("# ?", &["#"]),
            ("git - undo – a commit", &[]),
            ("¿Cómo cambio (mi) contraseña?", &[]),
            ("", &[]),
        ] {
            assert_eq!(exact_words(phrase), expected, "{phrase}");
        }
        assert_eq!(count_in(&["-f", "C"], "What does `-f` do in c?"), 1);
    }
}
