//! Questions on the same subject as another one that ask something else.

use anyhow::{Context, bail};
use tantivy::DocAddress;

use crate::duplicates;
use crate::embed::{dot, normalized};
use crate::index::Index;
use crate::pair::{Phrasing, is_stop_word};
use crate::question::Question;
use crate::same_question::judge;
use crate::search::{Mode, Query, search};
use crate::title::title_key;

/// How many of the nearest questions are compared with each other.
const CANDIDATES: usize = 60;

/// A question with a lower similarity is about something else. Unrelated texts have cosines of 0 to .15 with the built-in
/// model.
const LEAST: f32 = 0.2;

/// How much the similarity to the question counts when the next related one is chosen; the rest is how much it differs from
/// those that were chosen before. This is maximal marginal relevance: Carbonell and Goldstein, "The use of MMR" (1998).
const RELEVANCE: f32 = 0.7;

/// How many related questions are found unless another number is given.
pub const LIMIT: usize = 5;

/// A question on the same subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Related {
    /// The question.
    pub question: Question,
    /// The cosine of the two questions, at most 1: of titles and answers, without the mean of the index. `None` in an index
    /// without vectors.
    pub similarity: Option<f32>,
}

/// Finds at most `limit` questions on the same subject as the question with this id, the most useful first: near to it, not
/// duplicates of it or of each other, and about different things.
///
/// In an index without vectors, these are the questions that a search for the words of the title finds.
///
/// # Errors
/// No question has the id; the index is damaged.
pub fn related(index: &Index, id: &str, limit: usize) -> anyhow::Result<Vec<Related>> {
    index.ensure_on_this_machine("a list of related questions")?;
    let Some(address) = index.address(id)? else {
        bail!("no question has the id {id:?}");
    };
    let question = index.question(address)?;
    let mut candidates = match subject(index, address) {
        Some(subject) => by_meaning(index, address, &subject),
        None => by_words(index, address, &question.title)?,
    };
    let mut chosen: Vec<Candidate> = Vec::new();
    // The question and those that were chosen, with their documents.
    let mut known = vec![(address, question)];
    while chosen.len() < limit
        && let Some(next) = most_useful(&candidates, &chosen)
    {
        let next = candidates.swap_remove(next);
        let found = (next.address, index.question(next.address)?);
        if !known.iter().any(|other| is_duplicate(index, other, &found)) {
            known.push(found);
            chosen.push(next);
        }
    }
    let related = |(candidate, (_, question)): (Candidate, (DocAddress, Question))| Related {
        question,
        similarity: candidate.similarity,
    };
    Ok(chosen.into_iter().zip(known.into_iter().skip(1)).map(related).collect())
}

/// A question that may be related.
struct Candidate {
    address: DocAddress,
    /// As for [`Related::similarity`].
    similarity: Option<f32>,
    /// `None` if it has no vectors.
    subject: Option<Vec<f32>>,
}

/// A vector of length one for what a question is about: the sum of the vectors of its titles and of its whole answer, which
/// count alike.
fn subject(index: &Index, address: DocAddress) -> Option<Vec<f32>> {
    let segment = address.segment_ord as usize;
    let vectors = &index.vectors().get(segment)?;
    let (titles, answer): (Vec<usize>, Vec<usize>) =
        vectors.rows_of(address.doc_id).partition(|row| vectors.passage(*row).asks());
    let sum = |rows: &[usize]| {
        let rows = rows.iter().map(|row| index.space().row(segment, vectors, *row));
        rows.reduce(|sum, row| added(sum, &row)).map(normalized)
    };
    match (sum(&titles), sum(&answer)) {
        (Some(titles), Some(answer)) => Some(normalized(added(titles, &answer))),
        (titles, answer) => titles.or(answer),
    }
}

fn added(mut sum: Vec<f32>, other: &[f32]) -> Vec<f32> {
    sum.iter_mut().zip(other).for_each(|(sum, x)| *sum += x);
    sum
}

/// The questions whose titles or answers are near.
fn by_meaning(index: &Index, one: DocAddress, of: &[f32]) -> Vec<Candidate> {
    let allowed = |segment: usize, doc| {
        let address = DocAddress::new(segment as u32, doc);
        index.is_alive(address) && address != one
    };
    let vector = index.space().centred(of.to_vec());
    let nearest = index.space().nearest(index.vectors(), CANDIDATES, false, allowed, &vector);
    let candidate = |(_, address): (f32, DocAddress)| {
        let subject = subject(index, address);
        Candidate { address, similarity: subject.as_deref().map(|subject| dot(subject, of)), subject }
    };
    let candidates = nearest.into_iter().map(candidate);
    candidates
        .filter(|candidate| candidate.similarity.is_some_and(|similarity| similarity >= LEAST))
        .collect()
}

