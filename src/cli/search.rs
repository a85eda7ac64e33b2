//! `rqsearch PHRASE…`

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::Value;

#[cfg(feature = "interactive")]
use super::interactive;
use super::model::{IndexModel, ModelArgs};
use super::{IndexLocation, Outcome, layout, say};
use crate::embed::{self, Builtin, Embedder as _, ModelSpec, Prepare, Reranker};
use crate::index::Index;
use crate::render::{json, terminal};
use crate::search::{
    DEFAULT_BUDGET, DEFAULT_CANDIDATES, FITTED, Mode, Query, Reranking, Results, search, search_and_rerank,
};
use crate::worker_threads;

/// How many phrases of a batch are answered before their answers are written.
const BATCH: usize = 64;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to look for: plain language or code; "quoted words" must stand as they are, -word must
    /// not stand at all (put such a phrase in single quotes)
    #[arg(value_name = "PHRASE")]
    phrase: Vec<String>,
    /// Search while typing, on the whole terminal; this also happens where there is no phrase. Enter
    /// prints the question (into a pipe: its id)
    #[cfg(feature = "interactive")]
    #[arg(short, long, conflicts_with_all = ["batch", "explain"])]
    interactive: bool,
    /// How many hits at most [default: 10; while typing: 50]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Which legs rank
    #[arg(long, value_enum, default_value_t = ModeArg::Hybrid)]
    mode: ModeArg,
    /// Only questions from files whose path contains this (repeat for any of several)
    #[arg(long, value_name = "TEXT")]
    source: Vec<String>,
    /// Only questions in sections that contain this
    #[arg(long, value_name = "TEXT")]
    section: Vec<String>,
    /// Only questions of this level
    #[arg(long, value_name = "LEVEL")]
    level: Vec<String>,
    /// Only questions with this tag
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// The share of meaning against words, 0 to 1, instead of the one tuned on the corpus
    #[arg(long, value_name = "WEIGHT", value_parser = weight)]
    semantic_weight: Option<f32>,
    /// Where we are less sure of the best hit than this (0 to 1), say that nothing answers: the hits
    /// follow as the nearest misses, and the exit status is 1
    #[arg(long, value_name = "P", value_parser = weight, default_value_t = FITTED.threshold)]
    min_confidence: f32,
    /// Show every hit, those that ask the same as a better one as well
    #[arg(long)]
    all: bool,
    /// Say why each hit stands where it does
    #[arg(long)]
    explain: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    /// Answer every line of a file (- for stdin): a phrase, or {"_id", "text"}; JSON Lines out
    #[arg(long, value_name = "FILE", conflicts_with = "phrase")]
    batch: Option<PathBuf>,
    /// Look at the best hits again with a cross-encoder: a name (see `rqsearch models`), or a folder with an
    /// ONNX model
    #[arg(long, value_name = "MODEL")]
    rerank: Option<ModelSpec>,
    /// For how long at most; hits that are not reached keep their places
    #[arg(long, value_name = "MS", requires = "rerank", default_value_t = DEFAULT_BUDGET.as_millis() as u64)]
    rerank_ms: u64,
    /// How many of the best hits are looked at again
    #[arg(long, value_name = "N", requires = "rerank", default_value_t = DEFAULT_CANDIDATES)]
    rerank_top: usize,
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArg {
    /// Both, fused
    Hybrid,
    /// Words only
    Keyword,
    /// Meaning only
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

/// A number from 0 to 1.
pub(super) fn weight(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => Ok(weight),
        _ => Err("a number from 0 to 1".into()),
    }
}

