//! `rqsearch dups --check`

use std::io::{BufWriter, Write};
use std::path::Path;

use super::args::{Args, Format};
use super::shared::outcome;
use crate::cli::batch::{self, Line};
use crate::cli::outcome::Outcome;
use crate::cli::streams::{say, stdout, write_json};
use crate::cli::text::layout;
use crate::decisions::Decisions;
use crate::duplicates::{check, retain_undecided};
use crate::embed::Prepare;
use crate::index::Index;
use crate::render::{json, terminal};
use crate::search::Mode;

/// Lists the questions that a phrase duplicates.
pub fn check_one(args: &Args, index: &Index, phrase: &str, decisions: &Decisions) -> anyhow::Result<Outcome> {
    let mut found =
        check(index, args.model.open(index, Mode::Hybrid, Prepare::Once)?.embedder(), phrase, 0.0)?;
    retain_undecided(&mut found, phrase, decisions);
    let below = found.split_off(found.partition_point(|found| found.probability >= args.threshold));
    let mut out = BufWriter::new(stdout());
    if args.format() == Format::Json {
        write_json(&mut out, &json::CheckReply::new(None, phrase, &found))?;
    } else if found.is_empty() {
        match below.first() {
            Some(nearest) => {
                say("not a duplicate; closest question:");
                terminal::write_found(&mut out, std::slice::from_ref(nearest), layout())?;
            }
            None => say("not a duplicate"),
        }
    } else {
        terminal::write_found(&mut out, &found, layout())?;
    }
    out.flush()?;
    Ok(outcome(found.is_empty()))
}

/// Lists the questions that each line of stdin duplicates.
pub fn check_lines(args: &Args, index: &Index, decisions: &Decisions) -> anyhow::Result<Outcome> {
    let model = args.model.open(index, Mode::Hybrid, Prepare::Many)?;
    let done = batch::run(Path::new("-"), |Line { id, text, .. }| {
        let mut found = check(index, model.embedder(), text, args.threshold)?;
        retain_undecided(&mut found, text, decisions);
        let reply = json::CheckReply::new(id.as_ref(), text, &found);
        Ok((serde_json::to_string(&reply)?, !found.is_empty()))
    })?;
    Ok(if done.refused { Outcome::Partial } else { outcome(!done.any) })
}
