//! The names of keys and columns, and which part of a question each holds.

use std::borrow::Cow;

use serde_json::Value;

/// Keys that hold the question, best first.
pub const TITLE: [&str; 9] = [
    "question",
    "title",
    "question_title",
    "question_text",
    "query",
    "q",
    "prompt",
    "instruction",
    "questions",
];

/// Keys of titles that always ask.
pub const SURE_TITLE: [&str; 5] = ["question", "question_title", "question_text", "q", "questions"];

/// Keys of answers and of anything else.
pub const NEUTRAL: [&str; 5] = ["text", "content", "output", "html", "explanation"];

/// Keys that hold more words of the question than its title has.
pub const BODY: [&str; 6] = ["body", "question_body", "details", "context", "description", "input"];

/// Keys whose text may ask where there is no title.
pub const BARE: [&str; 4] = ["text", "body", "question_body", "content"];

/// Keys that hold the answer, best first.
pub const ANSWER: [&str; 18] = [
    "answer",
    "accepted_answer",
    "acceptedanswer",
    "best_answer",
    "answer_text",
    "text",
    "answers",
    "a",
    "response",
    "solution",
    "explanation",
    "content",
    "output",
    "completion",
    "responses",
    "answer_html",
    "html",
    "reply",
];

pub const KEY: [&str; 7] = ["id", "_id", "key", "qid", "uuid", "question_id", "slug"];
pub const SECTION: [&str; 6] = ["section", "category", "chapter", "group", "subject", "topic"];
pub const LEVEL: [&str; 4] = ["level", "difficulty", "seniority", "difficulty_level"];
pub const TAGS: [&str; 5] = ["tags", "tag", "topics", "keywords", "labels"];
pub const URL: [&str; 6] = ["url", "link", "href", "permalink", "source_url", "question_url"];
pub const SCORE: [&str; 5] = ["score", "votes", "rating", "upvotes", "likes"];
pub const DATE: [&str; 16] = [
    "date",
    "created",
    "created_at",
    "createdat",
    "creation_date",
    "creationdate",
    "datecreated",
    "published",
    "published_at",
    "publishedat",
    "datepublished",
    "publish_date",
    "updated",
    "updated_at",
    "updatedat",
    "timestamp",
];
pub const ALSO: [&str; 7] =
    ["also", "also_asked", "aliases", "paraphrases", "variants", "alternate_questions", "similar_questions"];

/// What a name of a column or key is compared as: `Question Title` → `question_title`.
pub fn normalized(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'0'..=b'9')) {
        return Cow::Borrowed(name);
    }
    let name = name.trim().trim_start_matches('\u{feff}').trim_matches(['"', '*']);
    Cow::Owned(name.to_lowercase().replace([' ', '-'], "_"))
}

/// Whether a column or key of this (normalized) name holds a question.
pub fn is_title(name: &str) -> bool {
    TITLE.contains(&name)
}

/// Whether a key of this (normalized) name holds a question, and nothing else has such a key.
pub fn is_sure_title(name: &str) -> bool {
    SURE_TITLE.contains(&name)
}

/// Whether a column or key of this (normalized) name holds an answer.
pub fn is_answer(name: &str) -> bool {
    ANSWER.contains(&name) || BODY.contains(&name)
}

/// Names of lists and objects that belong to a record instead of holding records.
const PARTS: &str = "answers choices options patterns utterances responses paragraphs comments replies \
    milestone projectitems projectcards closedbypullrequestsreferences suggested_topics related_topics";

/// Whether a value of this (normalized) name belongs to a record instead of holding records.
pub fn is_part(name: &str) -> bool {
    PARTS.split(' ').any(|part| part == name) || TAGS.contains(&name) || ALSO.contains(&name)
}

/// The keys and values of a map that may be a record.
pub type View<'n> = Vec<(&'n str, Cow<'n, Value>)>;
