//! Tables of contents: which headings they name.

use std::collections::HashSet;

use super::inline::attribute;
use super::model::{Block, Document, Kind};

/// The entries of a document's tables of contents.
#[derive(Debug, Default)]
pub struct Contents {
    /// Anchors of entries without entries below them.
    leaves: HashSet<String>,
    /// The other anchors.
    parents: HashSet<String>,
    /// Texts of leaves, normalized.
    texts: HashSet<String>,
}

/// Fewer entries are links within the text, not a table of contents.
const FEWEST_ENTRIES: usize = 3;

impl Contents {
    /// Collects the entries of a document.
    pub fn of(document: &Document) -> Self {
        let entries: Vec<(usize, &str, &str)> = document
            .blocks
            .iter()
            .filter(|block| block.kind == Kind::Text)
            .filter_map(|block| Some((block.indent, block.text.contents_target()?, block.text.text.as_str())))
            .filter(|(.., text)| !is_way_back(text))
            .collect();
        let mut contents = Self::default();
        if entries.len() < FEWEST_ENTRIES {
            return contents;
        }
        for (at, (indent, target, text)) in entries.iter().enumerate() {
            let is_parent = entries.get(at + 1).is_some_and(|(next, ..)| next > indent);
            let target = target.to_lowercase();
            if is_parent {
                contents.parents.insert(target);
            } else {
                contents.leaves.insert(target);
                contents.texts.insert(bare_slug(text));
            }
        }
        contents
    }

    /// Whether a heading is an entry without entries below it. `anchors` are the names next to the heading.
    pub fn names(&self, text: &str, anchors: &[String]) -> bool {
        if self.leaves.is_empty() {
            return false;
        }
        let own = slug(text);
        let bare = bare_slug(text);
        let is_entry = |anchor: &str| self.leaves.contains(anchor) && !self.parents.contains(anchor);
        is_entry(&own) || anchors.iter().any(|anchor| is_entry(anchor)) || self.texts.contains(&bare)
    }

    /// Whether there is a table of contents.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }
}

/// What links to the beginning of a document are called.
const WAYS_BACK: &str = "back to top|top|back|to top|go to top|table of contents|contents|back to contents|\
    back to table of contents";

/// "Back to top" and its like.
pub fn is_way_back(text: &str) -> bool {
    let text = text.to_lowercase();
    let words = text.trim_matches(|c: char| !c.is_alphabetic());
    words.is_empty() || WAYS_BACK.split('|').any(|way| way == words)
}

/// The anchors that a block names: `<a name="soil">`, `<a id="soil">`, `{#soil}`.
pub fn anchors(source: &str) -> Vec<String> {
    if !source.contains(['<', '{']) {
        return Vec::new();
    }
    let tags = source.split('<').skip(1).flat_map(|tag| ["name", "id"].map(|name| attribute(tag, name)));
    let braces = source.split("{#").skip(1).map(|rest| rest.split('}').next());
    tags.chain(braces).flatten().map(str::to_lowercase).collect()
}

/// The anchor that GitHub makes of a heading.
fn slug(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' | '-' => Some('-'),
            c if c.is_alphanumeric() || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

/// Words that tell that a document holds questions.
const SAYS_QUESTIONS: &str = "question faq interview q&a quiz exercise trivia riddle fragen preguntas \
    perguntas domande vragen pytania вопрос питання sorular 问题 問題 問答 问答 面试 質問 질문";

/// Whether one of the first headings, or the title, says that the document holds questions.
pub fn says_questions(document: &Document) -> bool {
    says(document, 3, |text| SAYS_QUESTIONS.split(' ').any(|word| text.contains(word)))
}

/// Words in the title of a page of frequently asked questions.
const FAQ: &str = "faq|frequently asked|häufig gestellte|foire aux questions|preguntas frecuentes|\
    perguntas frequentes|domande frequenti|частые вопросы|常见问题|よくある質問";

/// Whether the title or the first heading says that these are frequently asked questions.
pub fn is_faq(document: &Document) -> bool {
    says(document, 1, |text| FAQ.split('|').any(|words| text.contains(words)))
}

/// Whether the title or one of the first headings says something, in lower case.
fn says(document: &Document, headings: usize, what: impl Fn(&str) -> bool) -> bool {
    let is_heading = |block: &&Block| matches!(block.kind, Kind::Heading(_));
    document.title.as_ref().is_some_and(|(_, title)| what(&title.to_lowercase()))
        || (document.blocks.iter().filter(is_heading).take(headings))
            .any(|block| what(&block.text.text.to_lowercase()))
}

/// The anchor of a heading without the number before it, for comparisons of headings.
pub fn bare_slug(text: &str) -> String {
    slug(text.trim_start_matches(|c: char| !c.is_alphabetic()))
}
