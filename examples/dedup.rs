//! Removes questions from a list that ask the same as an earlier one.
//!
//! ```console
//! $ cargo run --release --example dedup -- questions.txt > unique.txt
//! ```
//!
//! The file has one question per line. The questions to keep are written to stdout, and the duplicates are
//! reported on stderr.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command-line program")]

use std::collections::HashMap;
use std::fs;

use anyhow::Context;
use rqsearch::duplicates::{Cache, Options, duplicates};
use rqsearch::embed::{Builtin, Prepare};
use rqsearch::index::Index;
use rqsearch::question::Question;

fn main() -> anyhow::Result<()> {
    let file = std::env::args_os().nth(1).context("usage: dedup FILE")?;
    let text = fs::read_to_string(&file).context("could not read the questions")?;
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty());
    let questions: Vec<Question> = lines.map(|(number, line)| Question::new(line, number)).collect();

    let index = Index::in_memory(&questions, Some(&Builtin::load(Prepare::Many)?))?;
    let found = duplicates(&index, &Options::default(), &mut Cache::default())?;

    // Keep the first question of each group.
    let mut repeats: HashMap<usize, (usize, &str)> = HashMap::new();
    for group in &found.groups {
        let members = group.members.iter().map(|member| (member.question, member.kind.name()));
        let mut all: Vec<_> = members.chain([(group.canonical, "paraphrase")]).collect();
        all.sort_unstable();
        repeats.extend(all[1..].iter().map(|(other, kind)| (*other, (all[0].0, *kind))));
    }
    for (nth, question) in found.questions.iter().enumerate() {
        let line = question.source.line;
        match repeats.get(&nth) {
            None => println!("{}", question.title),
            Some((first, kind)) => {
                eprintln!("line {line} duplicates line {} ({kind})", found.questions[*first].source.line);
            }
        }
    }
    Ok(())
}
