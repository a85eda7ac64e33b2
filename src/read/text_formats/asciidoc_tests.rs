use super::*;
use crate::read::testing;

#[track_caller]
fn check(text: &str, expected: &str) {
    testing::check(&ASCIIDOC, "adoc", text, expected);
}

/// Checks the Markdown of a text.
#[track_caller]
fn check_markdown(text: &str, expected: &str) {
    assert_eq!(asciidoc::parse(text).text.trim_end(), expected, "{text}");
}

#[test]
fn sections_with_and_without_underlines() {
    check(
        "= Rope FAQ\nA. Uthor <a@example.org>\n:keywords: ropes, knots\n\n== Care\n\n[[wax]]\n=== Why `wax`?\n\nIt lasts.\n\n==== Long\n\nYears.\n\n=== Is it hard?\nNo.\n",
        "8 Care > Why `wax`? = It lasts.||#### Long||Years.\n16 Care > Is it hard? = No.",
    );
    check(
        "Rope FAQ\n========\n\nWhy wax?\n--------\nIt lasts.\n\nIs it hard?\n-----------\nNo.",
        "4 Rope FAQ > Why wax? = It lasts.\n8 Rope FAQ > Is it hard? = No.",
    );
    let questions = testing::read(
        &ASCIIDOC,
        "adoc",
        b"= FAQ\n:keywords: ropes, knots\n\n== Why wax?\nSo.\n== Is it hard?\nNo.",
    );
    assert_eq!(questions[0].as_ref().unwrap().tags, ["ropes", "knots"]);
}

#[test]
fn declared_questions() {
    check(
        "[qanda]\nWhy wax?:: It lasts.\nName a knot::\n\n  A bowline.\n+\n[source,sh]\n----\ntie --bowline\n\n----\n+\nOr two.\n\n== End\nNothing.",
        "2 Why wax? = It lasts.\n3 Name a knot = A bowline.||```sh|tie --bowline|```||Or two.",
    );
}

#[test]
fn definition_lists() {
    check(
        "== One\n\n[[a]]\nWhy wax?::\n\tIt lasts.\n\tLong.\n+\nYears::: many\nDays::: more\n\n[[b]]\nIs it hard?::\n* no\n* never\n\n== Two\n\nNo question.",
        "4 One > Why wax? = It lasts.|Long.||**Years**|many|**Days**|more\n12 One > Is it hard? = - no|- never",
    );
    check(
        "= FAQ\n\nWhy wax?:: It lasts.\n\n== Knots\n\nText.\n\nIs it hard?:: No.\n",
        "3 FAQ > Why wax? = It lasts.\n9 Knots > Is it hard? = No.",
    );
}

#[test]
fn folds_and_tables_of_questions() {
    check(
        "= FAQ\n\n.Why wax?\n[%collapsible]\n====\nIt lasts.\n====\n\n.Is it hard?\n[%collapsible]\n====\nNo.\n====\n",
        "3 FAQ > Why wax? = It lasts.\n9 FAQ > Is it hard? = No.",
    );
    check(
        "[cols=\"1,2\"]\n|===\n|Question |Answer\n\n|Why wax?\n|It *lasts*.\n|Hard? a|No.\n|===\n",
        "5 Why wax? = It **lasts**.\n7 Hard? = No.",
    );
}

#[test]
fn inline_markup_becomes_markdown() {
    check_markdown("*a* _b_ `c d` **e**f `+g*h+` +i*j*+", "**a** *b* `c d` **e**f `g*h` i\\*j\\*");
    check_markdown(
        "https://a.example/x_y[the *docs*^], https://b.example, link:c.html[c,role=x] <<wax,d>> <<hot-wax>>",
        "[the **docs**](https://a.example/x_y), https://b.example, [c](c.html) [d](#wax) [hot wax](#hot-wax)",
    );
    check_markdown(
        ":product: Rope *Pro*\n\n{product}{nbsp}2, {unknown}, C{plus}{plus}, \\{product}",
        "Rope **Pro** 2, {unknown}, C++, {product}",
    );
    check_markdown(
        "\"`quoted`\" kbd:[Ctrl+C] image:a.png[A knot] [.red]#hot# wax((index)) a footnote:[Foot.]",
        "\"quoted\" `Ctrl+C` ![A knot](a.png) hot wax((index)) a (Foot.)",
    );
    check_markdown(
        "one +\ntwo 2 * 3 * 4 std::vec Vec<T> linkgit:git-gc[1]",
        "one\ntwo 2 * 3 * 4 std::vec Vec&lt;T> git-gc(1)",
    );
}

#[test]
fn lists() {
    check_markdown(
        "* one\nmore\n** deep\n... steps\n* two\n\n- dash\n\n. first\n. second\n+\nand more\n\n3. three",
        "- one more\n  - deep\n    1. steps\n- two\n\n  - dash\n\n    1. first\n    2. second\n\n       and more\n\n       3. three",
    );
    check_markdown("* one\n\nText.\n\n* two", "- one\n\nText.\n\n- two");
}

#[test]
fn blocks() {
    check_markdown(
        "[NOTE]\n====\nWax it.\n\nOften.\n====\n\nTIP: Hot.\n\n////\ngone\n////\n// gone\n\n[quote,A. Uthor]\n____\nSo.\n____",
        "Note: Wax it.\n\nOften.\n\nTip: Hot.\n\nSo.\n— A. Uthor",
    );
    check_markdown(
        ".Listing\n[source%linenums,rust]\n----\nfn main() {}\n----\n\n```js\nx\n```\n\n literal\n  text\n\n'''\n\nend",
        "**Listing**\n\n```rust\nfn main() {}\n```\n\n```js\nx\n```\n\n```\nliteral\n text\n```\n\n---\n\nend",
    );
    check_markdown(
        "|===\n|a |b\n\n2+|c\n|d\n|e `f\\|g`\n|===",
        "| a | b |\n|---|---|\n| c | d |\n| e `f\\|g` | |",
    );
    check_markdown(
        "image::a.png[A knot]\ninclude::b.adoc[]\nifdef::x[]\nin\nendif::[]",
        "![A knot](a.png)\nin",
    );
}

#[test]
fn a_forgotten_delimiter_swallows_nothing() {
    check(
        "== Why wax?\n----\nwax\n\n== Is it hard?\n====\nNo.\n\n== Who ties nets?\nAll.",
        "1 Why wax? = ```|wax|```\n5 Is it hard? = No.\n9 Who ties nets? = All.",
    );
}

#[test]
fn any_text_is_read_without_a_panic() {
    proptest::proptest!(|(text in r"([\.:*`|_+=\-#>() \\<\[\]{}/?a1é]|\n|\n\n|----|====|::|\[qanda\]|\|===|\n\+\n|https://a\[){0,120}")| {
        testing::read(&ASCIIDOC, "adoc", text.as_bytes());
    });
}
