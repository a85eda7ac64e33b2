//! Splits questions into chunks. Each chunk gets one vector.

use std::ops::Range;

use text_splitter::{ChunkConfig, ChunkSizer, MarkdownSplitter, TextSplitter};

use crate::question::Question;

/// The maximum number of tokens from the answer in a chunk. The title before it is not counted.
///
/// The vector of a longer text represents each part of it less well. A much shorter text lacks context.
const ANSWER_TOKENS: usize = 180;

/// A line that starts with more markers (quotes, list items) than this is not treated as Markdown structure.
const DEEPEST: usize = 200;

/// The maximum number of bytes of markup that are merged into a chunk: the fence of a code block, or the line
/// below the header of a narrow table. The number of tokens is at most the same.
const JOINED_MARKUP: usize = 16;

/// The maximum length of a title in tokens. Longer titles are not repeated in the chunks of the answer.
const TITLE_TOKENS: usize = 60;

/// A part of a question that gets one vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The part of the question that this chunk covers.
    pub passage: Passage,
    /// The text to embed. A chunk of the answer starts with the title, to give context to words such as "it"
    /// and "this".
    pub text: String,
}

/// A part of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// The title.
    Title,
    /// An alternative title, by its index.
    Also(u32),
    /// A byte range of the [readable answer](crate::question::Question::readable_answer).
    Answer(Range<u32>),
}

impl Passage {
    /// Whether this is a phrasing of the question: its title or an alternative title.
    pub fn asks(&self) -> bool {
        !matches!(self, Self::Answer(_))
    }

    /// The alternative title if this is one, else the title.
    pub fn phrasing<'a>(&self, question: &'a Question) -> &'a str {
        match self {
            Self::Also(nth) => question.also.get(*nth as usize).unwrap_or(&question.title),
            Self::Title | Self::Answer(_) => &question.title,
        }
    }
}

/// Splits a question into chunks: the title, each alternative title, and the answer. The answer is split
/// along its structure (paragraphs, lists, fenced code). A title or answer that is empty has no chunk.
///
/// `count_tokens` counts tokens as the model does. `window` is the maximum number of tokens that the model
/// reads.
pub fn chunks(question: &Question, count_tokens: impl Fn(&str) -> usize, window: usize) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    // `search::tune` chunks answers without a title.
    if !question.title.is_empty() {
        chunks.push(Chunk { passage: Passage::Title, text: question.title.clone() });
    }
    chunks.extend(
        (0..)
            .zip(&question.also)
            .map(|(nth, text)| Chunk { passage: Passage::Also(nth), text: text.clone() }),
    );
    let answer = question.readable_answer();
    if answer.trim().is_empty() {
        return chunks;
    }
    let title_tokens = count_tokens(&question.title);
    let context = if title_tokens <= TITLE_TOKENS { question.title.as_str() } else { "" };
    // 3 tokens: two special tokens, and one that joining the two texts can add.
    let room = window.saturating_sub(title_tokens.min(TITLE_TOKENS) + 3 + JOINED_MARKUP);
    let capacity = ANSWER_TOKENS.min(room).max(16);
    let config = ChunkConfig::new(capacity).with_sizer(Sizer(count_tokens));
    let pieces: Vec<(usize, &str)> = if is_deeply_nested(&answer) {
        TextSplitter::new(config).chunk_indices(&answer).collect()
    } else {
        MarkdownSplitter::new(config).chunk_indices(&answer).collect()
    };
    chunks.extend(with_words(&answer, pieces).into_iter().filter_map(|range| {
        let text = &answer[range.clone()];
        let range = u32::try_from(range.start).ok()?..u32::try_from(range.end).ok()?;
        let text = if context.is_empty() { text.to_owned() } else { format!("{context}\n{text}") };
        Some(Chunk { passage: Passage::Answer(range), text })
    }));
    chunks
}

/// The byte ranges of the pieces of an answer, without pieces that are markup only. Short markup is merged
/// into the piece that follows it, or at the end into the last one. Empty if the whole answer is markup.
///
/// The splitter makes the opening fence of a long code block a piece of its own. With the title before it,
/// the vector of such a piece would be that of the title, and an excerpt from it would be useless.
fn with_words(answer: &str, pieces: Vec<(usize, &str)>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::with_capacity(pieces.len());
    let mut markup_from = None;
    for (start, text) in pieces {
        let end = start + text.len();
        if is_markup_only(text) {
            markup_from = (text.len() <= JOINED_MARKUP).then_some(start);
        } else {
            ranges.push(markup_from.take().unwrap_or(start)..end);
        }
    }
    if let (Some(_), Some(last)) = (markup_from, ranges.last_mut()) {
        let end = answer.trim_end().len();
        if end - last.end <= JOINED_MARKUP {
            last.end = end;
        }
    }
    ranges
}