pub fn run(args: &Args, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    if let Some(batch) = &args.batch {
        return run_batch(args, batch, location);
    }
    #[cfg(feature = "interactive")]
    if args.interactive || (args.phrase.is_empty() && !args.explain && interactive::is_possible()) {
        let request = args.request(&args.phrase.join(" "));
        return interactive::run(request, args.limit, args.json, &args.model, location);
    }
    if args.phrase.is_empty() {
        bail!("what should be looked for?\n  hint: rqsearch \"how do lifetimes work\", or rqsearch --help");
    }
    let query = args.query(&args.phrase.join(" "))?;
    // The model loads while the index opens: the built-in one, which nearly every index has.
    let (index, builtin) = thread::scope(|scope| {
        let builtin =
            scope.spawn(|| (query.mode != Mode::Keyword).then(|| Builtin::load(Prepare::Once)).transpose());
        (location.open(), builtin.join().expect("loading does not panic"))
    });
    let (index, builtin) = (index?, builtin?);
    let model = match (&index.meta().model, builtin) {
        (Some(model), Some(builtin)) if model.is_same(builtin.model()) => {
            IndexModel::new(Some(Box::new(builtin)))
        }
        _ => args.model.open(&index, query.mode, Prepare::Once)?,
    };
    let reranker = args.reranker(Prepare::Once)?;
    let results = args.search(&index, &model, reranker.as_deref(), &query)?;
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    if args.json {
        let reply = json::SearchReply::new(&results, args.min_confidence);
        serde_json::to_writer(&mut out, &reply).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        if !results.is_answered(args.min_confidence) && !results.hits.is_empty() {
            say("rqsearch: nothing here answers this; the nearest misses:\n");
        }
        terminal::write_results(&mut BufWriter::new(&mut out), &results, layout())?;
        say_what_is_missing(&results);
    }
    out.flush()?;
    Ok(args.outcome(&results))
}

fn say_what_is_missing(results: &Results) {
    if results.hits.is_empty() {
        say("rqsearch: nothing found");
    } else if io::stderr().is_terminal() && !results.missing.is_empty() {
        say(&format!("\nno question has: {}", results.missing.join(", ")));
    }
}

impl Args {
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
        results.notice = model.notice();
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
            limit: self.limit.unwrap_or(Query::DEFAULT_LIMIT),
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

/// A line of a batch.
#[derive(Deserialize)]
pub struct Line {
    /// Whatever the line calls itself: it is echoed as it is.
    #[serde(rename = "_id")]
    pub id: Option<Value>,
    pub text: String,
}

impl Line {
    pub fn parse(line: &str) -> anyhow::Result<Self> {
        if line.trim_start().starts_with('{') && line.contains("\"text\"") {
            return serde_json::from_str(line).context("not a JSON object with \"text\"");
        }
        Ok(Self { id: None, text: line.to_owned() })
    }
}

fn run_batch(args: &Args, batch: &Path, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let input: Box<dyn BufRead> = if batch == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(batch).with_context(|| format!("could not open {}", batch.display()))?;
        Box::new(BufReader::new(file))
    };
    let index = location.open()?;
    let model = args.model.open(&index, args.mode.into(), Prepare::Many)?;
    let reranker = args.reranker(Prepare::Many)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut outcome = Outcome::Nothing;
    let mut lines = input.lines();
    loop {
        let batch: Vec<String> =
            lines.by_ref().take(BATCH).collect::<io::Result<_>>().context("could not read the batch")?;
        if batch.is_empty() {
            return Ok(outcome);
        }
        let lines: Vec<&String> = batch.iter().filter(|line| !line.trim().is_empty()).collect();
        for answer in
            worker_threads::map(&lines, |line| answer(args, &index, &model, reranker.as_deref(), line))
        {
            let (answer, how) = answer?;
            writeln!(out, "{answer}")?;
            outcome = match (outcome, how) {
                (Outcome::Partial, _) | (_, Outcome::Partial) => Outcome::Partial,
                (Outcome::Success, _) | (_, Outcome::Success) => Outcome::Success,
                _ => Outcome::Nothing,
            };
        }
        out.flush()?;
    }
}

/// The answer to one line of a batch: a line that cannot be answered says why, and the rest goes on.
fn answer(
    args: &Args,
    index: &Index,
    model: &IndexModel,
    reranker: Option<&dyn Reranker>,
    line: &str,
) -> anyhow::Result<(String, Outcome)> {
    let line = match Line::parse(line) {
        Ok(line) => line,
        Err(error) => return refusal(None, &error),
    };
    let id = line.id.as_ref();
    match args.query(line.text.trim()) {
        Ok(query) => {
            let results = args.search(index, model, reranker, &query)?;
            let found = args.outcome(&results);
            let reply = json::BatchReply { id, reply: json::SearchReply::new(&results, args.min_confidence) };
            Ok((serde_json::to_string(&reply)?, found))
        }
        Err(error) => refusal(id, &error),
    }
}

fn refusal(id: Option<&Value>, error: &anyhow::Error) -> anyhow::Result<(String, Outcome)> {
    let error = json::BatchError { id, error: format!("{error:#}") };
    Ok((serde_json::to_string(&error)?, Outcome::Partial))
}
