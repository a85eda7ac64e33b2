//! What is typed, found, selected and shown: events in, effects out, and no terminal.

use crossterm::event::KeyEvent;
use tui_input::{Input, InputRequest};

use super::keys::{Command, Step, command};
use crate::question::Question;
use crate::render::escape::is_dangerous;
use crate::render::json::SearchRequest;
use crate::search::{Hit, Mode, Results};

/// The longest phrase, in characters: more says no more, and a whole file that is pasted by mistake
/// must not hold up the typing.
const LONGEST_PHRASE: usize = 1000;

/// What happens to the picker.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Paste(String),
    /// The index is open.
    Opened(Corpus),
    /// The answer to the search of this number.
    Found(u64, anyhow::Result<Results>),
    /// There is something to tell.
    Notice(String),
}

/// What has to be done about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Search; the answer comes back under this number.
    Search(u64, SearchRequest),
    /// Leave with the selected question.
    Choose,
    /// Open the selected question's file.
    Open,
    /// Leave without a question.
    Leave,
    /// Stop until the shell says to go on.
    Suspend,
}

/// What is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    /// How people would call it: a folder, or what comes with the program.
    pub name: String,
    /// How many questions it has.
    pub questions: u64,
}

/// What the last frame showed: how far a page is depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many questions of the list.
    pub hits: usize,
    /// How many lines of the answer.
    pub answer: usize,
    /// How many lines the answer has.
    pub answer_lines: usize,
    /// Whether there was an answer at all.
    pub preview: bool,
}

/// The picker.
#[derive(Debug)]
pub struct State {
    /// The line that is typed into.
    pub input: Input,
    /// How phrases are searched; its phrase is the one asked last.
    pub request: SearchRequest,
    /// What is searched, once it is open.
    pub corpus: Option<Corpus>,
    /// The answer to the phrase asked last, or to the one before while that is on its way.
    pub results: Option<Results>,
    /// Why there is no answer, or whatever else there is to tell.
    pub notice: Option<String>,
    /// Which hit is selected, from 0.
    pub selected: usize,
    /// The first hit that is shown.
    pub first: usize,
    /// The first line of the answer that is shown.
    pub scroll: usize,
    /// Whether to show the answer; `None` leaves it to the size of the terminal.
    pub preview: Option<bool>,
    /// Whether the help is shown.
    pub help: bool,
    /// What the last frame showed.
    pub seen: Seen,
    asked: u64,
    is_waiting: bool,
    /// Enter was pressed before the answer was there: take its first hit.
    accept: bool,
}

impl State {
    /// Before the first event: the request's phrase is typed already.
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
            asked: 0,
            is_waiting: false,
            accept: false,
        }
    }

    /// What is found, best first.
    pub fn hits(&self) -> &[Hit] {
        self.results.as_ref().map_or(&[], |results| &results.hits)
    }

    /// The selected question.
    pub fn selected(&self) -> Option<&Question> {
        self.hits().get(self.selected).map(|hit| &hit.question)
    }

    /// The selected question, taken out of what was found.
    pub fn take_selected(self) -> Option<Question> {
        self.results?.hits.into_iter().nth(self.selected).map(|hit| hit.question)
    }

    /// Whether an answer is on its way.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Whether what is found answers the phrase; not, where it is the nearest misses.
    pub fn is_answered(&self) -> bool {
        self.results.as_ref().is_some_and(|results| results.is_answered(self.request.min_confidence))
    }

    /// Searches for what is typed, if there is something.
    pub fn search(&mut self) -> Option<Effect> {
        self.asked += 1;
        self.notice = None;
        self.request.q = self.input.value().trim().to_owned();
        self.is_waiting = !self.request.q.is_empty();
        if self.is_waiting {
            return Some(Effect::Search(self.asked, self.request.clone()));
        }
        self.results = None;
        self.select(0);
        None
    }

    /// What an event changes, and what has to be done about it.
    pub fn on(&mut self, event: Event) -> Option<Effect> {
        match event {
            Event::Key(key) => self.on_key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Opened(corpus) => {
                self.corpus = Some(corpus);
                None
            }
            Event::Found(asked, found) => self.on_found(asked, found),
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

    /// Puts a text where the cursor is, as far as there is room.
    fn insert(&mut self, text: &str) -> Option<Effect> {
        let text = line(text);
        let value = self.input.value();
        let room = LONGEST_PHRASE.saturating_sub(value.chars().count());
        let fits: String = text.chars().take(room).collect();
        let is_cut = fits.len() < text.len();
        let cursor = self.input.cursor();
        let at = value.char_indices().nth(cursor).map_or(value.len(), |(at, _)| at);
        let value = [&value[..at], &fits, &value[at..]].concat();
        let changed = !fits.is_empty();
        self.input = Input::new(value).with_cursor(cursor + fits.chars().count());
        let effect = if changed { self.search() } else { None };
        if is_cut {
            self.notice = Some(format!("a phrase has {LONGEST_PHRASE} characters at most"));
        }
        effect
    }

    fn on_found(&mut self, asked: u64, found: anyhow::Result<Results>) -> Option<Effect> {
        if asked != self.asked || !self.is_waiting {
            return None;
        }
        self.is_waiting = false;
        let accept = std::mem::take(&mut self.accept);
        match found {
            Ok(results) => {
                self.notice =
                    results.notice.as_deref().and_then(|notice| notice.lines().next()).map(str::to_owned);
                self.results = Some(results);
            }
            Err(error) => {
                self.results = None;
                // The hints below the first line speak of the command line.
                self.notice = format!("{error:#}").lines().next().map(str::to_owned);
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

/// Text as one line that drives no terminal: white space is a space, and what would be invisible or
/// reorder what stands around it is left out.
fn line(text: &str) -> String {
    let spaced = text.replace("\r\n", " ").replace(|c: char| c.is_whitespace(), " ");
    spaced.replace(is_dangerous, "")
}

/// Where a step leads from `at`, of `count` places of which `shown` are shown.
fn stepped(at: usize, step: Step, shown: usize, count: usize) -> usize {
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
