//! Phrasings of files, attached to the questions of other files.
//!
//! A question is stored with them as its last alternative titles. Whenever it is read, they are attached to it again. The
//! questions of files that are not read get what has changed at the end of the build, in the same commit.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use crossbeam_channel::Sender;
use xxhash_rust::xxh3::xxh3_64;

use super::file_record::FileRecord;
use super::item::Item;
use super::question_id::question_hash;
use super::state::State;
use super::summary::{Counts, FileSummary};
use crate::index::questions::parse_question;
use crate::index::reader::Index;
use crate::index::schema::PHRASINGS;
use crate::index::stored_path::{base_of, path_of};
use crate::question::Question;
use crate::read::{self, BadRecord, Phrasing};
use crate::title::title_key;

/// The name of the format of files of phrasings, in [`FileSummary::format`].
pub const PHRASINGS_FORMAT: &str = "phrasings";

/// The phrasings of an index, and the questions that they belong to.
#[derive(Default)]
pub struct Attachments {
    phrasings: Vec<Phrasing>,
    /// Whether a question has it.
    used: Vec<AtomicBool>,
    by_id: HashMap<String, Vec<usize>>,
    by_title: HashMap<String, Vec<usize>>,
    /// Those that were in the index before the build.
    before: Vec<Phrasing>,
    /// The files that were read in this build.
    files: Vec<ReadFile>,
    /// The ids of questions that have what they should have, or that are deleted.
    settled: Mutex<HashSet<String>>,
}

/// A file of phrasings that was read.
struct ReadFile {
    name: String,
    /// Which of the phrasings are from it.
    part: Range<usize>,
    /// The line of each of them.
    lines: Vec<u64>,
    /// The number of records that were skipped.
    bad: u64,
}

impl Attachments {
    /// The phrasings in an index.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn stored(index: &Index) -> anyhow::Result<Self> {
        let mut attachments = Self::default();
        // A cluster has none.
        if index.ensure_on_this_machine("a file of phrasings").is_err() {
            return Ok(attachments);
        }
        attachments.add(phrasing_records(index)?.into_iter().flat_map(|record| record.phrasings));
        Ok(attachments)
    }

    fn add(&mut self, phrasings: impl IntoIterator<Item = Phrasing>) -> Range<usize> {
        let start = self.phrasings.len();
        for phrasing in phrasings {
            let nth = self.phrasings.len();
            let title = phrasing.title.as_deref().and_then(title_key);
            if let Some(id) = &phrasing.id {
                self.by_id.entry(id.clone()).or_default().push(nth);
            }
            if let Some(title) = title {
                self.by_title.entry(title).or_default().push(nth);
            }
            self.phrasings.push(phrasing);
            self.used.push(AtomicBool::new(false));
        }
        start..self.phrasings.len()
    }

    fn is_empty(&self) -> bool {
        self.phrasings.is_empty() && self.before.is_empty()
    }

    /// Gives a question the phrasings that belong to it, and no others. A phrasing that is one of its own titles is not
    /// repeated.
    pub fn attach(&self, question: &mut Question) {
        question.also.truncate(question.also.len().saturating_sub(question.attached));
        question.attached = 0;
        if self.is_empty() {
            return;
        }
        self.settle(&question.id);
        let by_title = || self.by_title.get(&title_key(&question.title)?);
        let by_title = if self.by_title.is_empty() { None } else { by_title() };
        let own = self.by_id.get(&question.id).into_iter().chain(by_title).flatten();
        let own: BTreeSet<usize> = own.copied().collect();
        let mut titles: HashSet<Option<String>> =
            [&question.title].into_iter().chain(&question.also).map(|title| title_key(title)).collect();
        for nth in own {
            self.used[nth].store(true, Ordering::Relaxed);
            let phrase = &self.phrasings[nth].phrase;
            if titles.insert(title_key(phrase)) {
                question.also.push(phrase.clone());
                question.attached += 1;
            }
        }
    }

    /// Says that a question is deleted, or has its phrasings.
    pub fn settle(&self, id: &str) {
        if !self.is_empty() {
            self.settled.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        }
    }

    fn is_settled(&self, id: &str) -> bool {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn is_used(&self, nth: usize) -> bool {
        self.used[nth].load(Ordering::Relaxed)
    }
}

impl Index {
    /// The files of [phrasings](crate::read::PHRASINGS) that the index was built from, as absolute paths. A file may not
    /// exist any more.
    ///
    /// # Errors
    /// The index is damaged, or the current directory no longer exists.
    pub fn phrasing_files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let base = base_of(&self.dir)?;
        let mut names: Vec<String> = phrasing_records(self)?.into_iter().map(|record| record.path).collect();
        names.sort();
        Ok(names.iter().map(|name| base.join(path_of(name))).collect())
    }
}

