//! `rqsearch PHRASE…`

use std::io::{self, BufWriter, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::bail;
use clap::ValueEnum;

use super::batch::{self, Line};
#[cfg(feature = "interactive")]
use super::interactive;
use super::locate_index::IndexArgs;
use super::model::{IndexModel, ModelArgs};
use super::streams::{say, stdout};
use super::{IndexLocation, Outcome, layout};
use crate::embed::{self, Builtin, Embedder as _, ModelSpec, Prepare, Reranker};
use crate::index::Index;
use crate::render::{json, terminal};
use crate::search::{
    DEFAULT_BUDGET, DEFAULT_CANDIDATES, FITTED, Mode, Query, Reranking, Results, search, search_and_rerank,
};

/// How many hits are shown at most where none of them is likely to answer the phrase.
const CLOSEST: usize = 3;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The phrase to search for, in plain language or code. "quoted words" must be in a question,
    /// -word must not (put such a phrase in single quotes)
    #[arg(value_name = "PHRASE")]
    phrase: Vec<String>,
    /// Search while you type, full-screen. Enter prints the selected question (into a pipe: its id)
    #[cfg(feature = "interactive")]
    #[arg(short, long, conflicts_with_all = ["batch", "explain", "rerank"])]
    interactive: bool,
    /// Show at most N hits [default: 10, with --interactive 50]
    #[arg(short = 'n', long, value_name = "N", value_parser = at_least_one)]
    limit: Option<NonZeroUsize>,
    /// Rank by keywords, by meaning, or by both
    #[arg(long, value_enum, default_value_t = ModeArg::Hybrid)]
    mode: ModeArg,
    /// Only questions from files whose path contains TEXT (repeat for several)
    #[arg(long, value_name = "TEXT")]
    source: Vec<String>,
    /// Only questions in sections whose name contains TEXT
    #[arg(long, value_name = "TEXT")]
    section: Vec<String>,
    /// Only questions of this level
    #[arg(long, value_name = "LEVEL")]
    level: Vec<String>,
    /// Only questions with this tag
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Weight of semantic against keyword search, 0 to 1 [default: tuned for the index]
    #[arg(long, value_name = "WEIGHT", value_parser = weight)]
    semantic_weight: Option<f32>,
    /// Minimum probability, 0 to 1, that the best hit answers the phrase. Below it, the closest questions
    /// are shown as such and the exit status is 1
    #[arg(long, value_name = "P", value_parser = weight, default_value_t = FITTED.threshold)]
    min_confidence: f32,
    /// Show every hit, also those that ask the same as a better one
    #[arg(long)]
    all: bool,
    /// Explain why each hit is ranked where it is
    #[arg(long)]
    explain: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    /// Search for every line of FILE (- for stdin): a phrase, or {"_id": …, "text": …}. Writes JSON Lines
    #[arg(long, value_name = "FILE", conflicts_with = "phrase")]
    batch: Option<PathBuf>,
    /// Rerank the best hits with a cross-encoder: a name (see `rqsearch models`) or the path of a directory
    /// with an ONNX model
    #[arg(long, value_name = "MODEL")]
    rerank: Option<ModelSpec>,
    /// Rerank for at most MS milliseconds; the remaining hits keep their order
    #[arg(long, value_name = "MS", requires = "rerank", default_value_t = DEFAULT_BUDGET.as_millis() as u64)]
    rerank_ms: u64,
    /// Rerank the best N hits
    #[arg(long, value_name = "N", requires = "rerank", default_value_t = DEFAULT_CANDIDATES)]
    rerank_top: usize,
    #[command(flatten)]
    pub index: IndexArgs,
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArg {
    /// Both
    Hybrid,
    /// Keyword search only
    Keyword,
    /// Semantic search only
    Semantic,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Hybrid => Self::Hybrid,
            ModeArg::Keyword => Self::Keyword,
            ModeArg::Semantic => Self::Semantic,
        }
    }
}

/// Parses a number from 0 to 1.
pub(super) fn weight(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => Ok(weight),
        _ => Err("must be a number from 0 to 1".into()),
    }
}

