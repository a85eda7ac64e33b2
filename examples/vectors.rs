//! Writes the vectors of an index and of phrases to files, for programs that work with vectors.
//!
//! ```console
//! $ cargo run --release --example vectors -- .rqsearch phrases.txt out
//! 1938 passages of 660 questions, 722 phrases, 384 dimensions
//! ```
//!
//! `phrases.txt` has one phrase per line. The directory `out` gets three files:
//!
//! - `passages.jsonl`: for each passage that has a vector, the `question` (its id) and the `text` that was embedded;
//! - `passages.f32`: the vectors, in the same order;
//! - `phrases.f32`: a vector for each line of `phrases.txt`.
//!
//! A vector is little-endian 32-bit floats without a separator. Vectors have the length 1, so that a dot product is a
//! cosine. Those of passages have the precision of the index, 8 bits. To read them with NumPy:
//!
//! ```python
//! numpy.fromfile("out/passages.f32", dtype="<f4").reshape(-1, 384)
//! ```
#![expect(clippy::print_stdout, reason = "this is a command-line program")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use rqsearch::chunk::Passage;
use rqsearch::embed::{Builtin, Embedder, Prepare, Role};
use rqsearch::index::Index;
use rqsearch::question::Question;
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [index, phrases, out] = args.as_slice() else { anyhow::bail!("usage: vectors INDEX PHRASES OUT") };
    let model = Builtin::load(Prepare::Many)?;
    let index = Index::open(Path::new(index))?;
    let is_builtin = index.meta().model.as_ref().is_some_and(|info| info.is_same(model.model()));
    ensure!(is_builtin, "the index has no vectors of the built-in model");
    let phrases = fs::read_to_string(phrases).with_context(|| format!("could not read {phrases}"))?;
    let phrases: Vec<&str> = phrases.lines().collect();
    let out = Path::new(out);
    fs::create_dir_all(out).with_context(|| format!("could not create {}", out.display()))?;

    let (questions, passages) = write_passages(&index, out)?;
    write_phrases(&phrases, &model, out)?;
    println!(
        "{passages} passages of {questions} questions, {} phrases, {} dimensions",
        phrases.len(),
        model.model().dimensions
    );
    Ok(())
}

/// Writes the passages and their vectors. Returns the number of questions and of passages.
fn write_passages(index: &Index, out: &Path) -> anyhow::Result<(usize, usize)> {
    let mut texts = BufWriter::new(File::create(out.join("passages.jsonl"))?);
    let mut vectors = BufWriter::new(File::create(out.join("passages.f32"))?);
    let mut questions = index.addressed_questions()?;
    questions.sort_by(|(_, one), (_, two)| (&one.source, &one.id).cmp(&(&two.source, &two.id)));
    let mut passages = 0;
    for (address, question) in &questions {
        let segment = &index.vectors()[address.segment_ord as usize];
        for row in segment.rows_of(address.doc_id) {
            let text = text(question, &segment.passage(row));
            writeln!(texts, "{}", json!({ "question": question.id, "text": text }))?;
            write_vector(&mut vectors, segment.view(row).values())?;
            passages += 1;
        }
    }
    texts.flush()?;
    vectors.flush()?;
    Ok((questions.len(), passages))
}

/// The text of a passage. A part of the answer has the title before it, as when it was embedded.
fn text(question: &Question, passage: &Passage) -> String {
    match passage {
        Passage::Title | Passage::Also(_) => passage.phrasing(question).to_owned(),
        Passage::Answer(range) => {
            let answer = question.readable_answer();
            let part = answer.get(range.start as usize..range.end as usize).unwrap_or_default();
            format!("{}\n{part}", question.title)
        }
    }
}

fn write_phrases(phrases: &[&str], model: &Builtin, out: &Path) -> anyhow::Result<()> {
    let mut vectors = BufWriter::new(File::create(out.join("phrases.f32"))?);
    for phrase in phrases {
        write_vector(&mut vectors, model.embed(phrase, Role::Query)?)?;
    }
    Ok(vectors.flush()?)
}

fn write_vector(out: &mut impl Write, vector: impl IntoIterator<Item = f32>) -> anyhow::Result<()> {
    for number in vector {
        out.write_all(&number.to_le_bytes())?;
    }
    Ok(())
}
