//! `rqsearch` without arguments.

use std::io::Write;

use super::locate_index::IndexLocation;
use super::outcome::Outcome;
use super::streams::stdout;
use super::text::{layout, plural};
use crate::index::Index;

/// Prints three examples and the index that a search would use.
pub fn run(location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let (name, found) = match location.find()? {
        None => ("the built-in Rust questions".to_owned(), Index::builtin()),
        Some(dir) => {
            let name = layout().shown(&dir.display().to_string()).into_owned();
            (name, Index::open(&dir).map_err(Into::into))
        }
    };
    let state = match found.and_then(|index| index.question_count()) {
        Ok(count) => format!("{count} {}", plural(count, "question")),
        Err(error) => format!("{error:#}"),
    };
    let reason = location.reason();
    let mut out = stdout();
    writeln!(
        out,
        "rqsearch finds the question that any phrase is about.

  rqsearch \"holding a mutex across await\"   search
  rqsearch index faq.md notes/              index your own documents
  rqsearch -i                               search while you type

Index: {name} ({reason})
       {state}

rqsearch --help lists all commands and options."
    )?;
    out.flush()?;
    Ok(Outcome::Success)
}
