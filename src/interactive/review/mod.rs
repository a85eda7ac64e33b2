//! Review of duplicates: shows one pair after another, and saves what a person decides about it.
//!
//! ```text
//! keys ──→ State ──→ frame
//!          ↓   ↑
//!       changes → file of decisions
//! ```

pub(super) mod keys;
pub(super) mod state;
#[cfg(test)]
mod tests;

use std::fs::File;

use anyhow::Result;
use crossterm::event::{self, KeyEventKind};

use super::IDLE;
use super::draw::{Theme, draw_review};
use super::screen::Screen;
use super::signals;
use crate::decisions::DecisionFile;
use crate::duplicates::Judged;
use state::{Change, Effect, State};

pub use state::Progress;

/// The settings of a review.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name to save with each decision. Can be empty.
    pub author: String,
    /// The current time, RFC 3339.
    pub now: fn() -> String,
    /// Whether to use colours.
    pub colours: bool,
}

/// Lets a person decide about the pairs of the open groups on a terminal, which must be open for reading and writing. Every
/// decision is saved before the next pair is shown. Returns what was decided.
///
/// The terminal is always restored, also after an error, a panic or a signal.
///
/// # Errors
/// The file of decisions cannot be read, or the terminal was closed. An error of saving is shown, and the review continues.
pub fn review(tty: File, settings: &Settings, judged: &Judged<'_>, file: &DecisionFile) -> Result<Progress> {
    let mut state = State::new(judged, file.read()?);
    if state.current().is_none() {
        return Ok(state.progress());
    }
    let mut screen = Screen::enter(tty)?;
    let theme = if settings.colours { Theme::coloured() } else { Theme::plain() };
    crossterm::style::force_color_output(settings.colours);
    loop {
        screen.draw(|frame| draw_review(frame, &mut state, &theme))?;
        if !screen.is_ready(IDLE)? {
            continue;
        }
        let event::Event::Key(key) = event::read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match state.on(key) {
            Some(Effect::Change(change)) => match save(&change, settings, file) {
                Ok(decisions) => state.saved(&change, decisions),
                Err(error) => state.notice = Some(format!("not saved: {error:#}")),
            },
            Some(Effect::Suspend) => screen.lend(|_| signals::stop())??,
            Some(Effect::Leave) => return Ok(state.progress()),
            None => {}
        }
    }
}

/// Saves a change. Returns all decisions in the file, also those of others.
fn save(change: &Change, settings: &Settings, file: &DecisionFile) -> Result<crate::decisions::Decisions> {
    let (decisions, ()) = file.change(|decisions| match &change.decision {
        Some(decision) if change.is_undo => _ = decisions.insert(decision.clone()),
        Some(decision) => {
            let mut decision = decision.clone();
            decision.author.clone_from(&settings.author);
            decision.date = (settings.now)();
            decisions.insert(decision);
        }
        None => _ = decisions.remove(&change.ids[0], &change.ids[1]),
    })?;
    Ok(decisions)
}
