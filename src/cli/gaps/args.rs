//! The options of `rqsearch gaps`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::acceptance::{Acceptance, acceptance};
use crate::cli::curation::CurationArgs;
use crate::cli::locate_index::IndexesArgs;
use crate::cli::model::ModelArgs;
use crate::cli::option_values::{at_least_one, weight};
use crate::gaps::{self, Options, Report};
use crate::search::FITTED;

/// How many groups are listed on a terminal.
const LISTED: usize = 20;

/// How many phrases of a group are listed on a terminal.
const EXAMPLES: usize = 4;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 everything is answered, 1 gaps or unasked questions found, 2 error, or a line was skipped."
)]
pub struct Args {
    /// What people asked: text with a phrase per line, JSON Lines, CSV, TSV, or a query log of `rqsearch serve`
    /// (- for stdin)
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The column or key that holds the phrase, or the number of a column [default: q, query, phrase, text, question or
    /// another usual name]
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// List the questions that nobody asked instead: those that are the first hit of no answered phrase
    #[arg(long, conflicts_with_all = ["similarity", "min_size", "examples", "html"])]
    pub unasked: bool,
    /// Add the phrases of this group to a file of phrasings, as other ways to ask the question that is suggested, or the
    /// question that is named. Then `rqsearch index` makes searches find the question by them. Can be repeated
    #[arg(
        long,
        value_name = "GROUP[=QUESTION]",
        value_parser = acceptance,
        conflicts_with_all = ["unasked", "limit", "json", "csv", "html"]
    )]
    pub accept: Vec<Acceptance>,
    /// With --accept, the file to add to. Its name is phrasings.jsonl or ends with .phrasings.jsonl [default:
    /// phrasings.jsonl beside the first file of the index]
    #[arg(long, value_name = "FILE", requires = "accept")]
    pub phrasings: Option<PathBuf>,
    /// Minimum confidence, 0 to 1, of an answer
    #[arg(long, value_name = "C", value_parser = weight, default_value_t = FITTED.threshold)]
    pub min_confidence: f32,
    /// How similar the phrases of a group are, 0 to 1. More gives smaller groups
    #[arg(long, value_name = "S", value_parser = weight, default_value_t = gaps::SIMILARITY)]
    pub similarity: f32,
    /// Only groups that were asked N times or more
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value = "2")]
    pub min_size: NonZeroUsize,
    /// List at most N groups or questions [default: 20; all with --json, --csv or --html]
    #[arg(short = 'n', long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<NonZeroUsize>,
    /// List at most N phrases of each group [default: 4; all with --json, --csv or --html]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub examples: Option<NonZeroUsize>,
    /// Write one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write a table as CSV, one line per phrase of a group
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Write a self-contained web page
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    pub index: IndexesArgs,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub curation: CurationArgs,
}

impl Args {
    pub fn options(&self) -> Options {
        Options {
            min_confidence: self.min_confidence,
            similarity: self.similarity,
            min_size: if self.accept.is_empty() { self.min_size.get() as u64 } else { 1 },
            limit: self.limit().filter(|_| self.accept.is_empty()),
            unasked: self.unasked,
            ids: self.accept.iter().map(|acceptance| acceptance.group.clone()).collect(),
        }
    }

    /// Whether all is written, and not only what a person reads on a terminal.
    pub fn is_complete(&self) -> bool {
        self.json || self.csv || self.html.is_some()
    }

    pub fn limit(&self) -> Option<usize> {
        self.limit.map(NonZeroUsize::get).or_else(|| (!self.is_complete()).then_some(LISTED))
    }

    pub fn examples(&self) -> usize {
        let default = if self.is_complete() { usize::MAX } else { EXAMPLES };
        self.examples.map_or(default, NonZeroUsize::get)
    }

    pub fn is_nothing(&self, report: &Report) -> bool {
        if self.unasked { report.unasked.is_empty() } else { report.unanswered.phrases == 0 }
    }
}
