//! A topic of a Discourse forum, as `/t/{id}.json` replies.

use std::ops::ControlFlow;

use serde_json::Value;

use super::shape::{Object, Shape, Take, at, best, pairs};
use crate::read::markup;
use crate::read::table::record::{Record, name_of, text_of};

pub const TOPIC: Shape = Shape { fits, read };

fn fits(object: &Object) -> bool {
    object.get("title").is_some_and(Value::is_string)
        && object.get("post_stream").is_some_and(|stream| stream.get("posts").is_some_and(Value::is_array))
}

/// The first post is the question; the answer is the accepted reply, or the one with the most likes.
fn read(object: Object, take: &mut Take<'_>) -> ControlFlow<()> {
    let topic = Value::Object(object);
    let text = |paths: &[&str]| at(&topic, paths).map(text_of).unwrap_or_default();
    let posts = at(&topic, &["/post_stream/posts"]).and_then(Value::as_array).into_iter().flatten();
    // The others say that a topic was closed or moved.
    let mut posts = posts.filter(|post| at(post, &["/post_type"]).is_none_or(|kind| kind == 1));
    // A page may begin anywhere, and then has no question.
    let first = posts.next().filter(|post| at(post, &["/post_number"]).is_none_or(|number| number == 1));
    let accepted = at(&topic, &["/accepted_answer", "/accepted_answers/0"]);
    let number = accepted.and_then(|accepted| accepted.get("post_number"));
    let merit = |post: &Value| {
        let is_accepted = post.get("accepted_answer").is_some_and(|accepted| *accepted == true)
            || number.is_some() && post.get("post_number") == number;
        let by_staff =
            ["/staff", "/moderator", "/admin"].iter().any(|key| at(post, &[key]) == Some(&true.into()));
        (is_accepted, likes(post).unwrap_or(0), by_staff)
    };
    let answer = best(posts.map(|post| (merit(post), post)));
    // A reply has twenty posts of a topic, but always an excerpt of the accepted one.
    let answer = match (answer, accepted) {
        (answer, Some(accepted)) if !answer.is_some_and(|answer| merit(answer).0) => {
            let excerpt = at(accepted, &["/excerpt"]).map(written).filter(|excerpt| !excerpt.is_empty());
            excerpt.or_else(|| answer.map(written))
        }
        (answer, _) => answer.map(written),
    };
    let (slug, id) = (text(&["/slug"]), text(&["/id"]));
    let path = if slug.is_empty() { String::new() } else { format!("/t/{slug}/{id}") };
    let score =
        first.and_then(likes).map(|likes| likes.to_string()).unwrap_or_else(|| text(&["/like_count"]));
    let texts = pairs([
        ("title", text(&["/title"])),
        ("body", first.map(written).unwrap_or_default()),
        ("answer", answer.unwrap_or_default()),
        ("section", at(&topic, &["/category", "/category_name"]).map(name_of).unwrap_or_default()),
        ("date", text(&["/created_at", "/post_stream/posts/0/created_at"])),
        ("url", text(&["/url", "/share_url"])),
        ("score", score),
        ("author", first.and_then(|post| at(post, &["/username"])).map(text_of).unwrap_or_default()),
        ("views", text(&["/views"])),
        ("path", path),
        ("id", id),
    ]);
    let tags = at(&topic, &["/tags"]).map(|tags| ("tags".to_owned(), tags.clone()));
    take(Ok(Record::markdown(texts.chain(tags))))
}

/// A post or an excerpt as Markdown.
fn written(post: &Value) -> String {
    let html = post.as_str().or_else(|| post.get("cooked")?.as_str()).map(markup::html_to_markdown);
    html.unwrap_or_else(|| post.get("raw").map(text_of).unwrap_or_default())
}

/// A version of Discourse counts likes among the actions on a post, where they are number 2.
fn likes(post: &Value) -> Option<i64> {
    let counted = post.get("like_count").and_then(Value::as_i64);
    counted.or_else(|| {
        let actions = post.get("actions_summary")?.as_array()?;
        actions.iter().find(|action| action.get("id").is_some_and(|id| *id == 2))?.get("count")?.as_i64()
    })
}
