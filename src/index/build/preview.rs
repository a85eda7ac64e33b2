//! What a build would find, without an index.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use super::archive::{NO_FILE, NO_MEMBERS};
use super::changed_file::no_questions;
use super::content::spool;
use super::item::{Item, Place};
use super::options::Build;
use super::summary::Problem;
use crate::index::metadata::Meta;
use crate::index::open_error::OpenError;
use crate::index::reader::Index;
use crate::index::stored_path::base_of;
use crate::question::Question;
use crate::read::{self, BadRecord, Report, letters};

/// The number of titles in a [`Preview`].
const TITLES: usize = 5;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Its path, as in [`Source::path`](crate::question::Source::path).
    pub path: String,
    /// The name of its format; `None` if no reader knows it, or it could not be read to its end.
    pub format: Option<&'static str>,
    /// How the questions of a document are marked, and why; `None` for records.
    pub report: Option<Report>,
    /// The number of questions.
    pub questions: u64,
    /// The number of questions with an answer.
    pub answered: u64,
    /// The first titles, up to five.
    pub titles: Vec<String>,
    /// Records that cannot be read, and why the file cannot be read (on).
    pub problems: Vec<Problem>,
    /// The number of letters and digits in the titles and answers.
    letters: u64,
}

impl Preview {
    /// The share of the letters and digits of a document that are in a title or an answer, from 0 to 1. `None` for
    /// records, and for a document without text.
    pub fn share(&self) -> Option<f64> {
        let all = self.report.as_ref()?.letters;
        // An answer may repeat what stands once in the document, such as the label of a link.
        (all > 0).then(|| (self.letters as f64 / all as f64).min(1.0))
    }

    fn add(&mut self, question: &Question) {
        self.questions += 1;
        self.answered += u64::from(!question.answer.is_empty());
        self.letters += letters(&question.title) + letters(&question.answer);
        if self.titles.len() < TITLES {
            self.titles.push(question.title.clone());
        }
    }
}

impl Build<'_> {
    /// Reads all files of the paths, and calls `each` with what was found in each one. Writes nothing, but for
    /// temporary files. Returns the number of problems.
    ///
    /// # Errors
    /// A path does not exist, the existing index cannot be read, or `each` fails.
    pub fn preview(&self, mut each: impl FnMut(Preview) -> io::Result<()>) -> anyhow::Result<u64> {
        let base = base_of(self.dir)?;
        let roots = self.roots()?;
        let mut meta = match Index::open(self.dir) {
            Ok(index) => index.meta.clone(),
            Err(OpenError::Missing { .. }) => Meta::new(None),
            Err(error) => return Err(error.into()),
        };
        self.remember_reading(&roots, &base, &mut meta)?;
        let temporary = tempfile::tempdir()?;
        let items = self.items(&roots, &base, &meta, &[]);
        let mut problems = items.problems;
        for item in &items.list {
            for preview in self.preview_item(item, temporary.path()) {
                problems += preview.problems.len() as u64;
                each(preview)?;
            }
        }
        Ok(problems)
    }

    /// What an item holds; one preview per file of an archive.
    fn preview_item(&self, item: &Item, temporary: &Path) -> Vec<Preview> {
        if item.is_phrasings() {
            return vec![preview_phrasings(item)];
        }
        let (mut file, extension) = match open(item, temporary) {
            Ok(opened) => opened,
            Err(error) => return vec![failed(item, &error.to_string())],
        };
        match read::Compression::of(&mut file) {
            Ok(Some(read::Compression::SevenZip)) if matches!(item.place, Place::File) => {
                preview_archive(item, file, temporary)
            }
            Ok(Some(read::Compression::SevenZip)) => vec![failed(item, NO_FILE)],
            Ok(_) => vec![preview_file(item, file, extension)],
            Err(error) => vec![failed(item, &error.to_string())],
        }
    }
}

/// The content of an item and its extension.
fn open(item: &Item, temporary: &Path) -> io::Result<(File, String)> {
    let file = match &item.place {
        Place::File | Place::Member => File::open(&item.path)?,
        Place::Stdin => spool(io::stdin().lock(), temporary)?,
        #[cfg(feature = "remote")]
        Place::Page(reply) => {
            let reply = reply.lock().expect("no thread panicked").take();
            let reply =
                reply.map_or_else(|| read::web::Web::default().get(&item.name, None, temporary), Ok)?;
            return match reply {
                read::web::Reply::Page(page) => Ok((page.file, page.extension)),
                read::web::Reply::Unchanged => Err(io::Error::other("the server sent no page")),
            };
        }
    };
    Ok((file, read::inner_extension(&item.path)))
}

/// A file of phrasings has no questions, but records that may be bad.
fn preview_phrasings(item: &Item) -> Preview {
    let records = match read::phrasings(&item.path) {
        Ok(records) => records,
        Err(error) => return failed(item, &error.to_string()),
    };
    let problems =
        records.into_iter().filter_map(Result::err).map(|record| bad_record(item, record)).collect();
    let format = Some(super::PHRASINGS_FORMAT);
    Preview { path: item.name.clone(), format, problems, ..Preview::default() }
}

fn preview_archive(archive: &Item, file: File, temporary: &Path) -> Vec<Preview> {
    let mut previews = Vec::new();
    let extracted = read::extract(file, temporary, |name| archive.wants_member(name), &mut |name, file| {
        let member = archive.member(name);
        let extension = read::inner_extension(&member.path);
        previews.push(preview_file(&member, file, extension));
        ControlFlow::Continue(())
    });
    if let Err(error) = extracted {
        previews.push(failed(archive, &error.to_string()));
    } else if previews.is_empty() && archive.named {
        previews.push(failed(archive, NO_MEMBERS));
    }
    previews
}

fn preview_file(item: &Item, file: File, extension: String) -> Preview {
    let mut preview = Preview { path: item.name.clone(), ..Preview::default() };
    let mut problems = Vec::new();
    let mut emit = |record: Result<Question, BadRecord>| {
        match record {
            Ok(question) => preview.add(&question),
            Err(record) => problems.push(bad_record(item, record)),
        }
        ControlFlow::Continue(())
    };
    let read = item.read(file, extension, &mut emit);
    match read {
        Ok(read::Outcome::Read { format, report }) => {
            let is_document = report.as_ref().is_some_and(|report| report.letters > 0);
            if item.named && preview.questions == 0 && problems.is_empty() {
                problems.push(no_questions(&item.path, format, is_document));
            }
            (preview.format, preview.report) = (Some(format), report);
        }
        Ok(read::Outcome::NotQuestions) => {}
        Err(error) => problems.push(whole(item, error.to_string())),
    }
    Preview { problems, ..preview }
}

/// What is wrong with a record of a file.
fn bad_record(item: &Item, BadRecord { line, reason }: BadRecord) -> Problem {
    Problem { line: Some(line), ..whole(item, reason) }
}

/// Why a file was skipped.
fn whole(item: &Item, reason: String) -> Problem {
    Problem { path: item.path.clone(), line: None, reason, hint: None }
}

fn failed(item: &Item, reason: &str) -> Preview {
    let problem = whole(item, reason.to_owned());
    Preview { path: item.name.clone(), problems: vec![problem], ..Preview::default() }
}
