//! `rqsearch related ID`

use std::io::Write;

use super::locate_index::IndexArgs;
use super::outcome::Outcome;
use super::show::find_one;
use super::streams::{stdout, write_json};
use super::text::layout;
use crate::related::{LIMIT, related};
use crate::render::{json, terminal};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id of the question, its first 4 or more characters, or the key of the question
    id: String,
    /// The maximum number of questions
    #[arg(short = 'n', long, value_name = "N", default_value_t = LIMIT)]
    limit: usize,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    index: IndexArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let index = args.index.location().open()?.on_this_machine()?;
    let question = find_one(&index, &args.id)?;
    let found = related(&index, &question.id, args.limit)?;
    let mut out = stdout();
    if args.json {
        let reply = json::RelatedReply::new(&question, &found);
        write_json(&mut out, &reply)?;
    } else {
        terminal::write_related(&mut out, &found, layout())?;
    }
    out.flush()?;
    Ok(if found.is_empty() { Outcome::Nothing } else { Outcome::Success })
}
