//! Tests of the state and of frames, without a terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw::{Theme, draw};
use super::state::{Corpus, Effect, Event, Seen, State};
use crate::index::Index;
use crate::question::Question;
use crate::render::json::SearchRequest;
use crate::search::{Mode, Query, Results, search};

const ANSWER: &str =
    "Use the *long* one.\n\n```rust\nlet lock = Mutex::new(1);\n```\n\n- First, take the lock.\n";

fn question(title: &str, answer: &str, line: u64) -> Question {
    let mut question = Question::new(title, line);
    question.id = format!("{line:012x}");
    question.source.path = "faq/locks.md".to_owned();
    question.answer = answer.to_owned();
    question
}

/// The results for a phrase among three questions. The best hit gets this confidence.
fn found(phrase: &str, confidence: f32) -> Results {
    let questions = [
        question("Which lock do I take?", ANSWER, 3),
        question("Why is my lock poisoned?", "A thread panicked with the lock.", 9),
        question("Is 日本語 no lock at all?", "No.", 14),
    ];
    let index = Index::in_memory(&questions, None).unwrap();
    let mut results = search(&index, None, &Query::plain(phrase)).unwrap();
    results.hits.sort_by_key(|hit| hit.question.source.line);
    for (nth, hit) in results.hits.iter_mut().enumerate() {
        hit.confidence = Some(confidence / (nth + 1) as f32);
        hit.probability = hit.confidence;
    }
    results.best_confidence = Some(confidence);
    results
}

fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn control(c: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
}

fn typed(state: &mut State, text: &str) -> Vec<(u64, String)> {
    let keys = text.chars().filter_map(|c| state.on(key(KeyCode::Char(c))));
    keys.map(|effect| match effect {
        Effect::Search(number, request) => (number, request.q),
        other => panic!("{other:?}"),
    })
    .collect()
}

/// The state after "lock" was typed and its results arrived.
fn answered() -> State {
    let mut state = State::new(SearchRequest::new(""));
    let (number, phrase) = typed(&mut state, "lock").pop().unwrap();
    state.on(Event::Found(number, Ok(Box::new(found(&phrase, 0.9)))));
    state.seen = Seen { hits: 2, answer: 4, answer_lines: 10, preview: true };
    state
}

#[test]
fn each_change_of_the_phrase_starts_a_search() {
    let mut state = State::new(SearchRequest::new(""));
    assert_eq!(typed(&mut state, "a é"), [(1, "a".into()), (2, "a".into()), (3, "a é".into())]);
    assert!(state.on(key(KeyCode::Left)).is_none());
    assert!(
        matches!(state.on(key(KeyCode::Backspace)), Some(Effect::Search(4, request)) if request.q == "aé")
    );
    // With an empty phrase, nothing is searched or shown.
    assert!(state.on(control('x')).is_none());
    assert!(!state.is_waiting() && state.hits().is_empty());
}

#[test]
fn only_the_results_of_the_last_search_are_shown() {
    let mut state = State::new(SearchRequest::new(""));
    let asked = typed(&mut state, "lo");
    state.on(Event::Found(asked[0].0, Ok(Box::new(found("lock", 0.9)))));
    assert!(state.hits().is_empty() && state.is_waiting());
    state.on(Event::Found(asked[1].0, Ok(Box::new(found("lock", 0.9)))));
    assert!(state.hits().len() == 3 && !state.is_waiting());
    // Results for a phrase that was deleted in the meantime are ignored.
    let (number, _) = typed(&mut state, "c").pop().unwrap();
    state.on(control('x'));
    state.on(Event::Found(number, Ok(Box::new(found("lock", 0.9)))));
    assert!(state.hits().is_empty());
}

