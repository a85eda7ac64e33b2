//! Question → chunks: the pieces that get a vector each.

use std::ops::Range;

use text_splitter::{ChunkConfig, ChunkSizer, MarkdownSplitter, TextSplitter};

use crate::question::Question;

/// How many tokens of an answer make one chunk at most, the title before it not counted.
///
/// One vector for a longer text says less and less of any part of it; much shorter ones lose
/// what they are about.
const ANSWER_TOKENS: usize = 180;

/// More signs than this at the beginning of a line are no structure.
const DEEPEST: usize = 200;

/// How many bytes of markup only are joined to a piece of an answer: the fence of a code block, or the
/// line below the head of a narrow table. They are as many tokens at most.
const JOINED_MARKUP: usize = 16;

/// How many tokens of its title a chunk carries at most.
const TITLE_TOKENS: usize = 60;

/// A piece of a question that gets one vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What it is a piece of.
    pub passage: Passage,
    /// The text to embed; an answer's piece carries the title before it, so that "it" and "this"
    /// have a meaning.
    pub text: String,
}

/// Which piece of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// The title.
    Title,
    /// One of the other ways to ask, counted from 0.
    Also(u32),
    /// Bytes of the [readable](crate::question::Question::readable_answer) answer.
    Answer(Range<u32>),
}

impl Passage {
    /// Whether it is a way to ask, and no piece of the answer.
    pub fn asks(&self) -> bool {
        !matches!(self, Self::Answer(_))
    }

    /// The question as asked here; its title where this is no other way to ask it.
    pub fn phrasing<'a>(&self, question: &'a Question) -> &'a str {
        match self {
            Self::Also(nth) => question.also.get(*nth as usize).unwrap_or(&question.title),
            Self::Title | Self::Answer(_) => &question.title,
        }
    }
}

/// The chunks of a question: its title, each other way to ask, and its answer along the answer's
/// own structure (paragraphs, lists, fenced code). `count_tokens` is the model's, `window` what it
/// reads of a text.
pub fn chunks(question: &Question, count_tokens: impl Fn(&str) -> usize, window: usize) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    // A piece of an answer that stands alone (see `search::tune`) has no title.
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
    // Two markers, and one token for what joining the two texts may add.
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

/// The byte ranges of the pieces of an answer, without those that are markup only. A short one of these
/// is joined to the piece with words that it stands before, or to the last one. Empty if the whole
/// answer is markup.
///
/// A long code block is split so that its opening fence is a piece of its own. With the title before
/// it, the vector of such a piece is that of the title, and the excerpt cut from it says nothing.
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

/// Whether a piece of Markdown holds no word: nothing but fences of code blocks, rules, brackets and
/// other punctuation.
pub fn is_markup_only(text: &str) -> bool {
    text.lines().all(|line| is_fence(line) || !line.contains(char::is_alphanumeric))
}

/// Whether a line opens or closes a block of code; the name of a language may follow the fence.
fn is_fence(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '>']);
    ["```", "~~~"].iter().any(|fence| {
        line.strip_prefix(fence).is_some_and(|info| !info.contains('`') && !info.trim().contains(' '))
    })
}

/// Whether some line is quoted or listed more deeply than anybody writes: the structure of such a
/// text says nothing, and finding it out takes the square of its depth.
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

    /// Words stand in for tokens.
    fn of(title: &str, answer: &str) -> Vec<Chunk> {
        let mut question = Question::new(title, 1);
        question.answer = answer.into();
        chunks(&question, |text| text.split_whitespace().count(), 256)
    }

    #[test]
    fn a_question_without_an_answer_is_its_title() {
        assert_eq!(of("Why?", " \n"), [Chunk { passage: Passage::Title, text: "Why?".into() }]);
    }

    #[test]
    fn a_short_answer_is_one_chunk_with_its_title() {
        let chunks = of("Why?", "Because.");
        assert_eq!(chunks[1], Chunk { passage: Passage::Answer(0..8), text: "Why?\nBecause.".into() });
    }

    #[test]
    fn a_long_answer_is_cut_between_paragraphs_and_covered_whole() {
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

    /// No chunk of an answer may be markup only, and together they cover all of its words.
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
    fn an_answer_of_markup_only_is_no_chunk() {
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
    fn no_depth_of_quotation_is_too_deep() {
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
}
