//! `rqsearch site OUT`

use std::path::PathBuf;

use anyhow::{Context, bail};
use indicatif::{HumanBytes, HumanCount};

use super::locate_index::IndexArgs;
use super::outcome::Outcome;
use super::streams::say;
use super::text::plural;
use crate::hint::hinted;
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
    /// The values are {id}, {key}, {url}, the {path} of the question's file and the {line} in it, {stem} (the path without its
    /// extension), {page} (the same as a directory, without index and README), and the anchor of the question's heading:
    /// {anchor} for GitHub, Hugo, Docusaurus and mdBook, {slug} for MkDocs. Without this option, a hit links to the URL of
    /// its question. A question without one of the values has no address, and the dialog shows its answer.
    #[arg(long, value_name = "ADDRESS", verbatim_doc_comment)]
    link: Option<String>,
    /// The directory that paths in addresses start at: that of the pages [default: the directory that contains the index]
    #[arg(long, value_name = "DIR", requires = "link")]
    root: Option<PathBuf>,
    #[command(flatten)]
    index: IndexArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let link = args.link.as_ref().map(|link| link.parse::<Link>());
    let link = link.transpose().context("--link")?;
    let index = args.index.location().open()?.on_this_machine()?;
    if index.question_count()? == 0 {
        bail!(hinted("the index has no questions", "add some with `rqsearch index PATH`"));
    }
    let options = Options { link, root: args.root.clone() };
    let written = write(&index, &args.out, &options)?;
    report(&written, options.link.as_ref(), args);
    Ok(Outcome::Success)
}

fn report(written: &Written, link: Option<&Link>, args: &Args) {
    let Written { questions, files, bytes, changed, removed, absolute_path } = written;
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
    if let Some(path) = absolute_path {
        say(&format!(
            "  warning: the addresses contain absolute paths, such as {path}\n  \
             hint: --root DIR is the directory of the pages, from which paths then start"
        ));
    }
    if link.is_some_and(Link::is_constant) {
        say(
            "  warning: all hits have the same address\n  hint: --link takes values in braces, as in 'faq.html#{id}'",
        );
    }
    say("  to try it, serve the directory and open demo.html");
}