/// Parses a count.
pub(super) fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "must be a whole number, 1 or more".into())
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    if let Some(batch) = &args.batch {
        return run_batch(args, batch, location);
    }
    #[cfg(feature = "interactive")]
    if args.interactive {
        let request = args.request(&args.phrase.join(" "));
        return interactive::run(request, args.limit, args.json, &args.model, location);
    }
    if args.phrase.is_empty() {
        bail!("no phrase to search for\n  hint: rqsearch \"how do lifetimes work\", or rqsearch --help");
    }
    let query = args.query(&args.phrase.join(" "))?;
    let (index, model) = args.open(location, query.mode)?;
    let reranker = args.reranker(Prepare::Once)?;
    let mut results = args.search(&index, &model, reranker.as_deref(), &query)?;
    // The other reason for a notice was given when the model was opened.
    if let Some(notice) = results.notice.as_ref().filter(|_| model.notice().is_none()) {
        say(&format!("rqsearch: {notice}"));
    }
    let mut out = BufWriter::new(stdout());
    if args.json {
        let reply = json::SearchReply::new(&results, args.min_confidence);
        serde_json::to_writer(&mut out, &reply).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        if !results.is_answered(args.min_confidence) && !results.hits.is_empty() {
            say("rqsearch: no question matches this phrase well enough; closest questions:\n");
            results.hits.truncate(CLOSEST);
        }
        terminal::write_results(&mut out, &results, layout())?;
        out.flush()?;
        report_missing(&results);
    }
    out.flush()?;
    Ok(args.outcome(&results))
}

fn report_missing(results: &Results) {
    if results.hits.is_empty() {
        say("rqsearch: no question matches");
    } else if io::stderr().is_terminal() && !results.missing.is_empty() {
        say(&format!("\nno question contains: {}", results.missing.join(", ")));
    }
}

impl Args {
    /// Opens the index and, at the same time, loads the built-in model, which nearly every index has.
    fn open(&self, location: IndexLocation<'_>, mode: Mode) -> anyhow::Result<(Index, IndexModel)> {
        if mode == Mode::Keyword || self.model.is_named() {
            let index = location.open()?;
            let model = self.model.open(&index, mode, Prepare::Once)?;
            return Ok((index, model));
        }
        let (index, builtin) = thread::scope(|scope| {
            let builtin = scope.spawn(|| Builtin::load(Prepare::Once));
            (location.open(), builtin.join().expect("loading does not panic"))
        });
        let (index, builtin) = (index?, builtin?);
        let model = match &index.meta().model {
            Some(model) if model.is_same(builtin.model()) => IndexModel::new(Some(Box::new(builtin))),
            _ => self.model.open(&index, mode, Prepare::Once)?,
        };
        Ok((index, model))
    }

    fn reranker(&self, prepare: Prepare) -> anyhow::Result<Option<Box<dyn Reranker>>> {
        let load = |spec| embed::load_reranker(spec, self.model.network.loading(prepare));
        self.rerank.as_ref().map(load).transpose()
    }

    fn search(
        &self,
        index: &Index,
        model: &IndexModel,
        reranker: Option<&dyn Reranker>,
        query: &Query,
    ) -> anyhow::Result<Results> {
        let query = model.possible(query)?;
        let mut results = match reranker {
            None => search(index, model.embedder(), &query)?,
            Some(reranker) => {
                let budget = Duration::from_millis(self.rerank_ms);
                let reranking = Reranking { reranker, candidates: self.rerank_top, budget };
                search_and_rerank(index, model.embedder(), &query, reranking)?
            }
        };
        results.notice = model.notice().or(results.notice);
        Ok(results)
    }

    fn outcome(&self, results: &Results) -> Outcome {
        if results.is_answered(self.min_confidence) { Outcome::Success } else { Outcome::Nothing }
    }

    fn query(&self, phrase: &str) -> anyhow::Result<Query> {
        self.request(phrase).query()
    }

    fn request(&self, phrase: &str) -> json::SearchRequest {
        json::SearchRequest {
            q: phrase.to_owned(),
            limit: self.limit.map_or(Query::DEFAULT_LIMIT, NonZeroUsize::get),
            mode: self.mode.into(),
            source: self.source.clone(),
            section: self.section.clone(),
            level: self.level.clone(),
            tag: self.tag.clone(),
            semantic_weight: self.semantic_weight,
            min_confidence: self.min_confidence,
            all: self.all,
            explain: self.explain,
        }
    }
}

fn run_batch(args: &Args, batch: &Path, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let index = location.open()?;
    let model = args.model.open(&index, args.mode.into(), Prepare::Many)?;
    let reranker = args.reranker(Prepare::Many)?;
    let done = batch::run(batch, |Line { id, text }| {
        let results = args.search(&index, &model, reranker.as_deref(), &args.query(text)?)?;
        let reply = json::SearchReply::new(&results, args.min_confidence);
        let reply = json::BatchReply { id: id.as_ref(), reply };
        Ok((serde_json::to_string(&reply)?, results.is_answered(args.min_confidence)))
    })?;
    Ok(match done {
        _ if done.refused => Outcome::Partial,
        _ if done.any => Outcome::Success,
        _ => Outcome::Nothing,
    })
}
