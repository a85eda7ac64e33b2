//! A question and the replies to it: issues and discussions of GitHub (REST, GraphQL, `gh … --json`), questions of the
//! Stack Exchange API, and others that are built like these.

use std::ops::ControlFlow;

use serde_json::Value;

use super::shape::{Merit, Object, Shape, Take, at, best, elements};
use crate::read::markup;
use crate::read::table::record::{Record, name_of, text_of};

pub const THREAD: Shape = Shape { fits, read };

/// Where the replies are.
const REPLIES: [&str; 3] = ["comments", "answers", "replies"];

/// Where a text is, as Markdown before HTML.
const TEXTS: [&str; 7] = ["body_markdown", "body", "body_html", "bodyHTML", "bodyText", "content", "text"];

/// Where votes are.
const VOTES: [&str; 7] = ["upvoteCount", "upvotes", "score", "votes", "like_count", "likes", "points"];

/// What tells that a title and a body are a thread without replies.
const TELLING: &str = "html_url createdAt reactions reactionGroups authorAssociation author_association \
    stateReason isAnswered upvoteCount issueType";

/// What says that a reply was accepted.
const ACCEPTED: [&str; 5] = ["isAnswer", "is_answer", "isAccepted", "is_accepted", "accepted"];

fn fits(object: &Object) -> bool {
    let has = |key: &str| object.contains_key(key);
    let first_reply = |key: &str| elements(object.get(key)?).next().filter(|reply| text(reply).is_some());
    // Answers without votes are one answer.
    let is_vote =
        |reply: &Value| votes(reply).is_some() || ACCEPTED.iter().any(|key| reply.get(*key).is_some());
    let has_replies = || {
        REPLIES
            .into_iter()
            .filter_map(|key| Some((key, first_reply(key)?)))
            .any(|(key, reply)| key != "answers" || is_vote(reply))
    };
    let has_answer =
        || object.get("answer").is_some_and(|answer| answer.is_object() && text(answer).is_some());
    let is_colored = || {
        object.get("labels").is_some_and(|labels| elements(labels).any(|label| label.get("color").is_some()))
    };
    let leads_to_github = || {
        let url = object.get("url").and_then(Value::as_str);
        url.is_some_and(|url| url.contains("/issues/") || url.contains("/discussions/"))
    };
    object.get("title").is_some_and(Value::is_string)
        && (has_replies()
            || has_answer()
            || has("number") && (has("body") || has("state"))
            || has("body") && (TELLING.split(' ').any(has) || is_colored() || leads_to_github()))
}

fn read(object: Object, take: &mut Take<'_>) -> ControlFlow<()> {
    // GitHub lists pull requests among the issues.
    if object.get("pull_request").is_some_and(|request| !request.is_null()) {
        return ControlFlow::Continue(());
    }
    let thread = Value::Object(object);
    let named = |paths: &[&str]| at(&thread, paths).map(name_of).map_or(Value::Null, Value::String);
    let title = text_of(&thread["title"]);
    // The Stack Exchange API escapes what it replies, GitHub does not.
    let title = if thread.get("question_id").is_some() { markup::title(&title) } else { title };
    let labels = ["labels", "tags"].iter().filter_map(|key| thread.get(key)).flat_map(elements);
    let mut pairs = vec![
        ("title", title.into()),
        ("body", written(&thread).into()),
        ("answer", answer(&thread).map(written).unwrap_or_default().into()),
        ("id", named(&["/number", "/id", "/question_id"])),
        ("section", named(&["/category", "/section"])),
        ("tags", labels.map(|label| Value::String(name_of(label))).collect()),
        ("url", named(&["/html_url"])),
        ("score", votes(&thread).map(Value::from).unwrap_or_default()),
        ("author", named(&["/author", "/user", "/owner/display_name"])),
        ("repository", named(&["/repository/nameWithOwner"])),
        ("milestone", named(&["/milestone"])),
    ];
    pairs.retain(|(_, value)| !value.is_null());
    let is_read = |key: &str| {
        pairs.iter().any(|(read, _)| *read == key)
            || TEXTS.contains(&key)
            || VOTES.contains(&key)
            || key == "number"
    };
    // API addresses and internal values.
    let is_noise = |key: &str| {
        key.ends_with("_url") || ["node_id", "author_association", "authorAssociation"].contains(&key)
    };
    let rest = thread.as_object().into_iter().flatten().filter(|(key, value)| {
        (value.is_string() || value.is_number() || **value == true) && !is_read(key) && !is_noise(key)
    });
    let rest: Vec<(String, Value)> = rest.map(|(key, value)| (key.clone(), value.clone())).collect();
    let pairs = pairs.into_iter().map(|(key, value)| (key.to_owned(), value));
    take(Ok(Record::markdown(pairs.chain(rest))))
}

