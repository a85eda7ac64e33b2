//! Runs the programs in `examples/`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::util::{Dir, FAQ, Output};

/// The path of an example. `cargo test` builds the examples, but `cargo test --test it` does not. If an
/// example was not built, reports that the test is skipped and returns `None`; if `RQSEARCH_TEST_EVERYTHING`
/// is set, panics.
fn example(name: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_rqsearch"));
    let path = program.with_file_name("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() {
        return Some(path);
    }
    let everything = std::env::var_os("RQSEARCH_TEST_EVERYTHING").is_some();
    assert!(!everything, "{} is missing: `cargo build --release --examples` builds it", path.display());
    crate::util::skipped("`cargo build --release --examples` was not run");
    None
}

fn run(dir: &Dir, name: &str, args: &[&str], input: &str) -> Option<Output> {
    let mut command = Command::new(example(name)?);
    command.args(args).current_dir(dir.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(Output::of(&mut command, input).success())
}

#[test]
fn bot_answers_only_known_questions() {
    let dir = Dir::new();
    dir.write("faq.md", FAQ);
    let messages = "hi all\nhow long should bread dough rise\nlol\n\nmy kitchen knife is blunt, how do I sharpen it again?\nwho won the match yesterday?\n";
    let Some(output) = run(&dir, "bot", &["index", "faq.md"], messages) else { return };
    let replies: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(replies.len(), 2, "{output:?}");
    assert_eq!(replies[0], "That was asked before: How long should bread dough rise? (faq.md:3)");
    assert!(replies[1].contains("How do I sharpen a kitchen knife?"), "{output:?}");
}

#[test]
fn dedup_removes_repeated_questions() {
    let dir = Dir::new();
    let list = "How do I sharpen a knife?\nWhen should I prune roses?\n\nhow do i sharpen a knife\nWhen is the right time to prune roses?\nWhen should I prune apple trees?\n";
    dir.write("list.txt", list);
    let Some(output) = run(&dir, "dedup", &["list.txt"], "") else { return };
    assert_eq!(
        output.stdout,
        "How do I sharpen a knife?\nWhen should I prune roses?\nWhen should I prune apple trees?\n"
    );
    assert_eq!(output.stderr, "line 4 duplicates line 1 (repeat)\nline 5 duplicates line 2 (paraphrase)\n");
}

#[test]
fn custom_searches_tickets_with_its_own_model() {
    let dir = Dir::new();
    let tickets = "[T-17]\nasked = My parcel has not arrived\nsolved = Ask the carrier.\n\n[T-18]\nasked = How do I change my password?\nsolved = In the settings.\n";
    dir.write("tickets.ini", tickets);
    let Some(output) = run(&dir, "custom", &["tickets.ini", "parcells arriving"], "") else { return };
    let first = output.stdout.lines().next().unwrap();
    assert!(first.ends_with("T-17  My parcel has not arrived"), "{output:?}");
}

#[test]
fn vectors_writes_a_row_for_each_passage_and_phrase() {
    let dir = Dir::indexed();
    dir.write("phrases.txt", "How long should bread dough rise?\nroses\n");
    let Some(output) = run(&dir, "vectors", &[".rqsearch", "phrases.txt", "out"], "") else { return };
    let text = std::fs::read_to_string(dir.path().join("out/passages.jsonl")).unwrap();
    let passages: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(output.stdout.starts_with(&format!("{} passages of ", passages.len())), "{output:?}");
    let rows = |file: &str| -> Vec<Vec<f32>> {
        let bytes = std::fs::read(dir.path().join("out").join(file)).unwrap();
        let floats: Vec<f32> =
            bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        floats.chunks(384).map(<[f32]>::to_vec).collect()
    };
    let (passage_rows, phrase_rows) = (rows("passages.f32"), rows("phrases.f32"));
    assert_eq!((passage_rows.len(), phrase_rows.len()), (passages.len(), 2));
    // The first phrase is a title, so its vector is that of the passage with this text.
    let dot = |one: &[f32], two: &[f32]| one.iter().zip(two).map(|(one, two)| one * two).sum::<f32>();
    let nearest = (0..passages.len()).max_by(|one, two| {
        dot(&passage_rows[*one], &phrase_rows[0]).total_cmp(&dot(&passage_rows[*two], &phrase_rows[0]))
    });
    let nearest = nearest.unwrap();
    assert_eq!(passages[nearest]["text"], "How long should bread dough rise?");
    assert!((dot(&passage_rows[nearest], &phrase_rows[0]) - 1.0).abs() < 0.01);
}