/// The records of the files of phrasings in an index.
fn phrasing_records(index: &Index) -> anyhow::Result<Vec<FileRecord>> {
    let records = index.records(index.fields.kind, PHRASINGS)?;
    records.iter().map(|record| Ok(serde_json::from_str(record)?)).collect()
}

impl State<'_> {
    /// The phrasings of the files that are read now, and of the others in the index that are not gone. None in a cluster.
    pub fn read_attachments(&self, items: &[Item], gone: &HashSet<String>) -> Attachments {
        if self.output.is_cluster() {
            return Attachments::default();
        }
        let before = self.files.iter().flat_map(|file| file.phrasings.iter().cloned()).collect();
        let mut attachments = Attachments { before, ..Attachments::default() };
        let mut read = HashSet::new();
        for item in items.iter().filter(|item| item.is_phrasings()) {
            if self.read_phrasings(item, &mut attachments) {
                read.insert(item.name.as_str());
            }
        }
        let is_kept = |file: &&FileRecord| !read.contains(file.path.as_str()) && !gone.contains(&file.path);
        let kept = self.files.iter().filter(is_kept);
        attachments.add(kept.flat_map(|file| file.phrasings.iter().cloned()));
        attachments
    }

    /// Adds the phrasings of a file, and reports what is skipped. Returns whether the file could be read.
    fn read_phrasings(&self, item: &Item, attachments: &mut Attachments) -> bool {
        let records = match read::phrasings(&item.path) {
            Ok(records) => records,
            Err(error) => {
                self.fail(item, &error);
                return false;
            }
        };
        let (mut lines, mut phrasings, mut bad) = (Vec::new(), Vec::new(), 0);
        for record in records {
            match record {
                Ok((line, phrasing)) => {
                    lines.push(line);
                    phrasings.push(phrasing);
                }
                Err(BadRecord { line, reason }) => {
                    bad += 1;
                    self.problem(&item.path, Some(line), reason);
                }
            }
        }
        let part = attachments.add(phrasings);
        attachments.files.push(ReadFile { name: item.name.clone(), part, lines, bad });
        true
    }
}

impl State<'_> {
    /// Sends the questions of files that are not read and whose phrasings have changed.
    pub(super) fn attach_to_unread(&self, gone: &HashSet<String>, jobs: &Sender<Question>) {
        let Some(index) = self.before.index.as_ref().filter(|_| !self.is_stopped()) else { return };
        let attachments = &self.attachments;
        for phrasing in attachments.phrasings.iter().chain(&attachments.before) {
            let sent = targets(index, phrasing).and_then(|questions| {
                for mut question in questions {
                    if attachments.is_settled(&question.id) || gone.contains(&question.source.path) {
                        continue;
                    }
                    let before = question_hash(&question);
                    attachments.attach(&mut question);
                    if question_hash(&question) != before {
                        self.output.replace(&question.id);
                        jobs.send(question).context("the embedding threads have stopped")?;
                    }
                }
                Ok(())
            });
            if let Err(error) = sent {
                self.failure.set(error).ok();
                return;
            }
        }
    }

    /// Stores what the files of phrasings hold, and reports the phrasings that belong to no question.
    pub(super) fn store_phrasings(&self, items: &[Item]) -> anyhow::Result<()> {
        // Of a build that is not committed, not every question was read.
        for file in self.attachments.files.iter().filter(|_| !self.is_stopped()) {
            let path = items.iter().find(|item| item.name == file.name).map(|item| item.path.as_path());
            let unused = self.report_unused(file, path.unwrap_or(Path::new(&file.name)));
            let phrasings = self.attachments.phrasings[file.part.clone()].to_vec();
            let hash = xxh3_64(&serde_json::to_vec(&phrasings)?);
            let record =
                FileRecord { phrasings, ..FileRecord::new(&file.name, hash, file.bad + unused, None) };
            let old = self.files.iter().find(|old| old.path == file.name);
            if old == Some(&record) {
                self.summary().unchanged_files += 1;
                continue;
            }
            let counts = changes(old.map_or(&[], |old| &old.phrasings), &record.phrasings);
            // Before, the file may have been read as one of questions.
            self.output.remove_file(&file.name)?;
            self.output.put_file(&record)?;
            let (path, format) = (file.name.clone(), Some(PHRASINGS_FORMAT));
            self.summary().files.push(FileSummary { path, format, counts });
        }
        Ok(())
    }

    /// Reports the phrasings of a file that belong to no question. Returns how many they are.
    fn report_unused(&self, file: &ReadFile, path: &Path) -> u64 {
        let unused = file.part.clone().zip(&file.lines).filter(|(nth, _)| !self.attachments.is_used(*nth));
        let mut count = 0;
        for (nth, line) in unused {
            count += 1;
            let phrasing = &self.attachments.phrasings[nth];
            self.problem(path, Some(*line), Unused(phrasing).to_string());
        }
        count
    }
}

