//! A bot for a chat: answers what was asked before or has an answer, and keeps silent otherwise.
//!
//! ```console
//! $ cargo run --release --example bot -- /tmp/bot-index faq.md < messages.txt
//! ```
//!
//! One message a line in, one reply a line out. Without arguments, it knows the built-in Rust questions.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program with a command line of its own")]

use std::io::{self, BufRead};
use std::path::PathBuf;

use rqsearch::engine::Engine;
use rqsearch::index::Index;
use rqsearch::pair;
use rqsearch::search::Query;

/// How sure a bot has to be before it speaks up among people: surer than a list that somebody asked for.
const SURE: f32 = 0.5;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let engine = match args.next() {
        Some(index) => {
            Engine::build(&index, &args.collect::<Vec<_>>(), |problem| eprintln!("bot: {problem}"))?
        }
        None => Engine::fixed(Index::builtin()?)?,
    };
    for message in io::stdin().lock().lines() {
        if let Some(reply) = reply(&engine, message?.trim())? {
            println!("{reply}");
        }
    }
    Ok(())
}

/// What to say to a message, if anything.
fn reply(engine: &Engine, message: &str) -> anyhow::Result<Option<String>> {
    if message.is_empty() {
        return Ok(None);
    }
    if let Some(same) = engine.check(message, pair::FITTED.threshold)?.first() {
        return Ok(Some(format!(
            "That was asked before: {} ({})",
            same.question.title, same.question.source
        )));
    }
    let found = engine.search(&Query { limit: 1, ..Query::plain(message) })?;
    let best = found.hits.first().filter(|_| found.is_answered(SURE));
    Ok(best.map(|hit| format!("{}: {}", hit.question.title, hit.snippet.text.replace('\n', " "))))
}
