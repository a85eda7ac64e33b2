//! `rqsearch PHRASE…`

use std::io::{self, BufWriter, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::bail;
use clap::ValueEnum;

use super::batch::{self, Line};
use super::curation::{CurationArgs, report_unknown};
#[cfg(feature = "interactive")]
use super::interactive;
use super::locate_index::{IndexLocation, IndexesArgs};
use super::model::{IndexModel, ModelArgs};
use super::option_values::{at_least_one, parsed, weight};
use super::outcome::Outcome;
use super::streams::{say, stdout, write_json};
use super::text::layout;
use crate::embed::{self, Builtin, Embedder as _, ModelSpec, Prepare, Reranker};
use crate::hint::hinted;
use crate::index::Index;
use crate::render::{json, terminal};
use crate::search::{
    DEFAULT_BUDGET, DEFAULT_CANDIDATES, FITTED, Facet, Facets, Filters, Mode, Query, Reranking, Results,
    Sort, search, search_and_rerank, suggested_filters,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The phrase to search for, in plain language or code. "Quoted words" raise questions that contain
    /// them in this order. Put a phrase with quotes or dashes in single quotes
    #[arg(value_name = "PHRASE")]
    phrase: Vec<String>,
    /// Search while you type, full-screen. Enter prints the selected question (into a pipe: its id)
    #[cfg(feature = "interactive")]
    #[arg(short, long, conflicts_with_all = ["batch", "explain", "rerank"])]
    interactive: bool,
    /// Show N hits, also weak ones [default: at most 10, without weak ones at the end; with --interactive 50]
    #[arg(short = 'n', long, value_name = "N", value_parser = at_least_one)]
    limit: Option<NonZeroUsize>,
    /// Skip the first N hits
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    offset: usize,
    /// The order of the hits. `newest` and `score` order the relevant questions by date and by the rating
    /// in their source
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = SortArg::Relevance)]
    sort: SortArg,
    /// Only questions that contain these words, in this order and in this form (repeat for several)
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    exact: Vec<String>,
    /// Only questions that do not contain this word, in this form (repeat for several)
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    without: Vec<String>,
    /// Only questions of this date or later: 2024, 2024-03, 2024-03-01 or a time
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Only questions of this date or earlier
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
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
    /// Only questions in this language, by its code, such as de
    #[arg(long, value_name = "CODE")]
    language: Vec<String>,
    /// Also count all matching questions by these properties: section, tag, level, language, source or year. Without a
    /// phrase, count all questions
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    facets: Vec<Facet>,
    /// Show at most N values of each facet
    #[arg(long, value_name = "N", requires = "facets", default_value_t = Query::DEFAULT_FACET_VALUES)]
    facet_values: usize,
    /// Weight of semantic against keyword search, 0 to 1 [default: tuned for the index]
    #[arg(long, value_name = "WEIGHT", value_parser = weight)]
    semantic_weight: Option<f32>,
    /// Minimum confidence, 0 to 1, in the best hit. Below it, the closest questions are shown as such and the
    /// exit status is 1
    #[arg(long, value_name = "C", value_parser = weight, default_value_t = FITTED.threshold)]
    min_confidence: f32,
    /// Show every hit, also weak ones and those that ask the same as a better one
    #[arg(long)]
    all: bool,
    /// Compare the phrase with every vector, and not only with those whose estimated cosines are highest. An index of
    /// fewer than 16,384 chunks is always compared so
    #[arg(long)]
    exact_vectors: bool,
    /// Explain why each hit is ranked where it is
    #[arg(long)]
    explain: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    /// Search for every line of FILE (- for stdin): a phrase, or {"_id": …, "text": …}, which may have
    /// "exact" and "without" as lists. Writes JSON Lines
    #[arg(long, value_name = "FILE", conflicts_with = "phrase")]
    batch: Option<PathBuf>,
    /// Rerank the best hits with a cross-encoder: a name (see `rqsearch models`) or the path of a directory
    /// with an ONNX model
    #[arg(long, value_name = "MODEL", value_parser = parsed::<ModelSpec>)]
    rerank: Option<ModelSpec>,
    /// Rerank for at most MS milliseconds; the remaining hits keep their order
    #[arg(long, value_name = "MS", requires = "rerank", default_value_t = DEFAULT_BUDGET.as_millis() as u64)]
    rerank_ms: u64,
    /// Rerank the best N hits
    #[arg(long, value_name = "N", requires = "rerank", default_value_t = DEFAULT_CANDIDATES)]
    rerank_top: usize,
    /// Do not use synonyms
    #[arg(long)]
    no_synonyms: bool,
    /// Do not use pins
    #[arg(long)]
    no_pins: bool,
    #[command(flatten)]
    curation: CurationArgs,
    #[command(flatten)]
    pub index: IndexesArgs,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SortArg {
    /// The most relevant first
    Relevance,
    /// The latest date first
    Newest,
    /// The highest rating first
    Score,
}

