//! A search with your own question source and your own embedding model.
//!
//! ```console
//! $ cargo run --release --example custom -- tickets.ini "parcel is late"
//! ```
//!
//! The source is a file of support tickets:
//!
//! ```ini
//! [T-17]
//! asked = My parcel has not arrived
//! solved = Ask the carrier for its whereabouts.
//! ```
//!
//! The model hashes letter trigrams. It does not understand meaning, but words such as "parcels" and "parcel"
//! get similar vectors, in any language. It needs no model file.
#![expect(clippy::print_stdout, reason = "this is a command-line program")]

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};

use anyhow::{Context, bail};
use rqsearch::embed::{Embedder, ModelInfo, Role, normalized};
use rqsearch::index::Index;
use rqsearch::question::Question;
use rqsearch::search::{Query, search};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (file, phrase) = args.next().zip(args.next()).context("usage: custom TICKETS PHRASE")?;
    let tickets = tickets(&fs::read_to_string(&file).context("could not read the tickets")?)?;

    let model = Trigrams::new();
    let index = Index::in_memory(&tickets, Some(&model))?;
    let found = search(&index, Some(&model), &Query { limit: 3, ..Query::plain(&phrase) })?;
    for hit in &found.hits {
        println!("{:.2}  {}  {}", hit.score, hit.question.id, hit.question.title);
    }
    Ok(())
}

/// Parses tickets: a `[number]` line, then the fields `asked` and `solved`.
fn tickets(text: &str) -> anyhow::Result<Vec<Question>> {
    let mut tickets: Vec<Question> = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if let Some(id) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            tickets.push(Question { id: id.to_owned(), ..Question::new("", number) });
        } else if let (Some((key, value)), Some(ticket)) = (line.split_once('='), tickets.last_mut()) {
            match key.trim() {
                "asked" => ticket.title = value.trim().to_owned(),
                "solved" => ticket.answer = value.trim().to_owned(),
                other => drop(ticket.fields.insert(other.to_owned(), value.trim().to_owned())),
            }
        } else if !line.is_empty() {
            bail!("line {number}: expected `[ID]` or `KEY = VALUE`: {line}");
        }
    }
    Ok(tickets)
}

/// A model that hashes the letter trigrams of a text into a vector.
struct Trigrams(ModelInfo);

impl Trigrams {
    fn new() -> Self {
        Self(ModelInfo::new("trigrams", "trigrams-of-letters-1", 256, 512))
    }
}

impl Embedder for Trigrams {
    fn model(&self) -> &ModelInfo {
        &self.0
    }

    fn embed(&self, text: &str, _role: Role) -> anyhow::Result<Vec<f32>> {
        let letters: Vec<char> = format!("  {}  ", text.to_lowercase()).chars().collect();
        let mut vector = vec![0.0; self.0.dimensions];
        for trigram in letters.windows(3) {
            let mut hasher = DefaultHasher::new();
            trigram.hash(&mut hasher);
            vector[hasher.finish() as usize % self.0.dimensions] += 1.0;
        }
        Ok(normalized(vector))
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}
