//! Reads a file that has changed, and writes the questions that the index does not have yet.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;

use super::content::Content;
use super::file_record::FileRecord;
use super::item::Item;
use super::question_id::{id_of, question_hash};
use super::state::State;
use super::summary::{Counts, FileSummary, Problem};
use crate::question::Question;
use crate::read::{self, BadRecord, Report};

/// The number of bad records of a file that are reported individually.
const PROBLEMS_NAMED: u64 = 10;

impl State<'_> {
    /// Reads a file, and removes its questions that are no longer in it.
    pub fn read_changed_file(
        &self,
        item: &Item,
        content: Content,
        jobs: &Sender<Question>,
    ) -> anyhow::Result<()> {
        let record = content.record(item);
        let mut file = ChangedFile::new(self, item, jobs)?;
        let read = item.read(content.file, content.extension, &mut |record| file.take(record));
        let format = match read {
            Ok(read::Outcome::Read { format, report }) => {
                file.explain_emptiness(format, report);
                Some(format)
            }
            // The user gave a directory, not this file, so the file is counted but not reported.
            Ok(read::Outcome::NotQuestions) => {
                self.summary().unrecognized.push(item.name.clone());
                if self.old_file(&item.name)?.is_none() {
                    return Ok(());
                }
                None
            }
            Err(error) => {
                file.fail(&error);
                None
            }
        };
        file.finish(format, record)
    }
}

/// A file that is being read.
struct ChangedFile<'a> {
    state: &'a State<'a>,
    item: &'a Item,
    jobs: &'a Sender<Question>,
    /// The ids and hashes of its questions in the index, without those that were read.
    old: HashMap<String, u64>,
    same_name: HashMap<u64, u32>,
    counts: Counts,
    /// The number of bad records.
    bad: u64,
}

impl<'a> ChangedFile<'a> {
    fn new(state: &'a State<'a>, item: &'a Item, jobs: &'a Sender<Question>) -> anyhow::Result<Self> {
        let old = state.question_hashes(&item.name)?;
        Ok(Self { state, item, jobs, old, same_name: HashMap::new(), counts: Counts::default(), bad: 0 })
    }

    /// Takes the next record of the file.
    fn take(&mut self, record: Result<Question, BadRecord>) -> ControlFlow<()> {
        match record {
            Ok(question) => self.add(question)?,
            Err(record) => self.skip(record),
        }
        if self.state.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Sends a question to the embedding threads, unless it is in the index.
    fn add(&mut self, mut question: Question) -> ControlFlow<()> {
        let (build, name) = (self.state.build, &self.item.name);
        question.source.path.clone_from(name);
        if read::is_url(name) {
            question.url.get_or_insert_with(|| name.clone());
        }
        question.id = id_of(&question.source, &question, &mut self.same_name);
        self.state.attachments.attach(&mut question);
        let unchanged = self.old.remove(&question.id) == Some(question_hash(&question));
        let is_elsewhere = build.shard.is_some_and(|shard| !shard.has(&question.id));
        if is_elsewhere || unchanged && !build.reread {
            self.counts.kept += 1;
            self.state.progress.questions.fetch_add(1, Ordering::Relaxed);
            return ControlFlow::Continue(());
        }
        self.counts.added += 1;
        self.state.output.replace(&question.id);
        match self.jobs.send(question) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Counts a bad record, and reports the first ones.
    fn skip(&mut self, BadRecord { line, reason }: BadRecord) {
        self.bad += 1;
        if self.bad <= PROBLEMS_NAMED {
            self.state.problem(&self.item.path, Some(line), reason);
        }
    }

    /// Reports a file that was read to its end and has no questions, if the user named it.
    fn explain_emptiness(&mut self, format: &str, report: Option<Report>) {
        if self.counts.kept + self.counts.added > 0 || self.bad > 0 {
            return;
        }
        let is_document = report.is_some_and(|report| report.letters > 0);
        self.state.summary().possible_articles += u64::from(is_document);
        if self.item.named {
            self.state.report(&no_questions(&self.item.path, format, is_document));
            self.state.summary().failed_files += 1;
            // Read in the next build again, and reported again.
            self.bad += 1;
        }
    }

    /// Reports a file that could not be read to its end.
    fn fail(&mut self, error: &io::Error) {
        self.state.fail(self.item, error);
        // If the rest of the file was not read, its questions may still be in it.
        if !read::has_no_questions(error) {
            self.old.clear();
        }
        self.bad += 1;
    }

    /// Removes the questions that are no longer in the file, and stores its record.
    fn finish(mut self, format: Option<&'static str>, record: FileRecord) -> anyhow::Result<()> {
        let Item { name, path, .. } = self.item;
        if let Some(more) = self.bad.checked_sub(PROBLEMS_NAMED).filter(|more| *more > 0) {
            self.state.problem(path, None, format!("{more} more bad records"));
            self.state.summary().problems += more - 1;
        }
        for id in self.old.keys() {
            self.state.output.remove(id);
            self.state.attachments.settle(id);
        }
        self.counts.removed = self.old.len() as u64;
        self.state.output.put_file(&FileRecord { bad: self.bad, ..record })?;
        self.state.summary().files.push(FileSummary { path: name.clone(), format, counts: self.counts });
        Ok(())
    }
}

/// Why a named file without questions is an error, and what to try.
pub fn no_questions(path: &Path, format: &str, is_document: bool) -> Problem {
    let article = if is_document { "; --articles adds the document as one entry" } else { "" };
    Problem {
        path: path.to_owned(),
        line: None,
        reason: format!("no questions found; the file was read as {format}"),
        hint: Some(format!(
            "--format names another format{article}; docs/formats.md describes what becomes a question"
        )),
    }
}
