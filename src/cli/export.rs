//! `rqsearch export`

use std::io::{BufWriter, Write};

use super::locate_index::IndexArgs;
use super::outcome::Outcome;
use super::streams::{data, write_json};
use crate::question::Question;
use crate::related::related;
use crate::render::json;
use crate::worker_threads;

/// How many questions are compared with others before they are written.
const BATCH: usize = 256;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add to each question a list of at most N questions on the same subject, in `related`
    #[arg(long, value_name = "N")]
    related: Option<usize>,
    #[command(flatten)]
    index: IndexArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let index = args.index.location().open()?.on_this_machine()?;
    let mut out = BufWriter::new(data());
    let questions = index.questions()?;
    for questions in questions.chunks(BATCH) {
        let related = worker_threads::map(questions, |question: &Question| {
            args.related.map(|limit| related(&index, &question.id, limit)).transpose()
        });
        for (question, related) in questions.iter().zip(related) {
            let related = related?;
            let reply = json::ExportReply {
                question: json::QuestionReply::from(question),
                related: related
                    .as_ref()
                    .map(|related| related.iter().map(json::RelatedQuestion::from).collect()),
            };
            write_json(&mut out, &reply)?;
        }
    }
    out.flush()?;
    Ok(if questions.is_empty() { Outcome::Nothing } else { Outcome::Success })
}
