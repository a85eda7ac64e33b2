//! Interactive search: searches while you type, and shows the hits and the selected answer.
//!
//! ```text
//! keys, pastes ──→ State ──→ frame
//!                  ↓   ↑
//!       requests ─ Searcher (thread) ─ results
//! ```
//!
//! `State` turns events into effects. Neither it nor the drawing code accesses the terminal. The loop in this
//! module connects both to the terminal, the search thread and signals.

mod draw;
mod editor;
mod input;
mod keys;
pub mod review;
mod screen;
mod searcher;
mod signals;
mod state;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{self, KeyEventKind};

use crate::engine::Engine;
use crate::question::Question;
use crate::render::json::SearchRequest;
use draw::{Theme, draw};
use screen::Screen;
use searcher::{Answer, Searcher};
use state::{Corpus, Effect, Event, State};

/// How long to wait for input if no search is running. A resize is noticed within this time.
const IDLE: Duration = Duration::from_millis(100);

/// How long to wait for input if a search is running. Its results are shown within this time.
const WAITING: Duration = Duration::from_millis(4);

/// The settings of interactive search.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The initial phrase, which may be empty, and the search settings.
    pub request: SearchRequest,
    /// The name of the index to show.
    pub name: String,
    /// Whether to use colours.
    pub colours: bool,
}

/// Lets the user search and select a question on a terminal, which must be open for reading and writing.
/// Returns `None` if the user exits without a selection.
///
/// `open` runs on another thread, so that the first frame is shown immediately. The terminal is always
/// restored, also after an error, a panic or a signal. A signal that terminates programs terminates this one
/// afterwards.
///
/// # Errors
/// The index cannot be opened, or the terminal was closed.
pub fn pick(
    tty: File,
    settings: Settings,
    open: impl FnOnce() -> anyhow::Result<Engine> + Send + 'static,
) -> anyhow::Result<Option<Question>> {
    let searcher = Searcher::start(open);
    let screen = Screen::enter(tty)?;
    let theme = if settings.colours { Theme::coloured() } else { Theme::plain() };
    crossterm::style::force_color_output(settings.colours);
    let state = State::new(settings.request);
    let mut session = Session { state, screen, searcher, theme, name: settings.name, engine: None };
    Ok(match session.run()? {
        End::Chosen => session.state.take_selected(),
        End::Cancelled => None,
    })
}

/// How a session ended.
enum End {
    Chosen,
    Cancelled,
}

struct Session {
    state: State,
    screen: Screen,
    searcher: Searcher,
    theme: Theme,
    name: String,
    /// `None` until the index is open.
    engine: Option<Arc<Engine>>,
}

impl Session {
    fn run(&mut self) -> anyhow::Result<End> {
        if let Some(end) = self.begin()? {
            return Ok(end);
        }
        let mut is_stale = true;
        loop {
            if std::mem::take(&mut is_stale) {
                let (state, theme) = (&mut self.state, &self.theme);
                self.screen.draw(|frame| draw(frame, state, theme))?;
            }
            let mut timeout = if self.is_waiting() { WAITING } else { IDLE };
            // Handles all pending events before the next frame.
            while let Some(event) = self.next(timeout)? {
                timeout = Duration::ZERO;
                is_stale = true;
                let effect = event.and_then(|event| self.state.on(event));
                if let Some(end) = effect.map(|effect| self.act(effect)).transpose()?.flatten() {
                    return Ok(end);
                }
            }
        }
    }

    /// Searches for the initial phrase.
    fn begin(&mut self) -> anyhow::Result<Option<End>> {
        match self.state.search() {
            Some(effect) => self.act(effect),
            None => Ok(None),
        }
    }

    fn is_waiting(&self) -> bool {
        self.engine.is_none() || self.state.is_waiting()
    }

    /// The next event within `timeout`. `Some(None)` is an event that only requires a new frame.
    fn next(&mut self, timeout: Duration) -> anyhow::Result<Option<Option<Event>>> {
        if let Some(answer) = self.searcher.answer()? {
            return self.answered(answer).map(|event| Some(Some(event)));
        }
        if !self.screen.is_ready(timeout)? {
            return Ok(None);
        }
        Ok(Some(match event::read()? {
            event::Event::Key(key) if key.kind != KeyEventKind::Release => Some(Event::Key(key)),
            event::Event::Paste(text) => Some(Event::Paste(text)),
            _ => None,
        }))
    }

    fn answered(&mut self, answer: Answer) -> anyhow::Result<Event> {
        match answer {
            Answer::Opened(engine) => {
                let questions = engine.current()?.index.question_count()?;
                self.engine = Some(engine);
                Ok(Event::Opened(Corpus { name: self.name.clone(), questions }))
            }
            Answer::Failed(error) => Err(error),
            Answer::Found(number, found) => Ok(Event::Found(number, found)),
        }
    }

    fn act(&mut self, effect: Effect) -> anyhow::Result<Option<End>> {
        match effect {
            Effect::Search(number, request) => self.searcher.ask(number, *request)?,
            Effect::Choose => return Ok(Some(End::Chosen)),
            Effect::Leave => return Ok(Some(End::Cancelled)),
            Effect::Open => {
                if let Err(error) = self.open_file()? {
                    self.state.on(Event::Notice(format!("{error:#}")));
                }
            }
            Effect::Suspend => self.screen.lend(|_| signals::stop())??,
        }
        Ok(None)
    }

    /// Opens the file of the selected question. The inner error is shown, and the session continues.
    fn open_file(&mut self) -> anyhow::Result<anyhow::Result<()>> {
        let (Some(question), Some(engine)) = (self.state.selected(), &self.engine) else {
            return Ok(Ok(()));
        };
        let source = &question.source;
        if source.line == 0 {
            return Ok(Err(anyhow::anyhow!("this question has no file: a program wrote it into the index")));
        }
        let file = engine.current()?.index.file(source)?;
        Ok(self.screen.lend(|tty| editor::open(&file, source.line, tty))?)
    }
}
