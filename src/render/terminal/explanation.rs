//! Why a hit is ranked where it is, as a tree.

use std::io::{self, Write};

use termtree::Tree;
use unicode_width::UnicodeWidthStr;

use super::{INDENT, Layout, QUIET, wrapped};
use crate::curation::Fired;
use crate::question::Question;
use crate::same_question::Kind;
use crate::search::{
    AlsoAsked, AppliedPin, Explanation, FITTED, Hit, Mode, NAMED, Passage, Raised, Reason, TitleMatch,
    WordMatch,
};

/// How many characters of the nearest chunk are shown.
const CHUNK: usize = 60;

/// The lines that explain a confidence, each with the features whose effects it sums.
const REASONS: [(&str, &[&str]); 6] = [
    ("similarity to the phrase, semantic and keyword", &["cosine", "covered", "cosine_covered"]),
    ("more similar than other questions", &["stands_out"]),
    ("matches the words of the phrase", &["keyword"]),
    ("lead over the other hits", &["lead"]),
    ("contains the exact terms of the phrase", &["named"]),
    ("length of the phrase", &["words"]),
];

/// Writes the tree with the indentation of a hit.
pub fn write_explanation(
    out: &mut impl Write,
    hit: &Hit,
    why: &Explanation,
    layout: Layout,
) -> io::Result<()> {
    let mut tree = Tree::new(score(hit, why));
    tree.extend(why.pin.as_ref().map(|applied| pin(applied, layout)));
    tree.extend(semantic(hit, why, layout));
    tree.push(keyword(hit, why, layout));
    if !why.reasons.is_empty() {
        tree.push(confidence(hit, &why.reasons));
    }
    tree.extend(hit.also_asked.iter().map(|asked| Tree::new(also_asked(asked, layout))));
    for line in tree.to_string().lines() {
        for line in branch_lines(line, layout.width) {
            writeln!(out, "{INDENT}{QUIET}{line}{QUIET:#}")?;
        }
    }
    Ok(())
}

/// A line of a tree, wrapped so that it fits `width` columns with its indentation. The branches of the tree
/// continue on the added lines.
fn branch_lines(line: &str, width: Option<usize>) -> Vec<String> {
    let at = line.find(|c| !"│├└─ ".contains(c)).unwrap_or(line.len());
    let (first, text) = line.split_at(at);
    let rest = first.replace("├──", "│  ").replace("└──", "   ");
    let room = width.map(|width| width.saturating_sub(INDENT.len() + first.width()).max(20));
    let wrapped = wrapped(text, room).into_iter().enumerate();
    wrapped.map(|(nth, range)| format!("{}{}", if nth == 0 { first } else { &rest }, &text[range])).collect()
}

/// Why a question is not a hit of its own.
fn also_asked(asked: &AlsoAsked, layout: Layout) -> String {
    let rule = match asked.kind {
        Kind::Exact | Kind::Repeat => "the same title, and the answers agree".to_owned(),
        Kind::Paraphrase => {
            format!("the titles ask the same with a probability of {}", decimal(asked.probability))
        }
    };
    let Question { title, source, .. } = &asked.question;
    format!("also asked: “{}” ({}): {rule}", layout.shown(title), layout.shown(&source.to_string()))
}