#[test]
fn enter_chooses_the_selected_question_and_waits_for_a_running_search() {
    let mut state = answered();
    state.on(key(KeyCode::Down));
    assert_eq!(state.on(key(KeyCode::Enter)), Some(Effect::Choose));
    assert_eq!(state.selected().unwrap().source.line, 9);

    let answer_after = |keys: &[KeyCode], confidence: f32| {
        let mut state = State::new(SearchRequest::new(""));
        let (number, phrase) = typed(&mut state, "lock").pop().unwrap();
        for code in keys {
            assert_eq!(state.on(key(*code)), None);
        }
        state.on(Event::Found(number, Ok(Box::new(found(&phrase, confidence)))))
    };
    assert_eq!(answer_after(&[KeyCode::Enter], 0.9), Some(Effect::Choose));
    // No hit is chosen if none matches well enough, or if another key follows Enter.
    assert_eq!(answer_after(&[KeyCode::Enter], 0.01), None);
    assert_eq!(answer_after(&[KeyCode::Enter, KeyCode::Left], 0.9), None);
    assert_eq!(State::new(SearchRequest::new("")).on(key(KeyCode::Enter)), None);
}

#[test]
fn steps_stay_within_the_list_and_the_answer() {
    let mut state = answered();
    for (event, selected) in [
        (key(KeyCode::Up), 0),
        (control('j'), 1),
        (control('n'), 2),
        (key(KeyCode::Down), 2),
        (key(KeyCode::PageUp), 0),
        (key(KeyCode::PageDown), 2),
    ] {
        state.on(event);
        assert_eq!(state.selected, selected);
    }
    for (event, scroll) in
        [(control('d'), 2), (control('d'), 4), (control('d'), 6), (control('d'), 6), (control('u'), 4)]
    {
        state.on(event);
        assert_eq!(state.scroll, scroll);
    }
    // A newly selected question is shown from its beginning.
    state.on(key(KeyCode::Up));
    assert_eq!(state.scroll, 0);
}

#[test]
fn keys_change_the_search_settings() {
    let mut state = answered();
    let modes = [Mode::Keyword, Mode::Semantic, Mode::Hybrid];
    for mode in modes {
        assert!(matches!(state.on(control('r')), Some(Effect::Search(_, request)) if request.mode == mode));
    }
    assert!(matches!(state.on(control('t')), Some(Effect::Search(_, request)) if request.all));
    state.on(key(KeyCode::Tab));
    assert_eq!(state.preview, Some(false));
}

#[test]
fn a_paste_becomes_one_line_without_control_characters() {
    let mut state = State::new(SearchRequest::new("ab"));
    state.on(key(KeyCode::Left));
    let effect = state.on(Event::Paste("one\r\ntwo\tthree\x1b[31m\u{202e}".into()));
    assert!(matches!(effect, Some(Effect::Search(_, request)) if request.q == "aone two three[31mb"));
    assert!(typed(&mut state, "X")[0].1.ends_with("[31mXb"));
    let effect = state.on(Event::Paste("é".repeat(5000)));
    assert!(matches!(effect, Some(Effect::Search(_, request)) if request.q.chars().count() == 1000));
    assert!(state.notice.as_ref().unwrap().contains("1000 characters"));
    assert!(state.on(Event::Paste("more".into())).is_none());
}

#[test]
fn any_key_closes_the_help() {
    let mut state = State::new(SearchRequest::new(""));
    state.on(key(KeyCode::Char('?')));
    assert!(state.help);
    assert_eq!(state.on(key(KeyCode::Esc)), None);
    assert!(!state.help);
    state.on(key(KeyCode::F(1)));
    assert_eq!(typed(&mut state, "a").len(), 1);
    assert!(!state.help);
    assert_eq!(state.on(key(KeyCode::Esc)), Some(Effect::Leave));
}

#[test]
fn a_search_error_is_shown_on_one_line() {
    let mut state = State::new(SearchRequest::new(""));
    let (number, phrase) = typed(&mut state, "lock").pop().unwrap();
    let request = SearchRequest { since: Some("someday".into()), ..SearchRequest::new(phrase) };
    state.on(Event::Found(number, Err(request.query().unwrap_err())));
    let notice = state.notice.as_deref().unwrap();
    assert!(notice.starts_with("since \"someday\" is not a date") && !notice.contains('\n'), "{notice}");
}

/// The lines of a frame.
fn frame(state: &mut State, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, &Theme::plain())).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect()
}

