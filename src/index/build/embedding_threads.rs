//! The threads that embed questions and write them.

use std::sync::atomic::Ordering;
use std::thread;

use crossbeam_channel::{Receiver, Sender};

use super::embedding::Embedding;
use super::state::State;
use crate::chunk::Chunk;
use crate::index::document::{readable_chunks, text_hash};
use crate::index::rows::Row;
use crate::question::Question;

/// Capacity of the queue of questions between reading and embedding.
const WAITING: usize = 256;

impl State<'_> {
    /// Starts the embedding threads, and calls `feed` to send them questions through a bounded channel. The
    /// channel is the only thing that these threads wait for. Returns when all questions are added; tantivy
    /// indexes them in its own threads.
    pub fn embed(&self, feed: impl FnOnce(&Sender<Question>)) {
        let (jobs, work) = crossbeam_channel::bounded::<Question>(WAITING);
        thread::scope(|scope| {
            for _ in 0..self.build.threads.max(1) {
                let work = work.clone();
                scope.spawn(move || self.embed_all(&work));
            }
            drop(work);
            feed(&jobs);
            drop(jobs);
        });
    }

    fn embed_all(&self, work: &Receiver<Question>) {
        for first in work {
            if self.is_stopped() {
                continue;
            }
            let questions = self.batch(first, work);
            let count = questions.len() as u64;
            match self.add(questions) {
                Ok(()) => {
                    self.progress.questions.fetch_add(count, Ordering::Relaxed);
                }
                Err(error) => {
                    self.failure.set(error.context("could not write the index")).ok();
                }
            }
        }
    }

    /// A question and as many waiting questions as fill a batch of the model, with their chunks.
    fn batch(&self, first: Question, work: &Receiver<Question>) -> Vec<(Question, Vec<Chunk>)> {
        let mut batch = vec![(self.chunks(&first), first)];
        let mut texts = batch[0].0.len();
        let enough = self.embedding.as_ref().map_or(1, |embedding| embedding.embedder.batch());
        while texts < enough {
            let Ok(question) = work.try_recv() else { break };
            let chunks = self.chunks(&question);
            texts += chunks.len();
            batch.push((chunks, question));
        }
        batch.into_iter().map(|(chunks, question)| (question, chunks)).collect()
    }

    /// The chunks of a question to embed; none without a model, and none that the model cannot read.
    fn chunks(&self, question: &Question) -> Vec<Chunk> {
        let Some(Embedding { embedder, .. }) = self.embedding else {
            return Vec::new();
        };
        readable_chunks(question, embedder)
    }

    fn add(&self, batch: Vec<(Question, Vec<Chunk>)>) -> anyhow::Result<()> {
        let texts: Vec<(u64, &str)> = batch
            .iter()
            .flat_map(|(_, chunks)| chunks)
            .map(|chunk| (text_hash(&chunk.text), chunk.text.as_str()))
            .collect();
        let vectors = match &self.embedding {
            Some(embedding) => embedding.vectors(&texts)?,
            None => Vec::new(),
        };
        self.summary().chunks += texts.len() as u64;
        let mut rows = texts.iter().map(|(hash, _)| *hash).zip(vectors).collect::<Vec<_>>().into_iter();
        for (question, chunks) in &batch {
            let row =
                |(chunk, (hash, vector)): (&Chunk, _)| Row { hash, passage: chunk.passage.clone(), vector };
            let rows: Vec<Row> = chunks.iter().zip(rows.by_ref()).map(row).collect();
            self.output.add(question, rows)?;
        }
        Ok(())
    }
}