/// How the score is computed.
fn score(hit: &Hit, why: &Explanation) -> String {
    if why.raised == Some(Raised::Pinned) {
        return format!("pinned: moved to the front (score {})", decimal(hit.score));
    }
    match hit.title_match {
        TitleMatch::Exact => return "the phrase is its title or an alternative title".to_owned(),
        TitleMatch::Near => return "the phrase is nearly its title or an alternative title".to_owned(),
        TitleMatch::OneWordDiffers | TitleMatch::Different => {}
    }
    match why.raised {
        Some(Raised::Spelling) => {
            return "moved to the front: its title writes the words as the phrase does".to_owned();
        }
        Some(Raised::Confidence) => {
            return "moved to the front: the hits with a higher score are less likely to be an answer"
                .to_owned();
        }
        Some(Raised::Pinned) | None => {}
    }
    let score = decimal(hit.score);
    if let Some(relevance) = hit.relevance {
        return format!(
            "score {score}: half its score before reranking, half the reranker's relevance (log-odds {relevance:+.1})"
        );
    }
    let (Mode::Hybrid, Some(semantic), Some(keyword)) =
        (why.mode, why.normalized.semantic, why.normalized.keyword)
    else {
        return format!("score {score}, by one retriever only");
    };
    let weight = why.semantic_weight;
    let sum = format!(
        "{} × {} semantic + {} × {} keyword",
        decimal(weight),
        decimal(semantic),
        decimal(1.0 - weight),
        decimal(keyword)
    );
    let named = why.normalized.named.map(|named| {
        format!("({sum} + {} × {} exact terms) / {}", decimal(NAMED), decimal(named), decimal(1.0 + NAMED))
    });
    match (why.neighbours, named) {
        (None, named) => format!("score {score} = {}", named.unwrap_or(sum)),
        (Some(neighbours), named) => {
            let own = named.map_or(sum, |named| format!("({named})"));
            let weight = why.neighbour_weight;
            format!(
                "score {score} = ({own} + {} × {} of the nearest hits) / {}",
                decimal(weight),
                decimal(neighbours),
                decimal(1.0 + weight)
            )
        }
    }
}

/// The pin that applies to the phrase: what it does, why it applies, and who decided it.
fn pin(applied: &AppliedPin, layout: Layout) -> Tree<String> {
    let AppliedPin { pin, phrase, cosine, unknown, .. } = applied;
    let why = cosine.map_or_else(String::new, |cosine| format!(" with cosine {}", decimal(cosine)));
    let who = pin.by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
    let when = pin.date.as_ref().map_or_else(String::new, |date| format!(" on {date}"));
    let head = format!("pin of line {} for “{phrase}”{why}, decided{who}{when}", pin.line);
    let head = if who.is_empty() && when.is_empty() { head.replace(", decided", "") } else { head };
    let mut tree = Tree::new(layout.shown(&head).into_owned());
    for (what, ids) in [("first", &pin.ids), ("hidden", &pin.hide), ("not in the index", unknown)] {
        if !ids.is_empty() {
            tree.push(format!("{what}: {}", layout.shown(&ids.join(", "))));
        }
    }
    if let Some(note) = &pin.note {
        tree.push(layout.shown(note).into_owned());
    }
    tree
}

fn semantic(hit: &Hit, why: &Explanation, layout: Layout) -> Option<Tree<String>> {
    let cosine = hit.scores.cosine?;
    let rank =
        why.semantic_rank.map_or_else(String::new, |(rank, of)| format!("{} of {of}, ", ordinal(rank)));
    let centred = hit.scores.centred.map_or_else(String::new, |centred| {
        format!(", {} without the mean of the index and after feedback from the best hits", decimal(centred))
    });
    let mut tree = Tree::new(format!("semantic: {rank}cosine {}{centred}", decimal(cosine)));
    if let Some((passage, _)) = &why.nearest {
        tree.push(format!("nearest chunk: {}", chunk(hit, passage, layout)));
    }
    Some(tree)
}