impl From<SortArg> for Sort {
    fn from(sort: SortArg) -> Self {
        match sort {
            SortArg::Relevance => Self::Relevance,
            SortArg::Newest => Self::Newest,
            SortArg::Score => Self::Score,
        }
    }
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

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    if args.rerank.is_some() && args.sort != SortArg::Relevance {
        bail!(hinted("--rerank orders hits by relevance", "leave out --rerank or --sort"));
    }
    if let Some(batch) = &args.batch {
        return run_batch(args, batch, location);
    }
    #[cfg(feature = "interactive")]
    if args.interactive {
        let request = args.request(&args.phrase.join(" "));
        let opened = interactive::Opened { model: &args.model, files: args.curation.files(), location };
        return interactive::run(request, args.limit, args.json, opened);
    }
    if args.phrase.is_empty() && args.exact.is_empty() && args.facets.is_empty() {
        bail!(hinted("no phrase to search for", "rqsearch \"how do lifetimes work\", or rqsearch --help"));
    }
    let query = args.query(&args.phrase.join(" "))?;
    let (index, model) = args.open(location, query.mode)?;
    let reranker = args.reranker(Prepare::Once)?;
    let mut results = args.search(&index, &model, reranker.as_deref(), &query)?;
    // The other reason for a notice was given when the model was opened.
    if let Some(notice) = results.notice.as_ref().filter(|_| model.notice().is_none()) {
        say(&format!("rqsearch: {notice}"));
    }
    report_unknown(&results);
    let mut out = BufWriter::new(stdout());
    if args.json {
        let reply = json::SearchReply::new(&results, args.min_confidence);
        write_json(&mut out, &reply)?;
    } else if let Some(facets) = results.facets.as_ref().filter(|_| query.phrase.is_empty()) {
        terminal::write_facets(&mut out, facets, layout())?;
    } else {
        let is_answered = results.is_answered(args.min_confidence);
        if !is_answered && !results.hits.is_empty() {
            say("Nothing answers this. Closest questions:\n");
        }
        let listed = match args.limit.is_some() || args.all {
            true if is_answered => results.hits.len(),
            _ => results.listed(args.min_confidence),
        };
        let weak = results.hits.split_off(listed).len();
        terminal::write_results(&mut out, &results, layout())?;
        if let Some(facets) = &results.facets {
            writeln!(out)?;
            terminal::write_facets(&mut out, facets, layout())?;
        }
        out.flush()?;
        report_missing(&results, args.offset, index.question_count()?);
        if is_answered {
            report_weak(weak);
        }
    }
    out.flush()?;
    suggest_options(&results);
    let outcome = args.outcome(&results);
    if outcome == Outcome::Nothing {
        suggest_command(&args.phrase);
    }
    Ok(outcome)
}

/// Names the command for a phrase that was probably meant as one: `help`, or a path.
fn suggest_command(phrase: &[String]) {
    // `/` and `..` are more likely to be text.
    let is_path = |word: &&String| word.contains(char::is_alphanumeric) && Path::new(word).exists();
    if phrase.first().is_some_and(|word| matches!(word.as_str(), "help" | "version")) {
        say("hint: `rqsearch --help` lists the commands and options");
    } else if let Some(path) = phrase.iter().find(is_path) {
        say(&format!("hint: {path} is a path; `rqsearch index {path}` indexes it"));
    }
}

