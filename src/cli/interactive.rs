//! `rqsearch -i`

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;

use anyhow::{Context, anyhow, bail};

use super::locate_index::IndexLocation;
use super::model::ModelArgs;
use super::outcome::Outcome;
use super::streams::{stdout, write_json};
use super::text::layout;
use crate::curation::CurationFiles;
use crate::embed::Patience;
use crate::hint::hinted;
use crate::interactive::{Settings, pick};
use crate::question::Question;
use crate::render::{json, terminal};

/// The maximum number of hits without --limit. Most screens show fewer.
const LIMIT: usize = 50;

/// The index to search.
pub struct Opened<'a> {
    pub model: &'a ModelArgs,
    pub files: CurationFiles,
    pub location: IndexLocation<'a>,
}

/// Lets the user select a question, then prints it: the full question on a terminal, its id into a pipe.
pub fn run(
    mut request: json::SearchRequest,
    limit: Option<NonZeroUsize>,
    json: bool,
    Opened { model, files, location }: Opened<'_>,
) -> anyhow::Result<Outcome> {
    if is_dumb() {
        bail!(hinted(
            "the terminal does not support interactive search: TERM is not set or is `dumb`",
            "search without -i: rqsearch \"how do lifetimes work\""
        ));
    }
    request.limit = limit.map_or(LIMIT, NonZeroUsize::get);
    let dir = location.find()?;
    let name = match &dir {
        Some(dir) => dir.display().to_string(),
        None => "the built-in Rust questions".to_owned(),
    };
    let settings = Settings { request, name, colours: has_colours() };
    let model = model.clone();
    let open = move || Ok(model.engine(dir.as_slice(), Patience::PHRASE)?.with_curation(files)?);
    let tty = tty().context(hinted(
        "could not open the terminal for interactive search",
        "search without -i: rqsearch PHRASE",
    ))?;
    let Some(question) = pick(tty, settings, open)? else { return Ok(Outcome::Left) };
    print(&question, json)?;
    Ok(Outcome::Success)
}

fn print(question: &Question, json: bool) -> anyhow::Result<()> {
    let is_terminal = io::stdout().is_terminal();
    let mut out = stdout();
    if json {
        write_json(&mut out, &json::QuestionReply::from(question))?;
    } else if is_terminal {
        terminal::write_question(&mut out, question, layout())?;
    } else {
        writeln!(out, "{}", question.id)?;
    }
    Ok(out.flush()?)
}

/// Opens the terminal, even if stdin and stdout are redirected.
pub fn tty() -> anyhow::Result<File> {
    let path = if cfg!(windows) { "CONOUT$" } else { "/dev/tty" };
    File::options().read(true).write(true).open(path).map_err(|error| anyhow!("{path}: {error}"))
}

/// Whether the terminal cannot show anything but lines.
pub fn is_dumb() -> bool {
    cfg!(unix) && env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// Whether to use colours on the terminal.
pub fn has_colours() -> bool {
    match anstream::ColorChoice::global() {
        anstream::ColorChoice::Never => false,
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => true,
        anstream::ColorChoice::Auto => env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()),
    }
}