/// Whether a piece of Markdown contains no words, only fences of code blocks, rules, brackets and other
/// punctuation.
pub fn is_markup_only(text: &str) -> bool {
    text.lines().all(|line| is_fence(line) || !line.contains(char::is_alphanumeric))
}

/// Whether a line opens or closes a code block. The name of a language can follow the fence.
fn is_fence(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '>']);
    ["```", "~~~"].iter().any(|fence| {
        line.strip_prefix(fence).is_some_and(|info| !info.contains('`') && !info.trim().contains(' '))
    })
}

/// Whether a line starts with more than [`DEEPEST`] quote and list markers. No author writes such text, and
/// parsing it takes time quadratic in the depth.
fn is_deeply_nested(answer: &str) -> bool {
    let is_marker = |c: char| matches!(c, '>' | '*' | '-' | '+' | ' ' | '\t');
    answer.lines().any(|line| {
        line.chars().take_while(|c| is_marker(*c)).nth(DEEPEST).is_some() && line.contains(['>', '*', '+'])
    })
}

struct Sizer<F>(F);

impl<F: Fn(&str) -> usize> ChunkSizer for Sizer<F> {
    fn size(&self, chunk: &str) -> usize {
        self.0(chunk)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Chunks a question, with words counted as tokens.
    fn of(title: &str, answer: &str) -> Vec<Chunk> {
        let mut question = Question::new(title, 1);
        question.answer = answer.into();
        chunks(&question, |text| text.split_whitespace().count(), 256)
    }

    #[test]
    fn a_question_without_an_answer_has_one_chunk() {
        assert_eq!(of("Why?", " \n"), [Chunk { passage: Passage::Title, text: "Why?".into() }]);
    }

    #[test]
    fn a_short_answer_is_one_chunk_with_its_title() {
        let chunks = of("Why?", "Because.");
        assert_eq!(chunks[1], Chunk { passage: Passage::Answer(0..8), text: "Why?\nBecause.".into() });
    }

    #[test]
    fn a_long_answer_is_split_between_paragraphs_without_gaps() {
        let paragraph = "word ".repeat(100);
        let answer =
            format!("{paragraph}\n\n```rust\nfn a() {{}}\n\nfn b() {{}}\n```\n\n{paragraph}\n\n{paragraph}");
        let chunks = of("Why?", &answer);
        let mut end = 0;
        for chunk in &chunks[1..] {
            let Passage::Answer(range) = &chunk.passage else { panic!("{chunk:?}") };
            let (from, to) = (range.start as usize, range.end as usize);
            assert!(answer[end..from].trim().is_empty(), "nothing is left out");
            assert!(chunk.text.ends_with(&answer[from..to]));
            assert!(answer[from..to].split_whitespace().count() <= ANSWER_TOKENS);
            end = to;
        }
        assert_eq!(chunks.len(), 4, "{chunks:#?}");
        assert!(answer[end..].trim().is_empty());
        assert!(chunks.iter().any(|chunk| chunk.text.contains("fn a() {}\n\nfn b() {}")), "code stays whole");
    }

    /// Checks that no chunk of an answer is markup only, and that the chunks cover all of its words.
    #[track_caller]
    fn check_words(answer: &str) {
        let mut end = 0;
        for chunk in &of("Why?", answer)[1..] {
            let Passage::Answer(range) = &chunk.passage else { panic!("{chunk:?}") };
            let (from, to) = (range.start as usize, range.end as usize);
            assert!(!is_markup_only(&answer[from..to]), "{:?} of {answer:?}", &answer[from..to]);
            assert!(is_markup_only(&answer[end..from]), "{:?} is left out", &answer[end..from]);
            end = to;
        }
        assert!(is_markup_only(&answer[end..]), "{:?} is left out", &answer[end..]);
    }

    #[test]
    fn the_fence_of_a_long_code_block_stays_with_its_code() {
        let code = "let number = one + another + a_third;\n".repeat(120);
        let answer = format!("```rust\n{code}```");
        check_words(&answer);
        let chunks = of("Why?", &answer);
        assert!(chunks[1].text.starts_with("Why?\n```rust\nlet number"), "{}", chunks[1].text);
        assert!(chunks.len() > 2);
        check_words(&format!("Before it.\n\n{answer}\n\n---\n\n"));
        check_words(&format!("> {}", answer.replace('\n', "\n> ")));
    }

    #[test]
    fn an_answer_of_markup_only_has_no_chunk() {
        for answer in ["---", "```rust\n```", "* * *\n\n```\n{\n}\n```", "| - | - |"] {
            assert_eq!(of("Why?", answer).len(), 1, "{answer}");
        }
        for answer in ["``` let it = run() ```", "~~~~ one word", "1", "é", "それ"] {
            assert_eq!(of("Why?", answer).len(), 2, "{answer}");
        }
    }

    proptest! {
        #[test]
        fn no_chunk_is_markup_only(blocks in vec((0..7_usize, 1..90_usize), 0..12)) {
            let block = |(kind, count): (usize, usize)| match kind {
                0 => format!("```rust\n{}```\n\n", "let one = two + three;\n".repeat(count)),
                1 => format!("~~~\n{}~~~\n\n", "}\n".repeat(count)),
                2 => "---\n\n".repeat(count),
                3 => format!("| a | b |\n|---|---|\n{}\n", "| - | - |\n".repeat(count)),
                4 => format!("{}\n\n", "word. ".repeat(4 * count)),
                5 => format!("{}\n", "- item\n".repeat(count)),
                _ => format!("> {}\n\n", "( ) [ ] ".repeat(3 * count)),
            };
            check_words(&blocks.into_iter().map(block).collect::<String>());
        }
    }

    #[test]
    fn deeply_nested_quotes_are_split_as_plain_text() {
        let chunks = of("Why?", &format!("{}so\n\nand so", "> ".repeat(50_000)));
        assert!(chunks.last().unwrap().text.ends_with("and so"), "{chunks:?}");
        assert!(
            chunks.iter().all(|chunk| chunk.text.split_whitespace().count() <= ANSWER_TOKENS + JOINED_MARKUP)
        );
    }

    #[test]
    fn a_very_long_title_leaves_room_for_the_answer() {
        let chunks = of(&"title ".repeat(400), &"word ".repeat(300));
        assert!(chunks[1..].iter().all(|chunk| chunk.text.split_whitespace().count() <= 256));
        assert!(chunks.len() > 2);
    }

    #[test]
    fn a_title_of_60_tokens_precedes_the_answer_and_a_longer_one_does_not() {
        let title = "title ".repeat(60);
        assert_eq!(of(&title, "Because.")[1].text, format!("{title}\nBecause."));
        assert_eq!(of(&"title ".repeat(61), "Because.")[1].text, "Because.");
    }

    #[test]
    fn a_chunk_with_its_title_and_merged_markup_fits_the_window_and_nearly_fills_it() {
        // Each byte is a token. The longest fence that is merged has 16 bytes with its line end.
        let title = "t".repeat(60);
        let mut question = Question::new(title, 1);
        question.answer = format!("```abcdefghijkl\n{}\n```", "a ".repeat(1_000));
        for window in [128, 200, 256] {
            let longest = chunks(&question, str::len, window)[1..].iter().map(|chunk| chunk.text.len()).max();
            // Two special tokens are added.
            let tokens = longest.unwrap() + 2;
            assert!((window - 4..=window).contains(&tokens), "{tokens} of {window}");
        }
    }

    #[test]
    fn markup_of_16_bytes_is_merged_and_longer_markup_is_left_out() {
        let check = |pieces: &[&str], expected: &[&str]| {
            let answer = pieces.concat();
            let mut end = 0;
            let placed = pieces.iter().map(|piece| {
                end += piece.len();
                (end - piece.len(), *piece)
            });
            let found: Vec<&str> =
                with_words(&answer, placed.collect()).into_iter().map(|range| &answer[range]).collect();
            assert_eq!(found, expected, "{pieces:?}");
        };
        let (short, long) = ("----------------", "-----------------");
        check(&[short, "word"], &["----------------word"]);
        check(&[long, "word"], &["word"]);
        check(&["word", short], &["word----------------"]);
        check(&["word", long], &["word"]);
        check(&["one", "--", "two"], &["one", "--two"]);
        check(&["one", short, long, "two"], &["one", "two"]);
        check(&["word", "----------", "----------"], &["word"]);
        check(&[short], &[]);
    }

    #[test]
    fn more_than_200_markers_before_a_line_are_no_structure() {
        for (line, expected) in [
            (">".repeat(201), true),
            (">".repeat(200), false),
            ("> ".repeat(101), true),
            (" ".repeat(300), false),
            ("-".repeat(300), false),
            (format!("a{}", ">".repeat(300)), false),
        ] {
            assert_eq!(is_deeply_nested(&format!("before\n{line}\nafter")), expected, "{line}");
        }
    }
}