/// Names the options for a phrase that is written as for search engines with operators.
fn suggest_options(results: &Results) {
    let Filters { exact, without, .. } = suggested_filters(results);
    match (exact.as_slice(), without.as_slice()) {
        ([], []) => {}
        ([words], []) => say(&format!(
            "hint: \"{words}\" raises questions with these words; use --exact \"{words}\" to require them"
        )),
        ([], [word]) => {
            say(&format!(
                "hint: -{word} is searched for like any other word; use --without {word} to exclude it"
            ));
        }
        _ => {
            let exact = exact.iter().map(|words| format!("--exact \"{words}\""));
            let options: Vec<String> =
                exact.chain(without.iter().map(|word| format!("--without {word}"))).collect();
            say(&format!(
                "hint: quoted words and words with a dash are text; to require or exclude them, use {}",
                options.join(" ")
            ));
        }
    }
}

fn report_missing(results: &Results, offset: usize, questions: u64) {
    if results.hits.is_empty() && offset > 0 && results.total > 0 {
        say(&format!("rqsearch: there are no more hits after the first {offset}"));
    } else if questions == 0 {
        say("rqsearch: the index has no questions\n  hint: `rqsearch index PATH` adds those of a file");
    } else if results.hits.is_empty() {
        say("rqsearch: no question matches");
    } else if io::stderr().is_terminal() && !results.missing.is_empty() {
        say(&format!("\nno question contains: {}", results.missing.join(", ")));
    }
}

/// Reports how many weak hits are not listed.
fn report_weak(weak: usize) {
    if weak > 0 && io::stderr().is_terminal() {
        let hits = if weak == 1 { "1 weak hit is".to_owned() } else { format!("{weak} weak hits are") };
        say(&format!("\n{hits} not shown (--all shows every hit)"));
    }
}

impl Args {
    /// Opens the index and, at the same time, loads the built-in model, which nearly every index has.
    fn open(&self, location: IndexLocation<'_>, mode: Mode) -> anyhow::Result<(Index, IndexModel)> {
        if mode == Mode::Keyword || self.model.is_named() {
            let index = self.curation.open(location)?;
            let model = self.model.open(&index, mode, Prepare::Once)?;
            return Ok((index, model));
        }
        let (index, builtin) = thread::scope(|scope| {
            let builtin = scope.spawn(|| Builtin::load(Prepare::Once));
            (self.curation.open(location), builtin.join().expect("loading does not panic"))
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
        let is_counted = |facets: &Facets| results.phrase.is_empty() && facets.matching > 0;
        let found =
            results.is_answered(self.min_confidence) || results.facets.as_ref().is_some_and(is_counted);
        if found { Outcome::Success } else { Outcome::Nothing }
    }

    fn query(&self, phrase: &str) -> anyhow::Result<Query> {
        self.request(phrase).query()
    }

    fn request(&self, phrase: &str) -> json::SearchRequest {
        json::SearchRequest {
            q: phrase.to_owned(),
            limit: self.limit.map_or(Query::DEFAULT_LIMIT, NonZeroUsize::get),
            offset: self.offset,
            sort: self.sort.into(),
            exact: self.exact.clone(),
            without: self.without.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            mode: self.mode.into(),
            source: self.source.clone(),
            section: self.section.clone(),
            level: self.level.clone(),
            tag: self.tag.clone(),
            semantic_weight: self.semantic_weight,
            min_confidence: self.min_confidence,
            all: self.all,
            language: self.language.clone(),
            exact_vectors: self.exact_vectors,
            explain: self.explain,
            synonyms: !self.no_synonyms,
            pins: !self.no_pins,
            facets: self.facets.clone(),
            facet_values: self.facet_values,
        }
    }
}

fn run_batch(args: &Args, batch: &Path, location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let index = args.curation.open(location)?;
    let model = args.model.open(&index, args.mode.into(), Prepare::Many)?;
    let reranker = args.reranker(Prepare::Many)?;
    let done = batch::run(batch, |Line { id, text, exact, without }| {
        let mut request = args.request(text);
        request.exact.extend_from_slice(exact);
        request.without.extend_from_slice(without);
        let results = args.search(&index, &model, reranker.as_deref(), &request.query()?)?;
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
