//! `rqsearch site OUT`

use std::path::PathBuf;

use anyhow::{Context, bail};
use indicatif::{HumanBytes, HumanCount};

use super::locate_index::IndexArgs;
use super::{Outcome, plural, say};
use crate::site::{Link, Options, Written, write};

/// Write a search for a static web site: files that need no server
///
/// The files are a script with a search dialog, the parts of the index that it loads, and `demo.html`, which shows how to
/// add the dialog to a page. Parts of an earlier index in the directory are removed; other files stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory to write to
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// The address of a question, with values in braces, as in 'https://example.org/faq#{id}'
    ///
    /// The values are {id}, {key}, {path} and {line} of the question's file, {stem} (the path without its extension),
    /// {anchor} (the anchor of the title as a heading) and {url}. Without this option, a hit links to the URL of its
    /// question, or shows the answer in the dialog if the question has none.
    #[arg(long, value_name = "ADDRESS", verbatim_doc_comment)]
    link: Option<String>,
    #[command(flatten)]
    index: IndexArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let link = args.link.as_ref().map(|link| link.parse::<Link>());
    let link = link.transpose().context("--link")?;
    let index = args.index.location().open()?.on_this_machine()?;
    if index.question_count()? == 0 {
        bail!("the index has no questions\n  hint: add some with `rqsearch index PATH`");
    }
    let written = write(&index, &args.out, &Options { link })?;
    report(&written, args);
    Ok(Outcome::Success)
}

fn report(Written { questions, files, bytes, changed, removed }: &Written, args: &Args) {
    say(&format!(
        "{} {} in {}: {} {}, {} ({} changed, {} removed)",
        HumanCount(*questions),
        plural(*questions, "question"),
        args.out.display(),
        HumanCount(*files),
        plural(*files, "file"),
        HumanBytes(*bytes),
        HumanCount(*changed),
        HumanCount(*removed),
    ));
    say("  to try it, serve the directory and open demo.html");
}
