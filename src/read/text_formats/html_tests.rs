use super::*;
use crate::read::testing;

#[track_caller]
fn check(html: &str, expected: &str) {
    testing::check(&Html, "html", html, expected);
}

#[test]
fn a_page_that_declares_its_questions_is_taken_at_its_word() {
    check(
        "<html><script type=\"application/ld+json\">\n{\"@context\":\"https://schema.org\",\"@type\":\"FAQPage\",\"mainEntity\":[\n\
         {\"@type\":\"Question\",\"name\":\"Why <b>wax</b>?\",\"acceptedAnswer\":{\"@type\":\"Answer\",\"text\":\"<p>It <i>lasts</i>.</p>\"}},\n\
         {\"@type\":\"Question\",\"name\":\"Is it hard?\",\"acceptedAnswer\":{\"text\":\"No.\"}}]}</script>\n\
         <h2>Ready to start?</h2><details><summary>Why wax?</summary>It lasts.</details>",
        "3 Why wax? = It *lasts*.\n4 Is it hard? = No.",
    );
    check(
        "<script type='application/ld+json'>{\"@graph\":[{\"@type\":\"WebSite\"},{\"@type\":[\"WebPage\",\"FAQPage\"],\"mainEntity\":{\"@type\":\"Question\",\"name\":\"Why wax?\",\"acceptedAnswer\":{\"text\":\"So.\"}}}]}</script>",
        "1 Why wax? = So.",
    );
    check(
        "<script type=\"application/ld+json\">\n{\"@type\":\"FAQPage\",</script><details><summary>Why wax?</summary>So.</details>",
        "2 ! broken JSON: EOF while parsing a value\n2 Why wax? = So.",
    );
}

#[test]
fn folds() {
    check(
        "<h1>Help</h1>\n<h2>Ropes</h2>\n<details open>\n<summary><span>Why <code>wax</code>?</span></summary><p>It <b>lasts</b>.</p>\n<details><summary>More</summary>Long.</details></details>\
         <p>no answer</p>\n<details><summary>Is it hard?</summary><ul><li>No.</li></ul></details>",
        "4 Ropes > Why `wax`? = It **lasts**.||More||Long.\n6 Ropes > Is it hard? = - No.",
    );
}

#[test]
fn lists_of_definitions() {
    check(
        "<dl>\n<dt>Why wax?</dt><dd>It lasts.</dd>\n<dt>Is it hard?<dd>No.\n<dt>Cost</dt><dd>Little.</dd></dl><p>footer</p>",
        "2 Why wax? = It lasts.\n3 Is it hard? = No.\n4 Cost = Little.",
    );
}

#[test]
fn headings_and_what_follows_them() {
    check(
        "<nav><h3>Where am I?</h3></nav><h1>Rope FAQ</h1><h2>Care</h2><h3>1. Why wax?</h3><p>It lasts.</p><h4>Long</h4><p>Very.</p>\n\
         <h3>Is it hard? (Easy)</h3><pre><code class=\"language-rust\">let a = 1 &lt; 2;\n</code></pre><h2>About</h2><p>Us.</p><footer>x</footer>",
        "1 Care > Why wax? = It lasts.||#### Long||Very.\n2 Care > Is it hard? [Easy] = ```rust|let a = 1 < 2;|```",
    );
}

#[test]
fn other_ways_to_mark_a_question() {
    check(
        "<div class=\"faq-item\"><div class=\"faq-question\">Why wax?</div><div class=\"faq-answer\">It lasts.</div></div>\n<div class=\"faq-question\">Is it hard?</div><div>No.</div>",
        "1 Why wax? = It lasts.\n2 Is it hard? = No.",
    );
    check(
        "<p><strong>Why wax?</strong></p><p>It <b>lasts</b>.</p><p><b>Is it hard?</b><br>No.</p>",
        "1 Why wax? = It **lasts**.\n1 Is it hard? = No.",
    );
    check(
        "<button aria-expanded=false>Why wax? +</button><div>It lasts.</div><button>Is it hard?</button><div>No.</div>",
        "1 Is it hard? = No.",
    );
}

#[test]
fn pages_without_questions() {
    check("<html><h1>Hello</h1><p>Text</p>", "");
    check("", "");
    assert_eq!(Html.fit("txt", " <!DOCTYPE html><html>"), 95);
    assert_eq!(Html.fit("md", "text"), 0);
}

#[test]
fn any_text_is_read_without_a_panic() {
    proptest::proptest!(|(html in r#"(</?(details|summary|dt|dd|dl|h2|h3|p|b|script|code|nav)( class="question")?>|<script type="application/ld\+json">|why\?|[<>&"é/ a]|<!--|-->){0,40}"#)| {
        testing::read(&Html, "html", html.as_bytes());
    });
}

#[test]
fn emphasis_is_nested_to_a_limit() {
    let nested = html::parse(&("<b>".repeat(1000) + "x" + &"</b>".repeat(1000) + " <b>y</b>"));
    let text = nested.document.text;
    assert!(text.contains('x') && text.ends_with(" **y**\n") && text.len() < 100, "{text}");
}
