//! `rqsearch index --dry-run`

use std::io::Write;

use indicatif::HumanCount;

use super::outcome::Outcome;
use super::streams::{say, stdout, write_json};
use super::text::{layout, plural};
use crate::index::Build;
use crate::render::{json, terminal};

/// Prints what a build would find in each file, and writes no index.
pub fn run(build: &Build<'_>, as_json: bool, verbose: bool) -> anyhow::Result<Outcome> {
    let mut out = stdout();
    let layout = layout();
    let (mut files, mut without, mut questions) = (0u64, 0u64, 0u64);
    let problems = build.preview(|preview| {
        questions += preview.questions;
        files += u64::from(preview.questions > 0);
        let is_quiet = preview.questions == 0 && preview.problems.is_empty();
        without += u64::from(is_quiet);
        if as_json {
            write_json(&mut out, &json::PreviewReply::from(&preview))
        } else if is_quiet && !verbose {
            Ok(())
        } else {
            terminal::write_preview(&mut out, &preview, layout)
        }
    })?;
    out.flush()?;
    let counted = |count: u64, noun: &str| format!("{} {}", HumanCount(count), plural(count, noun));
    let mut line = format!("{} in {}", counted(questions, "question"), counted(files, "file"));
    if without > 0 {
        line += &format!("; {} without questions", counted(without, "file"));
        line += if verbose || as_json { "" } else { " (-v lists them)" };
    }
    say(&format!("{line}. Nothing was written"));
    Ok(if problems > 0 { Outcome::Partial } else { Outcome::Success })
}
