use super::*;
use crate::read::testing;

#[track_caller]
fn check(text: &str, expected: &str) {
    testing::check(&ORG, "org", text, expected);
}

/// Checks the Markdown of a text.
#[track_caller]
fn check_markdown(text: &str, expected: &str) {
    assert_eq!(org::parse(text).text.trim_end(), expected, "{text}");
}

#[test]
fn headings_with_states_tags_and_drawers() {
    let text = "#+TITLE: Rope FAQ\n#+FILETAGS: :rope:\n* Care\n** TODO [#A] Why =wax=? [1/2] :wax:care:\nSCHEDULED: <2024-01-01 Mon>\n:PROPERTIES:\n:ID: x\n:END:\nIt lasts.\n*** Long\nYears.\n\
        ** Is it hard?\nNo.\n** COMMENT Not this?\ngone\n* Nets\n** Who ties nets?\nAll.";
    check(
        text,
        "4 Care > Why `wax`? = It lasts.|### Long|Years.
         12 Care > Is it hard? = No.
         17 Nets > Who ties nets? = All.",
    );
    let questions = testing::read(&ORG, "org", text.as_bytes());
    assert_eq!(questions[0].as_ref().unwrap().tags, ["rope", "wax", "care"]);
    assert_eq!(questions[1].as_ref().unwrap().tags, ["rope"]);
}

#[test]
fn a_file_may_be_one_question() {
    check("#+title: Why wax?\n\nIt lasts.\n* Reasons\nMany.", "1 Why wax? = It lasts.|# Reasons|Many.");
}

#[test]
fn description_lists() {
    check(
        "* FAQ\n- Why wax? :: It\n  lasts.\n\n  - Long :: years\n- Is it hard? :: No.\n* End\nNothing.",
        "2 FAQ > Why wax? = It|lasts.||- **Long**: years\n6 FAQ > Is it hard? = No.",
    );
}

#[test]
fn inline_markup_becomes_markdown() {
    check_markdown(
        "*a* /b/ ~c d~ =e*f= +g+ a/b/c 2*3 snake_case",
        "**a** *b* `c d` `e*f` ~~g~~ a/b/c 2\\*3 snake_case",
    );
    check_markdown(
        "[[https://a.example/x_y][the /docs/]] [[https://b.example]] [[#wax][wax]] [[*Hot wax]] [[file:c.org::*D][d]] [[./e.png]]",
        "[the *docs*](https://a.example/x_y) <https://b.example> [wax](#wax) [Hot wax](#hot-wax) [d](c.org) ![](./e.png)",
    );
    check_markdown(
        "A [[https://a.example][link\nacross]] lines[fn:1] [[kbd:][SPC h]]\\\\\nend {{{kbd(C-c)}}} <2024-01-01 Mon>",
        "A [link across](https://a.example) lines[1] SPC h\nend `C-c` <2024-01-01 Mon>",
    );
}

#[test]
fn lists_and_tables() {
    check_markdown(
        "- one more\n  1. deep\n  2) next\n+ [X] two\n\n- end\nText.",
        "- one more\n  1. deep\n  2. next\n- [X] two\n\n- end\nText.",
    );
    check_markdown("| a | b |\n|---+---|\n| ~c~ | |\n#+TBLFM: x", "| a | b |\n|---|---|\n| `c` |  |");
}

#[test]
fn blocks() {
    check_markdown(
        "#+begin_src rust :tangle yes\n  fn main() {\n  }\n#+end_src\n\n#+BEGIN_QUOTE\nSo.\n#+END_QUOTE\n#+begin_comment\ngone\n#+end_comment\n# gone\n: fixed\n:  more\n-----",
        "```rust\nfn main() {\n}\n```\n\nSo.\n```\nfixed\n more\n```\n\n---",
    );
    check_markdown(
        "#+BEGIN_EXAMPLE\n,* a\n,#+b\n#+END_EXAMPLE\n#+begin_note\nWax.\n#+end_note\n- a\n  #+begin_src\n  x\n  #+end_src",
        "```\n* a\n#+b\n```\n\nNote:\nWax.\n- a\n  ```\n  x\n  ```",
    );
}

#[test]
fn a_forgotten_end_swallows_nothing() {
    check(
        "* Why wax?\n#+begin_src sh\nwax\n\n* Is it hard?\n:PROPERTIES:\n:a: b\n* Who ties nets?\nAll.",
        "1 Why wax? = ```sh|wax|```\n5 Is it hard? = :a: b\n8 Who ties nets? = All.",
    );
}

#[test]
fn any_text_is_read_without_a_panic() {
    proptest::proptest!(|(text in r"([\.:*`|_+=\-#>() \\<\[\]{}/~?a1é]|\n|\n\* |\n#\+begin_src\n|\n#\+end_src\n|\[\[|\]\[|\n:END:\n|\n:a:\n| :: ){0,120}")| {
        testing::read(&ORG, "org", text.as_bytes());
    });
}

#[test]
fn rows_are_not_filled_up_to_a_very_wide_one() {
    let text = org::parse(&format!("|a|b|\n|1|\n\n{}|\n{}", "|a".repeat(1000), "|b|\n".repeat(1000))).text;
    assert!(text.starts_with("| a | b |\n|---|---|\n| 1 | |\n"), "{text}");
    assert!(text.len() < 300_000, "{}", text.len());
}
