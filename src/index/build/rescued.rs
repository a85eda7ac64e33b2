//! Keeps what a repair could read of damaged segments.

use std::collections::HashSet;

use super::file_record::FileRecord;
use super::item::Items;
use super::state::State;
use crate::index::questions::parse_question;

impl State<'_> {
    /// Adds the records that a repair rescued, except those of files that are read again. Does nothing if there are
    /// none.
    pub fn keep_rescued(&self, records: &[String], items: &Items) -> anyhow::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let read: HashSet<&str> = items.list.iter().map(|item| item.name.as_str()).collect();
        let mut questions = Vec::new();
        for record in records {
            if let Ok(file) = serde_json::from_str::<FileRecord>(record) {
                let holder = file.within.as_deref().unwrap_or(&file.path);
                if !read.contains(file.path.as_str()) && !read.contains(holder) {
                    self.output.put_file(&file)?;
                }
            } else {
                let mut question = parse_question(record)?;
                self.attachments.attach(&mut question);
                let path = question.source.path.as_str();
                // The file, or the archive that holds it.
                let holders = path.match_indices('/').map(|(end, _)| &path[..end]).chain([path]);
                if !holders.into_iter().any(|holder| read.contains(holder)) {
                    questions.push(question);
                }
            }
        }
        self.embed(|jobs| {
            for question in questions {
                self.output.replace(&question.id);
                if jobs.send(question).is_err() {
                    self.failure.set(anyhow::anyhow!("the embedding threads have stopped")).ok();
                    return;
                }
            }
        });
        Ok(())
    }
}