#[test]
fn on_a_wide_terminal_the_answer_is_beside_the_list() {
    let mut state = answered();
    let lines = frame(&mut state, 110, 16);
    assert_eq!(lines[0], "› lock");
    assert!(lines[1].starts_with("  3 hits in ") && lines[1].ends_with("hybrid · F1 help"), "{}", lines[1]);
    assert!(
        lines[2].starts_with("▌ Which lock do I take?") && lines[2].contains("│ Which lock"),
        "{lines:#?}"
    );
    assert!(lines[3].starts_with("▌ ━━━━━ strong 90 %  faq/locks.md:3"), "{lines:#?}");
    assert!(lines[4].starts_with("  Why is my lock poisoned?"), "{lines:#?}");
    let answer: Vec<&str> = lines[2..].iter().filter_map(|line| line.split("│ ").nth(1)).collect();
    assert!(
        answer.contains(&"▏ let lock = Mutex::new(1);") && answer.contains(&"• First, take the lock."),
        "{answer:#?}"
    );
    assert_eq!(state.seen, Seen { hits: 7, answer: 14, answer_lines: 8, preview: true });
}

#[test]
fn on_a_narrow_terminal_the_answer_is_below_and_on_a_short_one_replaces_the_list() {
    let mut state = answered();
    let lines = frame(&mut state, 60, 24);
    let rule = lines.iter().position(|line| line.starts_with("────")).unwrap();
    assert!(lines[2].contains("Which lock") && lines[rule + 1].contains("Which lock"), "{lines:#?}");

    let lines = frame(&mut state, 60, 8);
    assert!(lines[2].starts_with("▌ strong 90 %  Which lock do I take?"), "{lines:#?}");
    assert!(lines[3].starts_with("  likely 45 %  Why is my lock"), "{lines:#?}");
    // Without calibration there is no probability.
    for hit in &mut state.results.as_mut().unwrap().hits {
        hit.probability = None;
    }
    let lines = frame(&mut state, 60, 8);
    assert!(lines[2].starts_with("▌ strong  Which lock do I take?"), "{lines:#?}");
    state.on(key(KeyCode::Tab));
    let lines = frame(&mut state, 60, 8);
    assert_eq!(
        (lines[2].trim(), lines[5].trim()),
        ("Which lock do I take?", "Use the long one."),
        "{lines:#?}"
    );
}

#[test]
fn frames_of_any_size_can_be_drawn() {
    for help in [false, true] {
        for (width, height) in [(1, 1), (2, 2), (3, 5), (12, 4), (21, 30), (101, 1), (101, 3), (200, 60)] {
            let mut state = answered();
            state.help = help;
            state.preview = Some(true);
            assert!(frame(&mut state, width, height)[0].starts_with('›'), "{width} × {height}");
        }
    }
}

#[test]
fn hits_that_do_not_match_well_enough_have_a_message() {
    let mut state = answered();
    state.results = Some(found("lock", 0.01));
    assert!(frame(&mut state, 90, 10)[1].contains("Nothing answers this. Closest questions:"));
    assert!(frame(&mut state, 50, 10)[1].contains("No answer. Closest questions:"));
    state.results = Some(found("zebra", 0.01));
    let status = &frame(&mut state, 90, 10)[1];
    assert!(status.contains("no question matches · no question contains: zebra"), "{status}");
}

#[test]
fn the_status_line_shows_the_index_and_notices() {
    let mut state = State::new(SearchRequest { level: vec!["senior".into()], ..SearchRequest::new("") });
    assert!(frame(&mut state, 90, 10)[1].contains("opening"));
    state.on(Event::Opened(Corpus { name: "docs".into(), questions: 7 }));
    let lines = frame(&mut state, 90, 10);
    assert!(lines[0].contains("type a question, keywords or code"));
    assert!(lines[1].contains("7 questions in docs") && lines[1].contains("senior"), "{}", lines[1]);
    state.on(Event::Notice("bad\x1b[2J".into()));
    assert!(frame(&mut state, 90, 10)[1].contains("bad\\u{1b}[2J"));
}

#[test]
fn a_long_phrase_is_shown_around_the_cursor() {
    let mut state = State::new(SearchRequest::new(format!("{}end", "日".repeat(40))));
    let mut terminal = Terminal::new(TestBackend::new(30, 5)).unwrap();
    terminal.draw(|frame| draw(frame, &mut state, &Theme::plain())).unwrap();
    let position = terminal.backend().cursor_position();
    let line = &frame(&mut state, 30, 5)[0];
    assert!(line.ends_with("end") && (28..30).contains(&position.x), "{line} {position}");
}