/// The questions that share words with the title, other than those of any question.
fn by_words(index: &Index, one: DocAddress, title: &str) -> anyhow::Result<Vec<Candidate>> {
    let is_content =
        |word: &&str| !is_stop_word(&word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
    let words: Vec<&str> = title.split_whitespace().filter(is_content).collect();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let query = Query { mode: Mode::Keyword, limit: CANDIDATES, ..Query::plain(&words.join(" ")) };
    let mut candidates = Vec::new();
    for hit in search(index, None, &query)?.hits {
        let address = index.address(&hit.question.id)?.context("a hit is in the index")?;
        if address != one {
            candidates.push(Candidate { address, similarity: None, subject: None });
        }
    }
    // The last is taken first if candidates have no vectors.
    candidates.reverse();
    Ok(candidates)
}

/// The position of the candidate that is near to the question and differs from those that were chosen.
fn most_useful(candidates: &[Candidate], chosen: &[Candidate]) -> Option<usize> {
    let usefulness = |candidate: &Candidate| {
        let subject = candidate.subject.as_deref().unwrap_or_default();
        let near = chosen.iter().filter_map(|chosen| Some(dot(chosen.subject.as_deref()?, subject)));
        RELEVANCE * candidate.similarity.unwrap_or(0.0) - (1.0 - RELEVANCE) * near.fold(0.0, f32::max)
    };
    let useful = candidates.iter().map(usefulness).enumerate();
    useful.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(nth, _)| nth)
}

/// Whether two questions ask the same, or their titles have the same words.
fn is_duplicate(index: &Index, one: &(DocAddress, Question), two: &(DocAddress, Question)) -> bool {
    let titles = [&one.1.title, &two.1.title];
    let [key, other] = titles.map(|title| title_key(title));
    let [words, others] = titles.map(|title| Phrasing::new(title));
    if key.is_some() && key == other || words.has_same_words(&others) {
        return true;
    }
    let verdict = judge(index, (one.0, &one.1), (two.0, &two.1));
    verdict.is_some_and(|verdict| verdict.probability >= duplicates::Options::default().threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Builtin, Embedder, Prepare};

    const TITLES: [&str; 9] = [
        "When should I prune roses?",
        "When should roses be pruned?",
        "How often do roses need water?",
        "Which fertilizer do roses need?",
        "Which fertilizer is best for roses?",
        "Why do roses get black spots on their leaves?",
        "How do I change the oil of a car?",
        "How long does bread dough rise?",
        "How do I reset a forgotten password?",
    ];

    fn related_titles(embedder: Option<&dyn Embedder>, limit: usize) -> Vec<String> {
        let questions: Vec<Question> = (1..)
            .zip(TITLES)
            .map(|(line, title)| Question { id: format!("{line:012}"), ..Question::new(title, line) })
            .collect();
        let index = Index::in_memory(&questions, embedder).unwrap();
        let found = related(&index, "000000000001", limit).unwrap();
        assert!(found.iter().all(|related| related.similarity.is_some() == embedder.is_some()), "{found:?}");
        found.into_iter().map(|related| related.question.title).collect()
    }

    #[test]
    fn related_questions_are_on_the_same_subject_and_not_duplicates() {
        let model = Builtin::load(Prepare::Many).unwrap();
        let mut found = related_titles(Some(&model), 10);
        assert_eq!(related_titles(Some(&model), 2), found[..2]);
        found.sort();
        let fertilizer = if found.contains(&TITLES[3].to_owned()) { TITLES[3] } else { TITLES[4] };
        assert_eq!(found, [TITLES[2], fertilizer, TITLES[5]]);
    }

    #[test]
    fn without_vectors_they_share_words() {
        let found = related_titles(None, 3);
        assert!(found.len() == 3 && found.iter().all(|title| title.contains("rose")), "{found:?}");
        assert!(!found.contains(&TITLES[1].to_owned()), "{found:?}");
    }

    #[test]
    fn an_unknown_id_is_an_error() {
        let index = Index::in_memory(&[Question::new("Why?", 1)], None).unwrap();
        assert!(related(&index, "none", 1).unwrap_err().to_string().contains("\"none\""));
    }
}
