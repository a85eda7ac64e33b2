//! `rqsearch curation`, and the options that name the files of synonyms and pins

use std::io::Write;
use std::path::PathBuf;

use super::locate_index::{IndexArgs, IndexLocation};
use super::outcome::Outcome;
use super::streams::{say, stdout, write_json};
use super::text::layout;
use crate::curation::CurationFiles;
use crate::index::Index;
use crate::render::{json, terminal};
use crate::search::{CurationReport, Results};

/// Options of commands that search.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CurationArgs {
    /// Words that mean the same, as TOML [default: synonyms.toml in the directory of the index]
    #[arg(long, value_name = "FILE")]
    synonyms: Option<PathBuf>,
    /// Questions that come first for a phrase, as TOML [default: pins.toml in the directory of the index]
    #[arg(long, value_name = "FILE")]
    pins: Option<PathBuf>,
}

impl CurationArgs {
    /// The files that the options name.
    pub fn files(&self) -> CurationFiles {
        CurationFiles { synonyms: self.synonyms.clone(), pins: self.pins.clone() }
    }

    /// Opens an index for searching, with its synonyms and pins.
    pub fn open(&self, location: IndexLocation<'_>) -> anyhow::Result<Index> {
        self.apply(location.open()?)
    }

    /// Adds the synonyms and pins of an index.
    pub fn apply(&self, index: Index) -> anyhow::Result<Index> {
        // The built-in index has no directory.
        let dir = index.dir().is_dir().then(|| index.dir().to_owned());
        Ok(index.with_curation(self.files().read(dir.as_deref())?))
    }
}

/// Says on stderr which questions of the pin that applied are not in the index.
pub fn report_unknown(results: &Results) {
    if let Some(applied) = results.pin.as_ref().filter(|applied| !applied.unknown.is_empty()) {
        let ids = layout().shown(&applied.unknown.join(", ")).into_owned();
        say(&format!(
            "rqsearch: the pin in line {} names questions that are not in the index: {ids}",
            applied.pin.line
        ));
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 every entry has an effect, 1 some have none, 2 error.\n\n\
                  docs/curation.md describes the files.")]
pub struct Args {
    /// List only entries without effect: synonyms that no question contains, and pins to questions that are not in the
    /// index
    #[arg(long)]
    problems: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    curation: CurationArgs,
    #[command(flatten)]
    index: IndexArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let index = args.curation.open(args.index.location())?;
    let dir = index.dir().is_dir().then(|| index.dir().to_owned());
    let mut report = CurationReport::new(&index, args.curation.files().paths(dir.as_deref()))?;
    let has_problems = report.has_problems();
    if args.problems {
        report.retain_problems();
    }
    let mut out = stdout();
    if args.json {
        write_json(&mut out, &json::CurationReply::from(&report))?;
    } else {
        terminal::write_curation(&mut out, &report, layout())?;
    }
    out.flush()?;
    Ok(if has_problems { Outcome::Nothing } else { Outcome::Success })
}
