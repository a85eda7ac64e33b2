//! `rqsearch dups`

mod args;
mod check;
mod decisions;
mod list;
#[cfg(feature = "interactive")]
mod review;
mod shared;
mod tables;

use super::outcome::Outcome;
#[cfg(not(feature = "interactive"))]
use crate::hint::hinted;
use decisions::Source;

pub use args::Args;

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    args.ensure_format()?;
    let location = args.index.location();
    #[cfg(not(feature = "interactive"))]
    if args.review {
        anyhow::bail!(hinted("this build has no interactive review", "edit the file of decisions"));
    }
    #[cfg(feature = "interactive")]
    if args.review {
        review::ensure_terminal()?;
    }
    let mut index = location.open()?;
    if args.check.is_none() {
        index = index.on_this_machine()?;
    }
    let source = Source::new(args.decisions.as_deref(), location)?;
    match args.check.as_deref() {
        Some("-") => check::check_lines(args, &index, &source.read()?),
        Some(phrase) => check::check_one(args, &index, phrase, &source.read()?),
        #[cfg(feature = "interactive")]
        None if args.review => review::run(args, &index, &source),
        None => list::run(args, &index, &source),
    }
}
