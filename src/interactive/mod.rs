//! Search while typing, on a whole terminal: a line to type into, what is found, and the answer beside it.
//!
//! ```text
//! keys, pastes ──→ State ──→ a frame
//!                  ↓   ↑
//!        phrases ─ Searcher (a thread) ─ results
//! ```
//!
//! `State` turns events into effects and knows no terminal; what it draws is pure as well. The loop here ties
//! both to the terminal, to the thread that searches, and to signals.

mod draw;
mod editor;
mod input;
mod keys;
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

/// How long a change of the terminal's size may go unnoticed; keys wake us at once.
const IDLE: Duration = Duration::from_millis(100);

/// How long an answer may lie there unseen.
const WAITING: Duration = Duration::from_millis(4);

/// How a picker begins and looks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The phrase that is typed already (it may be empty), and how phrases are searched.
    pub request: SearchRequest,
    /// What is searched, as people would call it.
    pub name: String,
    /// Use colours.
    pub colours: bool,
}

/// Lets somebody search and pick a question, on a terminal that is open for reading and writing. `None` if
/// they leave without one.
///
/// `open` runs on another thread, while the first frame is shown already. The terminal is given back as
/// it was however this ends; a signal that ends programs ends this one after that.
///
/// # Errors
/// The index cannot be opened, or the terminal is gone.
pub fn pick(
    tty: File,
    settings: Settings,
    open: impl FnOnce() -> anyhow::Result<Engine> + Send + 'static,
) -> anyhow::Result<Option<Question>> {
    let searcher = Searcher::start(open);
    let screen = Screen::take(tty)?;
    let theme = if settings.colours { Theme::coloured() } else { Theme::plain() };
    crossterm::style::force_color_output(settings.colours);
    let state = State::new(settings.request);
    let mut picker = Picker { state, screen, searcher, theme, name: settings.name, engine: None };
    Ok(match picker.run()? {
        End::Chosen => picker.state.take_selected(),
        End::Left => None,
    })
}

/// How it ended.
enum End {
    Chosen,
    Left,
}

struct Picker {
    state: State,
    screen: Screen,
    searcher: Searcher,
    theme: Theme,
    name: String,
    /// Once it is open.
    engine: Option<Arc<Engine>>,
}

impl Picker {
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
            let mut patience = if self.is_waiting() { WAITING } else { IDLE };
            // Whatever is there already is dealt with before the next frame.
            while let Some(event) = self.next(patience)? {
                patience = Duration::ZERO;
                is_stale = true;
                let effect = event.and_then(|event| self.state.on(event));
                if let Some(end) = effect.map(|effect| self.act(effect)).transpose()?.flatten() {
                    return Ok(end);
                }
            }
        }
    }

    /// Searches for the phrase that is typed already.
    fn begin(&mut self) -> anyhow::Result<Option<End>> {
        match self.state.search() {
            Some(effect) => self.act(effect),
            None => Ok(None),
        }
    }

    fn is_waiting(&self) -> bool {
        self.engine.is_none() || self.state.is_waiting()
    }

    /// The next event within so long, if there is one; `Some(None)` for one that only asks for a frame.
    fn next(&mut self, patience: Duration) -> anyhow::Result<Option<Option<Event>>> {
        if let Some(answer) = self.searcher.answer()? {
            return self.answered(answer).map(|event| Some(Some(event)));
        }
        if !self.screen.is_ready(patience)? {
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
            Effect::Search(number, request) => self.searcher.ask(number, request)?,
            Effect::Choose => return Ok(Some(End::Chosen)),
            Effect::Leave => return Ok(Some(End::Left)),
            Effect::Open => {
                if let Err(error) = self.open_file()? {
                    self.state.on(Event::Notice(format!("{error:#}")));
                }
            }
            Effect::Suspend => self.screen.lend(|_| signals::stop())??,
        }
        Ok(None)
    }

    /// Opens the selected question's file; the inner error is one to tell and go on.
    fn open_file(&mut self) -> anyhow::Result<anyhow::Result<()>> {
        let (Some(question), Some(engine)) = (self.state.selected(), &self.engine) else {
            return Ok(Ok(()));
        };
        let source = &question.source;
        let file = engine.current()?.index.file(source)?;
        Ok(self.screen.lend(|tty| editor::open(&file, source.line, tty))?)
    }
}
