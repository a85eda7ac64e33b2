//! Ranks the candidates of a search.

use tantivy::DocAddress;

use super::candidate::{Candidate, Ranking, best_candidate};
use super::fuse::{NormalizedScores, RetrievalScores, ScoreRange};
use super::query::{Mode, Sort};
use super::raise;
use super::retrieval::Retrieval;
use super::title::{TitleMatch, TitlePhrase};
use crate::analyze::tokens;
use crate::embed::{dot, normalized};
use crate::index::{Centred, Index};

/// How many hits of the first ranking move the phrase's vector, and how far relative to its length. These
/// values performed best over seven sets of judged queries, out of 1 to 10 hits and weights of 0.2 to 0.7.
/// More than three hits make results worse.
const FEEDBACK_HITS: usize = 2;
const FEEDBACK_WEIGHT: f32 = 0.4;

/// Hits whose nearest chunks have a centred cosine of at least this count as the same question.
const SAME: f32 = 0.9;

/// The scores of so many of the best candidates are adjusted to those of their nearest neighbours among them. The right
/// question often has others about the same subject around it that the phrase finds too; a question that is near to the
/// phrase by chance stands alone. Both values performed best over seven sets of judged queries, out of 30 to 600
/// candidates and 2 to 5 neighbours.
const ADJUSTED: usize = 50;
const NEAREST: usize = 3;

/// If a phrase may be in another language than the questions, and the best question by words contains less than this
/// fraction of it, weighted by idf, its words count less in proportion: a name or a few function words match by chance.
/// This is not so for a long phrase. Most of its words are about other things, and the rest is still good evidence.
const TRUSTED_COVERED: f32 = 0.5;
const SHORT_PHRASE: usize = 8;

/// How many of the highest fused scores [`Ranking::top_mean`] averages.
const TOP: usize = 10;

/// The titles of at most this many of the best candidates are compared with the phrase, if they contain at
/// least this fraction of its words and have at most so many words more or less.
const COMPARED_TITLES: usize = 10;
const MIN_COVERED: f32 = 0.5;
const MAX_LENGTH_DIFFERENCE: usize = 6;

/// The questions of so many of the best candidates are likely to be read.
const PREPARED: usize = 60;

/// A question is sorted by date or score if it contains at least this fraction of what the best question
/// contains of the phrase, or if its cosine is at least this fraction of the best.
const RELEVANT_COVERED: f32 = 0.5;
const RELEVANT_COSINE: f32 = 0.75;

