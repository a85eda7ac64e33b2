//! Tests of the state and of frames, without a terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::state::{Effect, State};
use crate::decisions::{Choice, Decided, Decision, Decisions};
use crate::duplicates::{Cache, Judged, Options};
use crate::index::Index;
use crate::interactive::draw::{Theme, draw_review};
use crate::question::Question;

/// Five questions in two groups: three and two with the same title.
fn index() -> Index {
    let titles = ["Why is it red?", "why is it RED", "WHY is it red", "Who is **it**?", "who is it"];
    let question = |(line, title): (u64, &str)| {
        let mut question = Question::new(title, line);
        question.id = format!("{line:012x}");
        question.source.path = "faq.md".to_owned();
        question
    };
    let questions: Vec<Question> = (1..).zip(titles).map(question).collect();
    Index::in_memory(&questions, None).unwrap()
}

fn judged(index: &Index) -> Judged<'_> {
    Judged::new(index, &Options::default(), &mut Cache::default()).unwrap()
}

/// Presses keys, and saves each change as the file would. Returns the decisions.
fn press(state: &mut State<'_>, saved: &mut Decisions, keys: &[KeyCode]) {
    for code in keys {
        match state.on(KeyEvent::new(*code, KeyModifiers::NONE)) {
            Some(Effect::Change(change)) => {
                match &change.decision {
                    Some(decision) => _ = saved.insert(decision.clone()),
                    None => _ = saved.remove(&change.ids[0], &change.ids[1]),
                }
                state.saved(&change, saved.clone());
            }
            Some(other) => panic!("{other:?}"),
            None => {}
        }
    }
}

fn pair(state: &State<'_>) -> Option<(usize, usize)> {
    state.current().map(|item| (item.one, item.two))
}

#[test]
fn decisions_move_to_the_next_pair_until_none_is_open() {
    let index = index();
    let judged = judged(&index);
    let (mut state, mut saved) = (State::new(&judged, Decisions::default()), Decisions::default());
    assert_eq!((pair(&state), state.position()), (Some((0, 1)), [(1, 3), (1, 2)]));
    press(&mut state, &mut saved, &[KeyCode::Char('s')]);
    assert_eq!(pair(&state), Some((0, 2)));
    press(&mut state, &mut saved, &[KeyCode::Char('d'), KeyCode::Char('k')]);
    assert_eq!((pair(&state), state.progress().decided, state.progress().open), (None, 3, 0));
    let choices: Vec<Choice> = saved.iter().map(|decision| decision.choice).collect();
    assert_eq!(choices, [Choice::Same, Choice::Different, Choice::KeepOne]);
    // A review of the rest has nothing to show.
    assert_eq!(pair(&State::new(&judged, saved)), None);
}

#[test]
fn the_rest_of_a_split_group_is_shown_after_the_last_pair() {
    let index = index();
    let judged = judged(&index);
    let (mut state, mut saved) = (State::new(&judged, Decisions::default()), Decisions::default());
    // The first two pairs are different: what is left of their group are its second and third question.
    press(&mut state, &mut saved, &[KeyCode::Char('d'), KeyCode::Char('d'), KeyCode::Char('s')]);
    assert_eq!(pair(&state), None, "repeats are only compared with the first one");
    press(&mut state, &mut saved, &[KeyCode::Char('u'), KeyCode::Char('u'), KeyCode::Char('u')]);
    assert!(saved.is_empty() && pair(&state) == Some((0, 1)));
}

#[test]
fn the_kept_question_is_compared_with_the_others_of_its_group_until_that_is_undone() {
    let index = index();
    let judged = judged(&index);
    let (mut state, mut saved) = (State::new(&judged, Decisions::default()), Decisions::default());
    press(&mut state, &mut saved, &[KeyCode::Tab, KeyCode::Char('k')]);
    assert_eq!(pair(&state), Some((1, 2)));
    let first = saved.iter().next().unwrap();
    assert_eq!(first.kept().unwrap().id, format!("{:012x}", 2));
    press(&mut state, &mut saved, &[KeyCode::Char('u')]);
    assert_eq!((pair(&state), saved.len()), (Some((0, 1)), 0));
    press(&mut state, &mut saved, &[KeyCode::Char('s')]);
    assert_eq!(pair(&state), Some((0, 2)));
}

#[test]
fn moving_decides_nothing_and_undo_restores_the_decision_before() {
    let index = index();
    let judged = judged(&index);
    let (mut state, mut saved) = (State::new(&judged, Decisions::default()), Decisions::default());
    let keys = [KeyCode::Char(' '), KeyCode::Down, KeyCode::Up, KeyCode::Up, KeyCode::Up];
    press(&mut state, &mut saved, &keys);
    assert!(pair(&state) == Some((0, 1)) && saved.is_empty());
    press(&mut state, &mut saved, &[KeyCode::Char('s'), KeyCode::Up, KeyCode::Char('d')]);
    assert_eq!(saved.iter().next().unwrap().choice, Choice::Different);
    press(&mut state, &mut saved, &[KeyCode::Char('u')]);
    assert_eq!((saved.iter().next().unwrap().choice, state.progress().decided), (Choice::Same, 1));
    press(&mut state, &mut saved, &[KeyCode::Char('u'), KeyCode::Char('u')]);
    assert!(saved.is_empty());
    assert_eq!(state.notice.as_deref(), Some("there is nothing to undo"));
}

