//! A question and the replies to it: issues and discussions of GitHub (REST, GraphQL, `gh … --json`), questions of the
//! Stack Exchange API, and others that are built like these.

use std::ops::ControlFlow;

use serde_json::Value;

use super::{Merit, Object, Shape, Take, at, best, elements};
use crate::read::markup;
use crate::read::table::record::{Record, name_of, text_of};

pub const THREAD: Shape = Shape { fits, read };

/// Where the replies are.
const REPLIES: [&str; 3] = ["comments", "answers", "replies"];

/// Where a text is, as Markdown before HTML.
const TEXTS: [&str; 5] = ["/body_markdown", "/body", "/body_html", "/bodyHTML", "/bodyText"];

/// What tells that a title and a body are a thread without replies.
const TELLING: [&str; 11] = [
    "html_url",
    "number",
    "createdAt",
    "reactions",
    "reactionGroups",
    "authorAssociation",
    "author_association",
    "stateReason",
    "isAnswered",
    "upvoteCount",
    "issueType",
];

fn fits(object: &Object) -> bool {
    let has_text = |reply: &Value| at(reply, &TEXTS).is_some_and(Value::is_string);
    let is_list = |key: &str| object.get(key).is_some_and(|list| elements(list).next().is_some_and(has_text));
    let colored = || {
        object.get("labels").is_some_and(|labels| elements(labels).any(|label| label.get("color").is_some()))
    };
    let leads_to_github = || {
        let url = object.get("url").and_then(Value::as_str);
        url.is_some_and(|url| url.contains("/issues/") || url.contains("/discussions/"))
    };
    object.get("title").is_some_and(Value::is_string)
        && (REPLIES.into_iter().any(is_list)
            || object.get("answer").is_some_and(|answer| answer.is_object() && has_text(answer))
            || object.contains_key("body")
                && (TELLING.iter().any(|key| object.contains_key(*key)) || colored() || leads_to_github()))
}

fn read(object: Object, take: &mut Take<'_>) -> ControlFlow<()> {
    // GitHub lists pull requests among the issues.
    if object.get("pull_request").is_some_and(|request| !request.is_null()) {
        return ControlFlow::Continue(());
    }
    let thread = Value::Object(object);
    let accepted = at(&thread, &["/answer/id", "/accepted_answer_id", "/acceptedAnswerId"]);
    let replies = REPLIES.iter().filter_map(|key| thread.get(key)).flat_map(elements);
    // Replies to a reply may answer too.
    let replies = replies
        .flat_map(|reply| std::iter::once(reply).chain(reply.get("replies").into_iter().flat_map(elements)));
    let replies = replies.filter(|reply| reply.get("isMinimized").is_none_or(|hidden| *hidden == false));
    let replies = replies.map(|reply| (merit(reply, accepted), reply));
    let whole = at(&thread, &["/answer"]).filter(|answer| answer.is_object() || answer.is_string());
    let answer = best(replies.chain(whole.map(|answer| ((true, i64::MAX, true), answer))));
    let text = |paths: &[&str]| at(&thread, paths).map(name_of).map_or(Value::Null, Value::String);
    let labels = ["labels", "tags"].iter().filter_map(|key| thread.get(key)).flat_map(elements);
    let mut pairs = vec![
        ("title", at(&thread, &["/title"]).cloned().unwrap_or_default()),
        ("body", written(&thread).into()),
        ("answer", answer.map(written).unwrap_or_default().into()),
        ("id", text(&["/number", "/id", "/question_id"])),
        ("section", text(&["/category", "/section"])),
        ("tags", labels.map(|label| Value::String(name_of(label))).collect()),
        ("url", text(&["/html_url"])),
        ("score", votes(&thread).map(Value::from).unwrap_or_default()),
        ("author", text(&["/author", "/user", "/owner/display_name"])),
        ("repository", text(&["/repository/nameWithOwner"])),
        ("milestone", text(&["/milestone"])),
    ];
    pairs.retain(|(_, value)| !value.is_null());
    let known: Vec<&str> = pairs.iter().map(|(key, _)| *key).collect();
    let Value::Object(mut rest) = thread.clone() else { return ControlFlow::Continue(()) };
    rest.retain(|key, value| {
        (value.is_string() || value.is_number() || *value == true)
            && !known.contains(&key.as_str())
            && !["number", "node_id", "upvoteCount", "upvotes", "votes", "likes", "like_count", "points"]
                .contains(&key.as_str())
            && !TEXTS.iter().any(|text| text[1..] == *key)
            && !key.to_lowercase().replace('_', "").ends_with("authorassociation")
            && !key.ends_with("_url")
    });
    let pairs = pairs.into_iter().map(|(key, value)| (key.to_owned(), value));
    take(Ok(Record::markdown(pairs.chain(rest))))
}

fn merit(reply: &Value, accepted: Option<&Value>) -> Merit {
    let is_true = |key: &str| reply.get(key).is_some_and(|value| *value == true);
    let is_accepted =
        ["isAnswer", "is_answer", "isAccepted", "is_accepted", "accepted"].into_iter().any(is_true)
            || accepted.is_some() && (reply.get("id") == accepted || reply.get("answer_id") == accepted);
    let author = at(reply, &["/author", "/user"]).map(name_of).unwrap_or_default();
    let by_program =
        author.ends_with("[bot]") || at(reply, &["/user/type"]).is_some_and(|kind| kind == "Bot");
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
    let votes = number(&["/upvoteCount", "/upvotes", "/score", "/votes", "/like_count", "/likes", "/points"]);
    match (reactions, votes) {
        (Some(reactions), Some(votes)) => Some(reactions.saturating_add(votes)),
        (reactions, votes) => reactions.or(votes),
    }
}

/// The text of a post as Markdown, without the comments in which a form says how to fill it in.
fn written(post: &Value) -> String {
    let text =
        at(post, &TEXTS).or(Some(post).filter(|post| post.is_string())).map(text_of).unwrap_or_default();
    let is_html =
        ["<p", "<pre", "<div", "<h", "<ul", "<ol", "<blockquote"].iter().any(|tag| text.starts_with(tag))
            && text.ends_with('>')
            && !text.contains("\n```");
    if is_html { markup::html_to_markdown(&text) } else { without_comments(&text) }
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