impl Retrieval<'_> {
    /// Ranks candidates that were compared with `vector`, which represents the phrase.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn rank(&self, mut candidates: Vec<Candidate>, vector: Option<&Centred>) -> anyhow::Result<Ranking> {
        let mode = self.query.mode;
        let range = ScoreRange::of(candidates.iter().map(|candidate| &candidate.scores));
        let unrelated = self.unrelated();
        candidates
            .retain(|candidate| candidate.title.is_first() || is_related(&candidate.scores, mode, unrelated));
        let weight = self.semantic_weight(&candidates);
        for candidate in &mut candidates {
            candidate.fused = match candidate.title {
                TitleMatch::Exact => 1.0,
                _ => NormalizedScores::new(&candidate.scores, &range).convex(weight),
            };
            candidate.score = match mode {
                Mode::Hybrid => candidate.fused,
                Mode::Keyword => candidate.scores.bm25,
                Mode::Semantic => candidate.scores.centred.unwrap_or(0.0),
            };
        }
        candidates.sort_by(best_candidate);
        if let (Mode::Hybrid, Some(vector)) = (mode, vector) {
            self.adjust_to_neighbours(&mut candidates, vector);
        }
        self.index.prepare(candidates.iter().take(PREPARED).map(|candidate| candidate.address))?;
        self.compare_titles(&mut candidates)?;
        raise_titles(&mut candidates);
        let top = &candidates[..candidates.len().min(TOP)];
        let top_mean = top.iter().map(|candidate| candidate.fused).sum::<f32>() / top.len().max(1) as f32;
        Ok(Ranking { candidates, range, weight, top_mean })
    }

    /// The weight of semantic search for this phrase: see [`TRUSTED_COVERED`].
    fn semantic_weight(&self, candidates: &[Candidate]) -> f32 {
        let best = candidates.iter().max_by(|a, b| a.scores.bm25.total_cmp(&b.scores.bm25));
        match best {
            Some(best)
                if self.may_cross_languages
                    && self.query.semantic_weight.is_none()
                    && self.keyword.words <= SHORT_PHRASE =>
            {
                1.0 - (1.0 - self.weight) * (best.scores.covered / TRUSTED_COVERED).min(1.0)
            }
            _ => self.weight,
        }
    }

    /// Adds to the scores of the best candidates those of their nearest neighbours: see [`ADJUSTED`].
    fn adjust_to_neighbours(&self, candidates: &mut [Candidate], vector: &Centred) {
        let best = &candidates[..candidates.len().min(ADJUSTED)];
        let rows: Vec<Option<Vec<f32>>> =
            best.iter().map(|candidate| self.nearest_row(candidate.address, vector)).collect();
        // Each pair is compared once.
        let mut near: Vec<Vec<(f32, f32)>> = vec![Vec::with_capacity(best.len()); best.len()];
        for (one, row) in rows.iter().enumerate() {
            for (other, other_row) in rows.iter().enumerate().skip(one + 1) {
                if let (Some(row), Some(other_row)) = (row, other_row) {
                    let cosine = dot(row, other_row);
                    near[one].push((cosine, best[other].fused));
                    near[other].push((cosine, best[one].fused));
                }
            }
        }
        let mean = |mut near: Vec<(f32, f32)>| {
            if near.len() > NEAREST {
                near.select_nth_unstable_by(NEAREST, |a, b| b.0.total_cmp(&a.0));
                near.truncate(NEAREST);
            }
            (!near.is_empty()).then(|| near.iter().map(|(_, fused)| fused).sum::<f32>() / near.len() as f32)
        };
        let neighbours: Vec<Option<f32>> = near.into_iter().map(mean).collect();
        if neighbours.iter().all(Option::is_none) {
            return;
        }
        for (nth, candidate) in candidates.iter_mut().enumerate() {
            candidate.neighbours = neighbours.get(nth).copied().flatten();
            let added = self.neighbour_weight * candidate.neighbours.unwrap_or(0.0);
            candidate.score = (candidate.fused + added) / (1.0 + self.neighbour_weight);
        }
        candidates.sort_by(best_candidate);
    }

    /// The centred row of a document that is nearest to a vector. `None` if it has no rows.
    fn nearest_row(&self, address: DocAddress, vector: &Centred) -> Option<Vec<f32>> {
        let segment = address.segment_ord as usize;
        let (vectors, space) = (&self.index.vectors()[segment], self.index.space());
        let (row, _) =
            vectors.nearest_row(address.doc_id, |row| space.cosine(segment, vectors, row, vector))?;
        Some(space.row(segment, vectors, row))
    }

    /// Compares the titles of the best candidates with the phrase, unless the phrase is a title.
    fn compare_titles(&self, candidates: &mut [Candidate]) -> anyhow::Result<()> {
        if !self.exact.is_empty() {
            return Ok(());
        }
        let phrase = TitlePhrase::new(&self.query.phrase);
        let length = tokens(&self.query.phrase).len();
        let is_known = |word: &str| self.keyword.contains_written(word);
        let covering = candidates.iter_mut().filter(|candidate| candidate.scores.covered >= MIN_COVERED);
        for candidate in covering.take(COMPARED_TITLES) {
            if self.may_be_title(candidate.address, length)? {
                let question = self.index.question(candidate.address)?;
                let with_synonyms = self.synonym_titles.compare(&question);
                candidate.title = candidate.title.max(phrase.compare(&question, is_known)).max(with_synonyms);
            }
        }
        Ok(())
    }

    /// Whether a title has about as many tokens as the phrase. This spares most of the reading. The length
    /// of each alternative title is not known.
    fn may_be_title(&self, address: DocAddress, length: usize) -> anyhow::Result<bool> {
        let (title, has_also) = self.index.title_length(address)?;
        Ok(title.abs_diff(length) <= MAX_LENGTH_DIFFERENCE || has_also)
    }

    /// Orders a ranking as the query asks. An order other than by relevance has only the relevant questions:
    /// the newest of all questions is seldom an answer.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn sorted(&self, ranking: Ranking) -> anyhow::Result<Ranking> {
        let Some(column) = SortColumn::of(self.query.sort) else {
            return Ok(raise::with_raised_scores(ranking));
        };
        let mut candidates = relevant(&ranking.candidates);
        for candidate in &mut candidates {
            candidate.sort_key = column.value(self.index, candidate.address)?;
            candidate.raised = None;
        }
        candidates.sort_by(best_candidate);
        Ok(Ranking { candidates, ..ranking })
    }

    /// The phrase's vector, moved towards the best hits of the first ranking (Rocchio feedback on vectors). A
    /// question worded differently from the phrase is often near to a question that the phrase found. `None`
    /// if there is no vector or no hit.
    pub fn feedback(&self, first: &Ranking) -> Option<Centred> {
        let phrase = self.centred.as_ref()?;
        let same = self.index.scale().from_builtin(SAME);
        let mut fed_back: Vec<(f32, Vec<f32>)> = Vec::new();
        for candidate in &first.candidates {
            let Some(nearest) = self.nearest_row(candidate.address, phrase) else {
                continue;
            };
            // A second copy of the same question adds no information.
            if fed_back.iter().all(|(_, other)| dot(other, &nearest) < same) {
                fed_back.push((candidate.score, nearest));
                if fed_back.len() == FEEDBACK_HITS {
                    break;
                }
            }
        }
        let mut sum = vec![0.0; fed_back.first().map_or(0, |(_, nearest)| nearest.len())];
        for (score, nearest) in &fed_back {
            sum.iter_mut().zip(nearest).for_each(|(sum, x)| *sum += score * x);
        }
        let direction = normalized(sum);
        if direction.iter().all(|x| *x == 0.0) {
            return None;
        }
        let moved = phrase.values().zip(direction).map(|(x, back)| x + FEEDBACK_WEIGHT * back);
        Some(self.index.space().centred(moved.collect()))
    }
}

