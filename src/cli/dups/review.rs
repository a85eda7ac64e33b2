//! `rqsearch dups --review`

use std::time::SystemTime;

use anyhow::{Context, bail};
use indicatif::HumanCount;

use super::args::Args;
use super::decisions::Source;
use super::shared::say_keywords_only;
use crate::cli::interactive::{has_colours, is_dumb, tty};
use crate::cli::outcome::Outcome;
use crate::cli::streams::say;
use crate::cli::text::plural;
use crate::decisions::DecisionFile;
use crate::duplicates::{Cache, Judged};
use crate::hint::hinted;
use crate::index::Index;
use crate::interactive::review::{Progress, Settings, review};

const HINT: &str = "list the duplicates with `rqsearch dups`, and edit the file of decisions";

/// Fails if there is no terminal to review on.
pub fn ensure_terminal() -> anyhow::Result<()> {
    if is_dumb() {
        bail!(hinted("the terminal does not support a review: TERM is not set or is `dumb`", HINT));
    }
    tty().context(hinted("could not open the terminal for a review", HINT))?;
    Ok(())
}

/// Lets a person decide about the open groups, and says what was decided.
pub fn run(args: &Args, index: &Index, source: &Source) -> anyhow::Result<Outcome> {
    let path = source.to_write()?;
    let file = DecisionFile::open(path)?;
    say_keywords_only(index);
    let judged = Judged::new(index, &args.options(), &mut Cache::open(index))?;
    source.say_unapplied(&judged.grouped(&file.read()?).unapplied);
    let settings = Settings { author: args.author.clone().unwrap_or_default(), now, colours: has_colours() };
    let Progress { decided, open } = review(tty()?, &settings, &judged, &file)?;
    let saved = match decided {
        0 => "nothing was decided".to_owned(),
        _ => format!(
            "{} {} saved in {}",
            HumanCount(decided as u64),
            plural(decided as u64, "decision"),
            path.display()
        ),
    };
    say(&format!("{saved}; {} {} open", HumanCount(open as u64), plural(open as u64, "pair")));
    Ok(if open == 0 { Outcome::Success } else { Outcome::Nothing })
}

/// The current time, RFC 3339 in UTC.
fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