/// The answer of a thread, or else the best reply.
fn answer(thread: &Value) -> Option<&Value> {
    let accepted = at(thread, &["/answer/id", "/accepted_answer_id", "/acceptedAnswerId"]);
    let replies = REPLIES.iter().filter_map(|key| thread.get(key)).flat_map(elements);
    // Replies to a reply may answer too.
    let replies = replies
        .flat_map(|reply| std::iter::once(reply).chain(reply.get("replies").into_iter().flat_map(elements)));
    let replies = replies.filter(|reply| reply.get("isMinimized").is_none_or(|hidden| *hidden == false));
    let replies = replies.map(|reply| (merit(reply, accepted), reply));
    let whole = at(thread, &["/answer"]).filter(|answer| answer.is_object() || answer.is_string());
    best(replies.chain(whole.map(|answer| ((true, i64::MAX, true), answer))))
}

fn merit(reply: &Value, accepted: Option<&Value>) -> Merit {
    let is_true = |key: &str| reply.get(key).is_some_and(|value| *value == true);
    let is_accepted = ACCEPTED.into_iter().any(is_true)
        || accepted.is_some() && (reply.get("id") == accepted || reply.get("answer_id") == accepted);
    let author = at(reply, &["/author", "/user"]).map(name_of).unwrap_or_default();
    let by_program = author.ends_with("[bot]")
        || at(reply, &["/user/type"]).is_some_and(|kind| kind == "Bot")
        || at(reply, &["/author/is_bot"]).is_some_and(|is_bot| *is_bot == true);
    let association = at(reply, &["/authorAssociation", "/author_association"]).and_then(Value::as_str);
    let by_maintainer = matches!(association, Some("OWNER" | "MEMBER" | "COLLABORATOR"));
    (is_accepted, if by_program { i64::MIN } else { votes(reply).unwrap_or(0) }, by_maintainer)
}

/// Votes and reactions, those against it subtracted.
fn votes(post: &Value) -> Option<i64> {
    let number = |paths: &[&str]| at(post, paths).and_then(Value::as_i64);
    let against = number(&["/reactions/-1"]).unwrap_or(0);
    let reactions = number(&["/reactions/total_count", "/reactions/totalCount", "/reactions"]);
    let groups = post.get("reactionGroups").and_then(Value::as_array).map(|groups| {
        let count = |group: &Value| {
            let count = at(group, &["/users/totalCount", "/reactors/totalCount"]).and_then(Value::as_i64);
            let sign = if group.get("content").is_some_and(|kind| kind == "THUMBS_DOWN") { -1 } else { 1 };
            sign * count.unwrap_or(0)
        };
        groups.iter().map(count).fold(0, i64::saturating_add)
    });
    let reactions = reactions.map(|all| all.saturating_sub(against.saturating_mul(2))).or(groups);
    let votes = VOTES.iter().find_map(|key| post.get(*key)?.as_i64());
    match (reactions, votes) {
        (Some(reactions), Some(votes)) => Some(reactions.saturating_add(votes)),
        (reactions, votes) => reactions.or(votes),
    }
}

fn text(post: &Value) -> Option<&str> {
    TEXTS.iter().find_map(|key| post.get(*key)?.as_str()).or(post.as_str())
}

/// The text of a post as Markdown, without the comments in which a form says how to fill it in.
fn written(post: &Value) -> String {
    let text = text(post).unwrap_or_default().trim();
    let is_html =
        ["<p", "<pre", "<div", "<h", "<ul", "<ol", "<blockquote"].iter().any(|tag| text.starts_with(tag))
            && text.ends_with('>')
            && !text.contains("\n```");
    if is_html { markup::html_to_markdown(text) } else { without_comments(text) }
}

/// Markdown without the HTML comments that begin a line, those in fenced code aside.
fn without_comments(text: &str) -> String {
    let (mut kept, mut from, mut fenced) = (String::with_capacity(text.len()), 0, false);
    let last = text.rfind("-->").unwrap_or(0);
    while from < text.len() {
        let end = text[from..].find('\n').map_or(text.len(), |end| from + end + 1);
        let line = text[from..end].trim_start();
        fenced ^= line.starts_with("```") || line.starts_with("~~~");
        let start = end - line.len();
        let is_comment = !fenced && line.starts_with("<!--") && start < last;
        from = match is_comment.then(|| text[start..].find("-->")).flatten() {
            Some(close) => start + close + 3,
            None => {
                kept.push_str(&text[from..end]);
                end
            }
        };
    }
    kept.trim().to_owned()
}
