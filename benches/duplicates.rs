//! The time and recall of duplicate detection.
//!
//!     cargo bench --bench duplicates
//!
//! The questions are made up with a fixed seed, so no data is needed. Their vectors are clustered by subject,
//! and one question in ten is a duplicate. The benchmark measures:
//!
//! - the complete run for 30,000 questions with given embeddings, and a second run with one more question;
//! - the approximate candidate search by clusters against comparing every pair, for 20,000 to 80,000
//!   phrasings: the time, and the fraction of near pairs that it finds.
//!
//! Results are in docs/duplicates.md.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::collections::HashSet;
use std::time::Instant;

use rqsearch::duplicates::{Cache, Near, Options, duplicates, nearest_exact, nearest_probed};
use rqsearch::embed::{Builtin, Embedder, ModelInfo, Role};
use rqsearch::index::{Index, RowView, text_hash};
use rqsearch::question::Question;

fn main() {
    whole(30_000);
    for count in [20_000, 40_000, 80_000] {
        candidates(count);
    }
}

/// A model that takes no time. Questions on one subject have near vectors, and questions with the same
/// meaning have nearer ones.
struct MadeUp(ModelInfo);

impl MadeUp {
    fn direction(seed: u64) -> impl Iterator<Item = f32> {
        let mut state = seed | 1;
        (0..384).map(move |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
    }
}

impl Embedder for MadeUp {
    fn model(&self) -> &ModelInfo {
        &self.0
    }

    /// The text is `subject meaning words`. Each part has less weight than the one before.
    fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
        let mut vector = vec![0.0; 384];
        for (word, weight) in text.split_whitespace().zip([1.1, 0.7, 0.5]) {
            let direction = Self::direction(text_hash(word));
            vector.iter_mut().zip(direction).for_each(|(x, direction)| *x += weight * direction);
        }
        Ok(rqsearch::embed::normalized(vector))
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

/// Makes up questions: a hundred per subject, and one in ten with the meaning of another one.
fn made_up(count: usize) -> (Vec<Question>, MadeUp) {
    let questions = (0..count).map(|nth| {
        let meaning = if nth % 10 == 9 { nth - 9 } else { nth };
        let words = [("subject", meaning % (count / 100)), ("meaning", meaning), ("words", nth)];
        let words = words.map(|(word, number)| format!("{word}{}", letters(number)));
        let mut question = Question::new(words.join(" "), 1);
        question.id = format!("{nth:012x}");
        question.source.path = "made-up.jsonl".into();
        question.source.line = nth as u64;
        question
    });
    (questions.collect(), MadeUp(Builtin::info().clone()))
}

/// Spells a number in letters. Different digits would make different questions.
fn letters(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

fn whole(count: usize) {
    let (questions, model) = made_up(count + 1);
    let options = Options { threshold: 0.7, ..Options::default() };
    let index = Index::in_memory(&questions[..count], Some(&model)).expect("the index fits into memory");
    let mut cache = Cache::default();
    let start = Instant::now();
    let found = duplicates(&index, &options, &mut cache).expect("the index is valid");
    println!(
        "{count} questions: {:.1} s, {} groups, {} pairs",
        start.elapsed().as_secs_f64(),
        found.groups.len(),
        found.pairs.len()
    );
    let index = Index::in_memory(&questions, Some(&model)).expect("the index fits into memory");
    let start = Instant::now();
    let found = duplicates(&index, &options, &mut cache).expect("the index is valid");
    println!("one more: {:.1} s, {} phrasings compared", start.elapsed().as_secs_f64(), found.compared.1);
}

fn candidates(count: usize) {
    let (questions, model) = made_up(count);
    let index = Index::in_memory(&questions, Some(&model)).expect("the index fits into memory");
    let rows: Vec<RowView<'_>> = index
        .vectors()
        .iter()
        .flat_map(|vectors| (0..vectors.row_count()).map(|row| vectors.view(row)))
        .collect();
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let start = Instant::now();
    let exact = nearest_exact(&rows, &all, 0.6);
    let exact_took = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let probed = nearest_probed(&rows, &all, 0.6);
    let probed_took = start.elapsed().as_secs_f64();
    let found: HashSet<(u32, u32)> = probed.iter().map(|near| (near.one, near.two)).collect();
    let recall = |min_cosine: f32| {
        let wanted: Vec<&Near> = exact.iter().filter(|near| near.cosine >= min_cosine).collect();
        let hit = wanted.iter().filter(|near| found.contains(&(near.one, near.two))).count();
        hit as f64 / wanted.len().max(1) as f64
    };
    println!(
        "{count} phrasings: every pair {exact_took:.1} s, clusters {probed_took:.1} s, finding {:.3} of {} pairs with \
         a cosine of at least .6 and {:.3} of those with at least .8",
        recall(0.6),
        exact.len(),
        recall(0.8)
    );
}
