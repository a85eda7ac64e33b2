//! The state of interactive search. It turns events into effects and does not access the terminal.

use crossterm::event::KeyEvent;
use tui_input::{Input, InputRequest};

use super::keys::{Command, Step, command};
use crate::question::Question;
use crate::render::escape::is_dangerous;
use crate::render::json::SearchRequest;
use crate::search::{Hit, Mode, Results};

/// The maximum length of a phrase, in characters. More text does not improve the results, and a file pasted
/// by mistake would slow down typing.
const MAX_PHRASE: usize = 1000;

/// An event for the state.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The index is open.
    Opened(Corpus),
    /// The search with this number has results.
    Found(u64, anyhow::Result<Box<Results>>),
    /// A message to show.
    Notice(String),
}

/// An action that the caller must take.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Search, and send the results as [`Event::Found`] with this number.
    Search(u64, Box<SearchRequest>),
    /// Exit with the selected question.
    Choose,
    /// Open the file of the selected question.
    Open,
    /// Exit without a question.
    Leave,
    /// Suspend the program until the shell resumes it.
    Suspend,
}

/// The index that is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    /// The name to show: the directory of the index, or the built-in questions.
    pub name: String,
    /// The number of questions.
    pub questions: u64,
}

/// What the last frame showed. It determines the size of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The number of visible hits.
    pub hits: usize,
    /// The number of visible lines of the answer.
    pub answer: usize,
    /// The number of all lines of the answer.
    pub answer_lines: usize,
    /// Whether the answer was shown.
    pub preview: bool,
}

/// The state of interactive search.
#[derive(Debug)]
pub struct State {
    /// The input line.
    pub input: Input,
    /// The search settings, with the last phrase that was searched.
    pub request: SearchRequest,
    /// The index; `None` until it is open.
    pub corpus: Option<Corpus>,
    /// The latest results. While a search is running, those of the previous search.
    pub results: Option<Results>,
    /// An error or another message to show.
    pub notice: Option<String>,
    /// The index of the selected hit, from 0.
    pub selected: usize,
    /// The index of the first visible hit.
    pub first: usize,
    /// The index of the first visible line of the answer.
    pub scroll: usize,
    /// Whether to show the answer. `None` depends on the size of the terminal.
    pub preview: Option<bool>,
    /// Whether the help is shown.
    pub help: bool,
    /// What the last frame showed.
    pub seen: Seen,
    /// The number of the last search.
    last_search: u64,
    is_waiting: bool,
    /// Enter was pressed while a search was running: choose its first hit.
    accept: bool,
}

impl State {
    /// The initial state. The phrase of the request is in the input line.
    pub fn new(request: SearchRequest) -> Self {
        Self {
            input: Input::new(line(&request.q)),
            request,
            corpus: None,
            results: None,
            notice: None,
            selected: 0,
            first: 0,
            scroll: 0,
            preview: None,
            help: false,
            seen: Seen::default(),
            last_search: 0,
            is_waiting: false,
            accept: false,
        }
    }

    /// The hits, best first.
    pub fn hits(&self) -> &[Hit] {
        self.results.as_ref().map_or(&[], |results| &results.hits)
    }

    /// The selected question.
    pub fn selected(&self) -> Option<&Question> {
        self.hits().get(self.selected).map(|hit| &hit.question)
    }

    /// Takes the selected question out of the results.
    pub fn take_selected(self) -> Option<Question> {
        self.results?.hits.into_iter().nth(self.selected).map(|hit| hit.question)
    }

    /// Whether a search is running.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Whether the best hit matches well enough. If not, the hits are only the closest questions.
    pub fn is_answered(&self) -> bool {
        self.results.as_ref().is_some_and(|results| results.is_answered(self.request.min_confidence))
    }

    /// Searches for the phrase in the input line, unless it is empty.
    pub fn search(&mut self) -> Option<Effect> {
        self.last_search += 1;
        self.notice = None;
        self.request.q = self.input.value().trim().to_owned();
        self.is_waiting = !self.request.q.is_empty();
        if self.is_waiting {
            return Some(Effect::Search(self.last_search, Box::new(self.request.clone())));
        }
        self.results = None;
        self.select(0);
        None
    }

    /// Handles an event. Returns the effect that the caller must carry out, if there is one.
    pub fn on(&mut self, event: Event) -> Option<Effect> {
        match event {
            Event::Key(key) => self.on_key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Opened(corpus) => {
                self.corpus = Some(corpus);
                None
            }
            Event::Found(number, found) => self.on_found(number, found.map(|found| *found)),
            Event::Notice(notice) => {
                self.notice = Some(notice);
                None
            }
        }
    }