/// Which part of a question a chunk is, and how it begins.
fn chunk(hit: &Hit, passage: &Passage, layout: Layout) -> String {
    let answer = hit.question.readable_answer();
    let (name, text) = match passage {
        Passage::Title => return "title".to_owned(),
        Passage::Also(nth) => {
            ("alternative title", hit.question.also.get(*nth as usize).map_or("", String::as_str))
        }
        Passage::Answer(range) => {
            ("answer", answer.get(range.start as usize..range.end as usize).unwrap_or_default())
        }
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = line.chars().take(CHUNK).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    format!("{name}, “{}”", layout.shown(&shown))
}

fn keyword(hit: &Hit, why: &Explanation, layout: Layout) -> Tree<String> {
    let Some((rank, of)) = why.keyword_rank else {
        return Tree::new("keyword: no words of the phrase".to_owned());
    };
    let head = format!(
        "keyword: {} of {of}, BM25 {:.1}, {:.0} % of the phrase by idf",
        ordinal(rank),
        hit.scores.bm25,
        100.0 * hit.scores.covered
    );
    let (present, missing): (Vec<&WordMatch>, Vec<_>) =
        why.words.iter().partition(|found| found.counts.iter().any(|count| *count > 0));
    let mut tree = Tree::new(head);
    tree.extend(why.synonyms.iter().map(|fired| Tree::new(synonym(fired, layout))));
    for found in present {
        let fields = ["title", "alternative titles", "answer"].iter().zip(found.counts);
        let fields = fields.filter(|(_, count)| *count > 0).map(|(field, count)| match count {
            1 => (*field).to_owned(),
            several => format!("{field} {several}×"),
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        let written = layout.shown(&found.word);
        let synonyms = match found.synonyms.as_slice() {
            [] => String::new(),
            synonyms => format!(" = {}", layout.shown(&synonyms.join(" = "))),
        };
        tree.push(format!("{written}{synonyms} (idf {:.1}): {fields}", found.idf));
    }
    if !missing.is_empty() {
        let words: Vec<&str> = missing.iter().map(|found| found.word.as_str()).collect();
        tree.push(format!("missing: {}", layout.shown(&words.join(", "))));
    }
    tree
}

/// A synonym in the phrase, and where its file says so.
fn synonym(fired: &Fired, layout: Layout) -> String {
    let texts: Vec<&str> = fired.expansions.iter().map(|expansion| expansion.text.as_str()).collect();
    let mut lines: Vec<String> =
        fired.expansions.iter().map(|expansion| expansion.line.to_string()).collect();
    lines.dedup();
    let texts = format!("synonym: “{}” finds “{}”", fired.written, texts.join("”, “"));
    format!("{} (line {})", layout.shown(&texts), lines.join(", "))
}

fn confidence(hit: &Hit, reasons: &[Reason]) -> Tree<String> {
    let confidence = decimal(hit.confidence.unwrap_or_default());
    let average = decimal(FITTED.average());
    let mut tree = Tree::new(format!("confidence {confidence} (an average hit has {average})"));
    let mut effects = REASONS.map(|(name, features)| {
        let effects = reasons.iter().filter(|reason| features.contains(&reason.feature));
        (name, effects.map(|reason| reason.effect).sum::<f32>())
    });
    effects.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    for (name, effect) in effects {
        tree.push(format!("odds × {:.2}: {name}", effect.exp()));
    }
    tree
}

/// `0.75`
fn decimal(value: f32) -> String {
    format!("{value:.2}")
}

/// `1st`, `12th`, `23rd`.
fn ordinal(rank: usize) -> String {
    let suffix = match (rank % 10, rank % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{rank}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::FEATURES;

    #[test]
    fn ranks_are_written_as_ordinals() {
        for (rank, expected) in
            [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (113, "113th"), (121, "121st")]
        {
            assert_eq!(ordinal(rank), expected);
        }
    }

    #[test]
    fn long_lines_of_a_tree_are_wrapped() {
        let lines = branch_lines("│   ├── one two three four five six", Some(34));
        assert_eq!(lines, ["│   ├── one two three four", "│   │   five six"]);
        assert_eq!(
            branch_lines("└── one two three four five", Some(28)),
            ["└── one two three four", "    five"]
        );
        assert_eq!(branch_lines("└── a", None), ["└── a"]);
    }

    #[test]
    fn every_feature_is_explained_once() {
        let mut explained: Vec<&str> = REASONS.iter().flat_map(|(_, features)| *features).copied().collect();
        let mut features = FEATURES.to_vec();
        explained.sort_unstable();
        features.sort_unstable();
        assert_eq!(explained, features);
    }
}
