//! Embeds the questions of an index again with another model.

use std::sync::atomic::Ordering;

use anyhow::Context;

use super::state::State;
use crate::index::questions::parse_question;
use crate::index::schema::QUESTION;

impl State<'_> {
    /// If the index was built with another model, deletes all its documents and adds them again with vectors
    /// of this model. Questions are taken from the index, so their files need not exist. Readers do not see
    /// any of this before the commit.
    pub fn switch_model(&self) -> anyhow::Result<()> {
        let Some(index) = self.before.index.as_ref().filter(|index| !self.build.is_model_of(index)) else {
            return Ok(());
        };
        self.output.delete_all()?;
        for record in &self.files {
            self.output.put_file(record)?;
        }
        let records = index.records(index.fields.kind, QUESTION)?;
        let bytes = |record: &String| record.len() as u64;
        self.progress.bytes.fetch_add(records.iter().map(bytes).sum(), Ordering::Relaxed);
        self.embed(|jobs| {
            for record in &records {
                self.progress.bytes_done.fetch_add(bytes(record), Ordering::Relaxed);
                let sent = parse_question(record)
                    .and_then(|question| jobs.send(question).context("the embedding threads have stopped"));
                if let Err(error) = sent {
                    self.failure.set(error).ok();
                    return;
                }
            }
        });
        Ok(())
    }
}
