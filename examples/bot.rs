//! A chat bot. It replies if a message was asked before or has an answer in the index. Otherwise it does not
//! reply.
//!
//! ```console
//! $ cargo run --release --example bot -- /tmp/bot-index faq.md < messages.txt
//! ```
//!
//! It reads one message per line and writes one reply per line. Without arguments, it uses the built-in Rust
//! questions.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command-line program")]

use std::io::{self, BufRead};
use std::path::PathBuf;

use rqsearch::engine::Engine;
use rqsearch::index::Index;
use rqsearch::pair;
use rqsearch::search::Query;

/// The minimum confidence for a reply. It is higher than for search results, because nobody asked the bot.
const MIN_CONFIDENCE: f32 = 0.5;

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

/// The reply to a message. `None` if the bot should not reply.
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
    let best = found.hits.first().filter(|_| found.is_answered(MIN_CONFIDENCE));
    Ok(best.map(|hit| format!("{}: {}", hit.question.title, hit.snippet.text.replace('\n', " "))))
}
