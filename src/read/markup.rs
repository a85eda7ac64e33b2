//! Converts HTML in texts and titles to Markdown.

use std::borrow::Cow;

use super::html;
use super::line::one_line;

/// Tags that show that a text is HTML. `Vec<T>` and `a < b` are text.
const TELLING: &str = "<p>|</p>|<br|</a>|</li>|</div>|</span>|</b>|</strong>|</em>|</i>|</code>|</h|<img ";

/// Whether a text is written in HTML.
pub fn is_html(text: &str) -> bool {
    text.contains('<') && TELLING.split('|').any(|tag| text.contains(tag))
}

/// A text as Markdown: HTML is converted, any other text is only trimmed.
pub fn to_markdown(text: &str) -> Cow<'_, str> {
    if is_html(text) { Cow::Owned(html_to_markdown(text)) } else { Cow::Borrowed(text.trim()) }
}

/// HTML as Markdown, without scripts and styles.
pub fn html_to_markdown(html: &str) -> String {
    html::to_markdown(html)
}

/// The body of a question and its answer, with a rule between them. Either may be empty.
pub fn joined(body: &str, answer: &str) -> String {
    parts([body, answer], "\n\n---\n\n")
}

/// Texts as paragraphs. Any may be empty.
pub fn paragraphs<const N: usize>(texts: [&str; N]) -> String {
    parts(texts, "\n\n")
}

fn parts<const N: usize>(texts: [&str; N], between: &str) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(between)
}

/// A title on one line. Of HTML, tags are removed and entities replaced.
pub fn title(text: &str) -> String {
    let entities = text.contains('&') && text.contains(';');
    let plain = if is_html(text) || entities { html_to_text(text) } else { text.to_owned() };
    one_line(&plain)
}

/// The text of HTML. `<code>` becomes backticks; other tags are removed.
fn html_to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut tokens = html5gum::Tokenizer::new(html);
    while let Some(Ok(token)) = tokens.next() {
        match token {
            html5gum::Token::String(piece) => text.push_str(&String::from_utf8_lossy(&piece.value)),
            html5gum::Token::StartTag(tag) => match tag.name.as_slice() {
                b"code" => text.push('`'),
                b"br" | b"p" | b"div" | b"li" => text.push(' '),
                // `<T>` of `Vec<T>` is not a tag.
                name if name.len() == 1
                    && !matches!(name, b"a" | b"b" | b"i" | b"p" | b"q" | b"s" | b"u") =>
                {
                    text.push_str(&format!("<{}>", String::from_utf8_lossy(name).to_uppercase()));
                }
                _ => {}
            },
            html5gum::Token::EndTag(tag) => match tag.name.as_slice() {
                b"code" => text.push('`'),
                b"p" | b"div" | b"li" => text.push(' '),
                _ => {}
            },
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_markdown_and_the_rest_stays() {
        assert_eq!(to_markdown("<p>A <b>bend</b>.</p><ul><li>one</li></ul>"), "A **bend**.\n\n- one");
        assert_eq!(to_markdown("Vec<T> & a < b"), "Vec<T> & a < b");
        assert_eq!(to_markdown("<p>x</p><script>alert()</script>"), "x");
        let code = to_markdown("<pre><code>let a = 1;\nlet b;\n</code></pre>").into_owned();
        assert!(code.contains("```") && code.contains("let a = 1;\nlet b;"), "{code}");
    }

    #[test]
    fn titles_are_one_line_of_text() {
        assert_eq!(title("What is <code>Arc&lt;T&gt;</code>\n &amp; why?"), "What is `Arc<T>` & why?");
        assert_eq!(title(" plain  text "), "plain text");
        assert_eq!(title("R&D; Vec<T>?"), "R&D; Vec<T>?");
    }
}