fn is_related(scores: &RetrievalScores, mode: Mode, unrelated: f32) -> bool {
    match mode {
        Mode::Keyword => scores.bm25 > 0.0,
        Mode::Hybrid | Mode::Semantic => {
            scores.bm25 > 0.0 || scores.cosine.is_some_and(|cosine| cosine > unrelated)
        }
    }
}

/// Moves titles that are the phrase to the front. Their scores are at least those of the others, so that the
/// scores are in order.
fn raise_titles(candidates: &mut [Candidate]) {
    let others = candidates.iter().filter(|candidate| !candidate.title.is_first());
    let mut least = others.map(|candidate| candidate.score).fold(f32::NEG_INFINITY, f32::max);
    for kind in [TitleMatch::Near, TitleMatch::Exact] {
        let mut highest = least;
        for candidate in candidates.iter_mut().filter(|candidate| candidate.title == kind) {
            candidate.score = candidate.score.max(least);
            highest = highest.max(candidate.score);
        }
        least = highest;
    }
    candidates.sort_by(best_candidate);
}

/// The candidates that are relevant compared with the best: see [`RELEVANT_COVERED`].
fn relevant(candidates: &[Candidate]) -> Vec<Candidate> {
    let cosine = |candidate: &Candidate| candidate.scores.cosine.unwrap_or(0.0);
    let covered = candidates.iter().map(|candidate| candidate.scores.covered).fold(0.0, f32::max);
    let nearest = candidates.iter().map(cosine).fold(0.0, f32::max);
    let is_relevant = |candidate: &&Candidate| {
        candidate.title.is_first()
            || (covered > 0.0 && candidate.scores.covered >= RELEVANT_COVERED * covered)
            || (nearest > 0.0 && cosine(candidate) >= RELEVANT_COSINE * nearest)
    };
    candidates.iter().filter(is_relevant).copied().collect()
}