/// The lines of a frame.
fn frame(state: &mut State<'_>, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw_review(frame, state, &Theme::plain())).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect()
}

#[test]
fn both_questions_are_side_by_side_or_one_above_the_other() {
    let index = index();
    let judged = judged(&index);
    let mut state = State::new(&judged, Decisions::default());
    let lines = frame(&mut state, 100, 12);
    assert_eq!(lines[0], "pair 1 of 3 · group 1 of 2 · 0 decided");
    assert!(lines[1].starts_with("repeat · the same words except for case"), "{lines:#?}");
    assert!(lines[2].starts_with("▌ Why is it red?") && lines[2].contains("│   why is it RED"), "{lines:#?}");
    assert!(lines[3].contains("faq.md:1 · 000000000001") && lines[3].contains("faq.md:2"), "{lines:#?}");
    assert!(lines[11].starts_with("s same  d different  k keep this one"), "{lines:#?}");
    state.is_second_selected = true;
    let lines = frame(&mut state, 40, 16);
    assert!(lines.iter().all(|line| line.chars().count() <= 40));
    let at = |text: &str| {
        lines.iter().position(|line| line.starts_with(text)).unwrap_or_else(|| panic!("{lines:#?}"))
    };
    assert!(at("  Why is it red?") < at("────") && at("────") < at(" ▌ why is it RED"), "{lines:#?}");
    assert_eq!(lines[15], "s same d different k keep u undo ? q");
}

#[test]
fn frames_of_any_size_can_be_drawn() {
    let index = index();
    let judged = judged(&index);
    for (width, height) in [(1, 1), (2, 2), (3, 5), (12, 4), (21, 30), (80, 1), (80, 3), (200, 60)] {
        let (mut state, mut saved) = (State::new(&judged, Decisions::default()), Decisions::default());
        for keys in [&[KeyCode::Char('?')][..], &[KeyCode::Char('s'), KeyCode::Up], &[KeyCode::Char('d'); 5]]
        {
            assert!(!frame(&mut state, width, height).is_empty());
            press(&mut state, &mut saved, keys);
            frame(&mut state, width, height);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is decided is the same, in whatever order the decisions are made and saved, and different questions are never in
    /// one group.
    #[test]
    fn decisions_in_any_order_give_the_same_groups(
        mut pairs in prop::collection::btree_map((0..5_usize, 0..5_usize), 0..4_u8, 0..8),
        seed in any::<u64>(),
    ) {
        pairs.retain(|(one, two), _| one < two);
        let index = index();
        let judged = judged(&index);
        let about = |nth: usize| Decided::from(&judged.questions()[nth]);
        let choices = [Choice::Same, Choice::Different, Choice::KeepOne, Choice::KeepTwo];
        let made = |((one, two), choice): (&(usize, usize), &u8)| {
            Decision::new(about(*one), about(*two), choices[usize::from(*choice)])
        };
        let decisions: Vec<Decision> = pairs.iter().map(made).collect();
        let mut shuffled = decisions.clone();
        shuffled.sort_by_key(|decision| xxhash_rust::xxh3::xxh3_64_with_seed(decision.one.id.as_bytes(), seed));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d.jsonl");
        let lines: Vec<String> = shuffled.iter().map(|one| serde_json::to_string(one).unwrap()).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        let grouped = judged.grouped(&decisions.iter().cloned().collect());
        prop_assert_eq!(&grouped, &judged.grouped(&Decisions::read(&path).unwrap()));
        for group in &grouped.groups {
            let mut members: Vec<usize> = group.members.iter().map(|member| member.question).collect();
            members.push(group.canonical);
            for decision in decisions.iter().filter(|decision| !decision.is_same()) {
                let inside = members.iter().filter(|nth| {
                    [&decision.one.id, &decision.two.id].contains(&&judged.questions()[**nth].id)
                });
                prop_assert!(inside.count() < 2, "{:?} are different", decision);
            }
        }
        // A decision that two questions are the same is applied, or it is named.
        for decision in decisions.iter().filter(|decision| decision.is_same()) {
            let has = |nth: usize| [&decision.one.id, &decision.two.id].contains(&&judged.questions()[nth].id);
            let is_applied = grouped.groups.iter().any(|group| {
                let members = group.members.iter().map(|member| member.question);
                members.chain([group.canonical]).filter(|nth| has(*nth)).count() == 2
            });
            let is_named = grouped.unapplied.iter().any(|unapplied| unapplied.decision == *decision);
            prop_assert!(is_applied != is_named, "{:?}", decision);
        }
    }
}
