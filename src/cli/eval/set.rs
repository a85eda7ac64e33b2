//! The judged queries of `rqsearch eval`, and the index that they are searched in.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

use crate::cli::hints::report_problem;
use crate::cli::locate_index::IndexLocation;
use crate::cli::streams::say;
use crate::cli::text::plural;
use crate::embed::Embedder;
use crate::evaluate::{Judged, from_feedback};
use crate::feedback;
use crate::hint::hinted;
use crate::index::{Build, Index, Problem};
use crate::search::{spread, tune};

/// Where judged queries come from.
pub enum Set<'a> {
    Judged(&'a Path),
    Feedback(&'a Path),
}

/// Judged queries with the index to search.
pub struct Opened {
    pub judged: Judged,
    pub index: Index,
    /// Whether all lines of a file of feedback are valid.
    pub is_complete: bool,
    /// The directory of an index of the set's own corpus. It is deleted with this value.
    _temporary: Option<TempDir>,
}

impl Set<'_> {
    /// Reads the judged queries and opens the index: of the set's own corpus, or an existing one. What is left out is
    /// reported on stderr. If the index is to be calibrated, this fails before a corpus is indexed.
    pub fn open(
        &self,
        location: IndexLocation<'_>,
        embedder: &dyn Embedder,
        calibrates: bool,
    ) -> anyhow::Result<Opened> {
        let (judged, index, is_complete, temporary) = match self {
            Set::Judged(path) => {
                let judged = Judged::read(path)?;
                let corpus = judged.corpus.as_ref().filter(|_| matches!(location, IndexLocation::Nearest));
                if calibrates {
                    ensure_has_enough_phrases(&judged)?;
                    ensure_is_without_corpus(&judged.name, corpus.is_some())?;
                }
                let (index, temporary) = match corpus {
                    Some(corpus) => index_corpus(corpus, embedder).map(|(index, dir)| (index, Some(dir)))?,
                    None => (location.open()?, None),
                };
                (judged, index, true, temporary)
            }
            Set::Feedback(path) => {
                let index = location.open()?;
                let (judged, is_complete) = read_feedback(path, &index)?;
                if calibrates {
                    ensure_has_enough_phrases(&judged)?;
                }
                (judged, index, is_complete, None)
            }
        };
        if calibrates {
            ensure_can_store_calibration(&index)?;
        }
        Ok(Opened { judged, index, is_complete, _temporary: temporary })
    }
}

/// Indexes a corpus in a temporary directory, which is deleted with the second value.
fn index_corpus(corpus: &PathBuf, embedder: &dyn Embedder) -> anyhow::Result<(Index, TempDir)> {
    let temporary = tempfile::tempdir().context("could not create a temporary directory")?;
    let dir = temporary.path().join("index");
    let build = Build {
        embedder: Some(embedder),
        problems: &|problem: &Problem| report_problem(problem),
        ..Build::new(&dir, std::slice::from_ref(corpus))
    };
    build.run()?;
    let mut index = Index::open(&dir)?;
    let (weight, spread) = (tune(&index, embedder)?, spread(&index, embedder)?);
    index.set_tuning(weight, spread);
    Ok((index, temporary))
}

/// Reads judged queries from a file of feedback, and reports on stderr what is left out. The second value is
/// `false` if lines are not valid.
fn read_feedback(path: &Path, index: &Index) -> anyhow::Result<(Judged, bool)> {
    let (feedback, invalid) = feedback::read(path)?;
    for line in &invalid {
        say(&format!("rqsearch: {}:{}: {}", path.display(), line.number, line.reason));
    }
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let found = from_feedback(&name, &feedback, &index.questions()?);
    let report = |left_out: usize, noun: &str, why: &str| {
        if left_out > 0 {
            let noun = plural(left_out as u64, noun);
            say(&format!("rqsearch: {}: {left_out} {noun} left out, because {why}", path.display()));
        }
    };
    report(found.unknown, "judgement", "the index has neither the id nor the title");
    report(found.without_useful, "phrase", "no judged hit is useful");
    if found.judged.queries.is_empty() {
        bail!(hinted(
            format!("{} contains no phrase with a useful hit of this index", path.display()),
            "name the index of the server with --index"
        ));
    }
    Ok((found.judged, invalid.is_empty()))
}

/// The fewest phrases that an index is calibrated on.
const MIN_CALIBRATION: usize = 50;

fn ensure_has_enough_phrases(judged: &Judged) -> anyhow::Result<()> {
    let phrases = judged.queries.len() + judged.out_of_scope.len();
    ensure!(
        phrases >= MIN_CALIBRATION,
        "--calibrate needs at least {MIN_CALIBRATION} judged phrases, and {} has {phrases}",
        judged.name
    );
    Ok(())
}

/// The index of a set's own corpus is temporary.
fn ensure_is_without_corpus(name: &str, has_corpus: bool) -> anyhow::Result<()> {
    ensure!(
        !has_corpus,
        hinted(format!("{name} has a corpus of its own"), "name the index to calibrate with --index")
    );
    Ok(())
}

fn ensure_can_store_calibration(index: &Index) -> anyhow::Result<()> {
    ensure!(
        index.dir().is_dir(),
        hinted("the built-in index cannot be changed", "name the index to calibrate with --index")
    );
    ensure!(
        index.meta().model.is_some(),
        hinted(
            "the index has keywords only, so its hits have no confidence",
            "`rqsearch index --model builtin` adds embeddings"
        )
    );
    Ok(())
}