    fn on_key(&mut self, key: KeyEvent) -> Option<Effect> {
        let command = command(key, self.input.value().is_empty())?;
        self.accept = false;
        if self.help {
            self.help = false;
            if matches!(command, Command::Leave | Command::Help | Command::Accept) {
                return None;
            }
        }
        match command {
            Command::Edit(request) => return self.edit(request),
            Command::Select(step) => {
                let to = stepped(self.selected, step, self.seen.hits, self.hits().len());
                self.select(to);
            }
            Command::Scroll(step) => {
                let rows = self.seen.answer;
                let last = self.seen.answer_lines.saturating_sub(rows);
                self.scroll = stepped(self.scroll, step, rows, last + 1);
            }
            Command::Accept if self.is_waiting => self.accept = true,
            Command::Accept => return self.selected().map(|_| Effect::Choose),
            Command::Open => return self.selected().map(|_| Effect::Open),
            Command::Leave => return Some(Effect::Leave),
            Command::Suspend => return Some(Effect::Suspend),
            Command::TogglePreview => self.preview = Some(!self.seen.preview),
            Command::Help => self.help = true,
            Command::NextMode => {
                self.request.mode = match self.request.mode {
                    Mode::Hybrid => Mode::Keyword,
                    Mode::Keyword => Mode::Semantic,
                    Mode::Semantic => Mode::Hybrid,
                };
                return self.search();
            }
            Command::ToggleAll => {
                self.request.all = !self.request.all;
                return self.search();
            }
        }
        None
    }

    fn edit(&mut self, request: InputRequest) -> Option<Effect> {
        if let InputRequest::InsertChar(c) = request {
            return self.insert(&c.to_string());
        }
        let before = self.input.value().to_owned();
        self.input.handle(request);
        if self.input.value() == before { None } else { self.search() }
    }

    fn paste(&mut self, text: &str) -> Option<Effect> {
        self.help = false;
        self.accept = false;
        self.insert(text)
    }

    /// Inserts text at the cursor, up to the maximum length of a phrase.
    fn insert(&mut self, text: &str) -> Option<Effect> {
        let text = line(text);
        let value = self.input.value();
        let room = MAX_PHRASE.saturating_sub(value.chars().count());
        let fits: String = text.chars().take(room).collect();
        let is_cut = fits.len() < text.len();
        let cursor = self.input.cursor();
        let at = value.char_indices().nth(cursor).map_or(value.len(), |(at, _)| at);
        let value = [&value[..at], &fits, &value[at..]].concat();
        let changed = !fits.is_empty();
        self.input = Input::new(value).with_cursor(cursor + fits.chars().count());
        let effect = if changed { self.search() } else { None };
        if is_cut {
            self.notice = Some(format!("the maximum length of a phrase is {MAX_PHRASE} characters"));
        }
        effect
    }

    fn on_found(&mut self, number: u64, found: anyhow::Result<Results>) -> Option<Effect> {
        if number != self.last_search || !self.is_waiting {
            return None;
        }
        self.is_waiting = false;
        let accept = std::mem::take(&mut self.accept);
        match found {
            Ok(mut results) => {
                let min_confidence = self.request.min_confidence;
                if !results.is_answered(min_confidence) {
                    results.hits.truncate(results.listed(min_confidence));
                }
                self.notice =
                    results.notice.as_deref().and_then(|notice| notice.lines().next()).map(str::to_owned);
                self.results = Some(results);
            }
            Err(error) => {
                self.results = None;
                self.notice = Some(format!("{error:#}"));
            }
        }
        self.select(0);
        (accept && self.is_answered()).then_some(Effect::Choose)
    }

    fn select(&mut self, hit: usize) {
        self.selected = hit;
        self.scroll = 0;
    }
}

/// Converts text to one line that is safe for the terminal. Replaces white space by spaces and removes
/// control, bidirectional and invisible characters.
fn line(text: &str) -> String {
    let spaced = text.replace("\r\n", " ").replace(|c: char| c.is_whitespace(), " ");
    spaced.replace(is_dangerous, "")
}

/// The position after a step from `at`, among `count` positions of which `shown` are visible.
pub fn stepped(at: usize, step: Step, shown: usize, count: usize) -> usize {
    let last = count.saturating_sub(1);
    let by = |size: usize, times: isize| {
        let size = size.max(1) as isize;
        at.saturating_add_signed(size * times).min(last)
    };
    match step {
        Step::Lines(lines) => by(1, lines),
        Step::Halves(halves) => by(shown / 2, halves),
        Step::Pages(pages) => by(shown, pages),
        Step::First => 0,
        Step::Last => last,
    }
}