/// Why a phrasing belongs to no question.
struct Unused<'a>(&'a Phrasing);

impl fmt::Display for Unused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Phrasing { phrase, id, title } = self.0;
        f.write_str("no question has ")?;
        match (id, title) {
            (Some(id), Some(title)) => write!(f, "the id {id} or the title “{title}”")?,
            (Some(id), None) => write!(f, "the id {id}")?,
            (None, title) => write!(f, "the title “{}”", title.as_deref().unwrap_or_default())?,
        }
        write!(f, ", to which “{phrase}” belongs; name another question, or remove the line")
    }
}

/// The questions that a phrasing belongs to.
fn targets(index: &Index, phrasing: &Phrasing) -> anyhow::Result<Vec<Question>> {
    let mut found = Vec::new();
    // Other ids are those of the records of files.
    if let Some(id) = phrasing.id.as_ref().filter(|id| !id.contains(':')) {
        for record in index.records(index.fields.id, id)? {
            found.push(parse_question(&record)?);
        }
    }
    if let Some(title) = &phrasing.title {
        found.extend(index.titled(title)?);
    }
    Ok(found)
}

/// How the phrasings of a file have changed.
fn changes(before: &[Phrasing], now: &[Phrasing]) -> Counts {
    let [before, now] = [before, now].map(|phrasings| phrasings.iter().collect::<HashSet<&Phrasing>>());
    let kept = now.intersection(&before).count() as u64;
    Counts { added: now.len() as u64 - kept, kept, removed: before.len() as u64 - kept }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::question_id::id_of;
    use super::*;
    use crate::index::{Build, Change, Effect, Missing, Prepared};

    fn phrasing(phrase: &str, id: Option<&str>, title: Option<&str>) -> Phrasing {
        Phrasing { phrase: phrase.into(), id: id.map(Into::into), title: title.map(Into::into) }
    }

    fn attachments(phrasings: &[Phrasing]) -> Attachments {
        let mut attachments = Attachments::default();
        attachments.add(phrasings.to_vec());
        attachments
    }

    #[test]
    fn phrasings_belong_to_an_id_or_a_title() {
        let attachments = attachments(&[
            phrasing("by id", Some("1"), Some("Another title")),
            phrasing("by title", Some("2"), Some("why WAX a rope")),
            phrasing("By title?", None, Some("Why wax a rope?")),
            phrasing("waxing", None, Some("Why wax a rope?")),
            phrasing("of another", Some("3"), None),
        ]);
        let mut question =
            Question { id: "1".into(), also: vec!["Waxing.".into()], ..Question::new("Why wax a rope?", 1) };
        let own = question.clone();
        attachments.attach(&mut question);
        assert_eq!((question.also.join("|").as_str(), question.attached), ("Waxing.|by id|by title", 2));
        let once = question.clone();
        attachments.attach(&mut question);
        assert_eq!(question, once);
        assert_eq!(
            (0..5).map(|nth| attachments.is_used(nth)).collect::<Vec<_>>(),
            [true, true, true, true, false]
        );
        Attachments::default().attach(&mut question);
        assert_eq!(question, own);
    }

    #[test]
    fn changes_are_counted() {
        let [a, b, c] = ["a", "b", "c"].map(|phrase| phrasing(phrase, Some("1"), None));
        let counts = changes(&[a.clone(), b.clone()], &[b, c, a.clone(), a]);
        assert_eq!(counts, Counts { added: 1, kept: 2, removed: 0 });
    }

    /// A change of a file, after which only this file is indexed, or everything.
    #[derive(Clone, Debug)]
    struct Edit {
        file: usize,
        /// The numbers of its questions or phrasings; `None` to delete it.
        content: Option<Vec<u8>>,
        is_only: bool,
        reread: bool,
    }

    const FILES: [&str; 4] = ["a.md", "b.md", "phrasings.jsonl", "more.phrasings.jsonl"];

    fn edits() -> impl Strategy<Value = Vec<Edit>> {
        let content = proptest::option::weighted(0.8, proptest::collection::vec(0..6_u8, 1..5));
        let edit = (0..FILES.len(), content, any::<bool>(), proptest::bool::weighted(0.2));
        let edit = edit.prop_map(|(file, content, is_only, reread)| Edit { file, content, is_only, reread });
        proptest::collection::vec(edit, 1..5)
    }

    /// The content of a file with these numbers. Some phrasings have an id that belongs to `a.md`.
    fn text(file: usize, numbers: &[u8]) -> String {
        let title = |number: &u8| format!("Why wax rope number {number}?");
        let phrasing = |number: &u8| match number % 3 {
            0 => {
                let source = crate::question::Source { path: FILES[0].into(), line: 1 };
                let id = id_of(&source, &Question::new(title(number), 1), &mut HashMap::new());
                phrasing(&format!("{file} ropes {number}"), Some(&id), None)
            }
            1 => phrasing(&format!("{file} ropes {number}"), Some("0"), Some(&title(number))),
            _ => phrasing(&format!("waxing {number}"), None, Some(&title(number))),
        };
        let line = |number| match file {
            0 | 1 => format!("## {}\n\nIt lasts.\n\n", title(number)),
            _ => format!("{}\n", serde_json::to_string(&phrasing(number)).unwrap()),
        };
        numbers.iter().map(line).collect()
    }

    /// The questions of an index. The phrasings of a question are in the order in which their files were read.
    fn questions_of(dir: &Path) -> Vec<Question> {
        let mut questions = Index::open(dir).unwrap().questions().unwrap();
        questions.iter_mut().for_each(|question| question.also.sort());
        questions
    }

    /// The paths of files that exist, or that did in the last build.
    fn known_paths(base: &Path, were: [bool; FILES.len()]) -> Vec<PathBuf> {
        let paths = FILES.iter().zip(were).map(|(name, was)| (base.join(name), was));
        paths.filter(|(path, was)| *was || path.exists()).map(|(path, _)| path).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

        /// Whatever changes and whatever is read, the index is that of the files.
        #[test]
        fn an_updated_index_is_that_of_a_fresh_build(edits in edits()) {
            let dir = tempfile::tempdir().unwrap();
            let base = dir.path();
            (0..FILES.len()).for_each(|file| fs::write(base.join(FILES[file]), text(file, &[0, 1, 2])).unwrap());
            // Never edited, so that the index has a source.
            let kept = base.join("kept.md");
            fs::write(&kept, "## Why wax rope number 5?\n").unwrap();
            let (index, fresh) = (base.join("index"), base.join("fresh"));
            let with_kept = |mut paths: Vec<PathBuf>| {
                paths.push(kept.clone());
                paths
            };
            Build::new(&index, &with_kept(known_paths(base, [true; FILES.len()]))).run().unwrap();
            for Edit { file, content, is_only, reread } in edits {
                let path = base.join(FILES[file]);
                let were = FILES.map(|name| base.join(name).exists());
                match &content {
                    Some(numbers) => fs::write(&path, text(file, numbers)).unwrap(),
                    None => _ = fs::remove_file(&path),
                }
                let mut paths = known_paths(base, were);
                match is_only {
                    true => paths.retain(|known| *known == path),
                    false => paths = with_kept(paths),
                }
                Build { reread, ..Build::new(&index, &paths) }.run().unwrap();
                _ = fs::remove_dir_all(&fresh);
                let existing = with_kept(known_paths(base, [false; FILES.len()]));
                Build::new(&fresh, &existing).run().unwrap();
                prop_assert_eq!(questions_of(&index), questions_of(&fresh));
            }
        }
    }

    #[test]
    fn written_questions_have_phrasings_too() {
        let base = tempfile::tempdir().unwrap();
        let (dir, file) = (base.path().join("index"), base.path().join(FILES[2]));
        let write = || {
            let question = Question { key: Some("k".into()), ..Question::new("Why wax a rope?", 1) };
            let index = Index::open(&dir).unwrap();
            let prepared = Prepared::new(&index, None, &[Change::Put(Box::new(question))]).unwrap();
            let commit = prepared.commit(&dir, Duration::from_secs(9)).unwrap();
            let effect = commit.results[0].clone().unwrap().effect;
            commit.finish().unwrap();
            effect
        };
        let also = |paths: &[PathBuf]| {
            Build::new(&dir, paths).run().unwrap();
            questions_of(&dir).remove(0).also
        };
        fs::write(&file, "{\"phrase\": \"waxing\", \"title\": \"why wax a rope\"}\n").unwrap();
        let paths = [file];
        Build::new(&dir, &paths).run().unwrap();
        assert_eq!((write(), write()), (Effect::Created, Effect::Unchanged));
        assert_eq!(also(&[]), ["waxing"]);
        fs::write(&paths[0], "{\"phrase\": \"other\", \"title\": \"why wax a rope\"}\n").unwrap();
        assert_eq!(also(&paths), ["other"]);
        assert_eq!(write(), Effect::Unchanged);
        fs::remove_file(&paths[0]).unwrap();
        assert_eq!(also(&[]), ["other"], "the path was not named");
        Build { missing: Missing::RemoveAll, ..Build::new(&dir, &paths) }.run().unwrap();
        assert_eq!(also(&[]), [""; 0]);
    }
}