/// The column that questions are sorted by.
#[derive(Clone, Copy)]
enum SortColumn {
    Date,
    Score,
}

impl SortColumn {
    /// `None` for the order of relevance.
    fn of(sort: Sort) -> Option<Self> {
        match sort {
            Sort::Relevance => None,
            Sort::Newest => Some(Self::Date),
            Sort::Score => Some(Self::Score),
        }
    }

    /// The value of a document. The lowest possible value if it has none.
    fn value(self, index: &Index, address: DocAddress) -> anyhow::Result<f64> {
        let value = match self {
            Self::Date => index.date(address)?.map(|seconds| seconds as f64),
            Self::Score => index.rating(address)?,
        };
        Ok(value.unwrap_or(f64::NEG_INFINITY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(doc: u32, title: TitleMatch, score: f32, scores: RetrievalScores) -> Candidate {
        Candidate {
            address: DocAddress::new(0, doc),
            scores,
            title,
            fused: score,
            neighbours: None,
            score,
            raised: None,
            sort_key: 0.0,
        }
    }

    #[test]
    fn a_candidate_has_a_word_or_a_higher_cosine_than_unrelated_questions() {
        for (mode, bm25, cosine, expected) in [
            (Mode::Keyword, 0.1, None, true),
            (Mode::Keyword, 0.0, Some(0.9), false),
            (Mode::Hybrid, 0.1, Some(0.0), true),
            (Mode::Hybrid, 0.0, Some(0.16), true),
            (Mode::Hybrid, 0.0, Some(0.15), false),
            (Mode::Hybrid, 0.0, None, false),
            (Mode::Semantic, 0.0, Some(0.16), true),
        ] {
            let scores = RetrievalScores { bm25, cosine, ..RetrievalScores::default() };
            assert_eq!(is_related(&scores, mode, 0.15), expected, "{mode:?} {bm25} {cosine:?}");
        }
    }

    #[test]
    fn titles_that_are_the_phrase_come_first_with_scores_in_order() {
        let titles = [
            (TitleMatch::Different, 0.8),
            (TitleMatch::OneWordDiffers, 0.7),
            (TitleMatch::Near, 0.2),
            (TitleMatch::Near, 0.9),
            (TitleMatch::Exact, 0.1),
        ];
        let mut candidates: Vec<Candidate> = (0..)
            .zip(titles)
            .map(|(doc, (title, score))| candidate(doc, title, score, RetrievalScores::default()))
            .collect();
        raise_titles(&mut candidates);
        let order: Vec<(u32, f32)> = candidates.iter().map(|own| (own.address.doc_id, own.score)).collect();
        assert_eq!(order, [(4, 0.9), (3, 0.9), (2, 0.8), (0, 0.8), (1, 0.7)]);
    }

    #[test]
    fn relevant_questions_have_half_of_the_words_or_are_nearly_as_near_as_the_best() {
        let of = |(doc, (covered, cosine)): (u32, (f32, Option<f32>))| {
            let scores = RetrievalScores { covered, cosine, ..RetrievalScores::default() };
            candidate(doc, TitleMatch::Different, 0.5, scores)
        };
        let docs = |candidates: &[Candidate]| -> Vec<u32> {
            relevant(candidates).iter().map(|candidate| candidate.address.doc_id).collect()
        };
        let scores = [
            (0.8, Some(0.1)),
            (0.4, Some(0.1)),
            (0.39, Some(0.1)),
            (0.0, Some(0.8)),
            (0.0, Some(0.6)),
            (0.0, Some(0.59)),
            (0.0, None),
        ];
        let mut candidates: Vec<Candidate> = (0..).zip(scores).map(of).collect();
        assert_eq!(docs(&candidates), [0, 1, 3, 4]);
        candidates[6].title = TitleMatch::Near;
        assert_eq!(docs(&candidates), [0, 1, 3, 4, 6]);
        // Without words and cosines, nothing is relevant.
        assert_eq!(docs(&[of((0, (0.0, None))), of((1, (0.0, Some(0.0))))]), [0_u32; 0]);
    }
}
