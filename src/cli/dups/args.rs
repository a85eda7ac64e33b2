//! The options of `rqsearch dups`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;

use crate::cli::locate_index::IndexArgs;
use crate::cli::model::ModelArgs;
use crate::cli::option_values::{at_least_one, weight};
use crate::duplicates::Options;
use crate::hint::hinted;
use crate::pair::FITTED;

/// What `dups` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Groups for a person to read
    #[default]
    Text,
    /// One JSON object
    Json,
    /// A table, one line per question of a group
    Csv,
    /// A report for a pull request, with a checklist for each group
    Markdown,
    /// Annotations of GitHub Actions, one per duplicate
    Github,
    /// SARIF 2.1.0 for code scanning, one result per group
    Sarif,
    /// Which question replaces each duplicate, as JSON; only if that is certain
    Redirects,
    /// The same as CSV
    RedirectsCsv,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 no duplicates but those that were decided to be the same, 1 duplicates found, 2 error."
)]
pub struct Args {
    /// List the questions of the index that a new question duplicates. With -, read one question per line
    /// from stdin (plain, or {"_id": …, "text": …}) and write JSON Lines
    #[arg(long, value_name = "PHRASE", conflicts_with_all = ["within", "across", "top", "graph", "csv", "review"])]
    pub check: Option<String>,
    /// Walk through the open groups in the terminal, and save a decision about each pair
    #[arg(long, conflicts_with_all = ["top", "json", "csv", "format", "graph"])]
    pub review: bool,
    /// Apply the decisions in this file; with --review, also save new ones there [default: duplicates.jsonl beside
    /// the index, if it exists]
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// With --review, the name to save with each decision
    #[arg(long, value_name = "NAME", requires = "review")]
    pub author: Option<String>,
    /// Minimum probability, 0 to 1, that two questions ask the same
    #[arg(long, value_name = "P", value_parser = weight, default_value_t = FITTED.threshold)]
    pub threshold: f32,
    /// Only questions from files whose path contains TEXT
    #[arg(long, value_name = "TEXT")]
    pub within: Option<String>,
    /// Only pairs of questions from different files
    #[arg(long)]
    pub across: bool,
    /// List the N most probable pairs instead of groups
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub top: Option<NonZeroUsize>,
    /// What to write [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// The same as --format csv
    #[arg(long, conflicts_with_all = ["json", "top", "format"])]
    pub csv: bool,
    /// With --format markdown, the address before the path of each file, for example
    /// https://github.com/OWNER/REPO/blob/main/
    #[arg(long, value_name = "URL", requires = "format")]
    pub link_base: Option<String>,
    /// Write a self-contained web page that shows the groups as a map
    #[arg(long, value_name = "FILE.html")]
    pub graph: Option<PathBuf>,
    #[command(flatten)]
    pub index: IndexArgs,
    #[command(flatten)]
    pub model: ModelArgs,
}

impl Args {
    pub fn format(&self) -> Format {
        match (self.json, self.csv) {
            (true, _) => Format::Json,
            (_, true) => Format::Csv,
            _ => self.format.unwrap_or_default(),
        }
    }

    pub fn ensure_format(&self) -> anyhow::Result<()> {
        let format = self.format();
        let name = format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let is_of_pairs = matches!(format, Format::Text | Format::Json);
        if self.check.is_some() && !is_of_pairs {
            bail!(hinted(format!("--check cannot be written as {name}"), "use --format json"));
        }
        if self.top.is_some() && !is_of_pairs {
            bail!(hinted(format!("--top lists pairs, and --format {name} has groups"), "use --format json"));
        }
        if self.link_base.is_some() && format != Format::Markdown {
            bail!(hinted(format!("--link-base has no effect on {name}"), "use --format markdown"));
        }
        Ok(())
    }

    pub fn options(&self) -> Options {
        Options {
            within: self.within.clone(),
            across: self.across,
            threshold: self.threshold,
            ..Options::default()
        }
    }
}
