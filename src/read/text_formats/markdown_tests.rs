use super::*;
use crate::question::Question;
use crate::read::testing;

#[track_caller]
fn check(text: &str, expected: &str) {
    testing::check(&Markdown, "md", text, expected);
}

fn questions(text: &str) -> Vec<Question> {
    testing::read(&Markdown, "md", text.as_bytes()).into_iter().map(Result::unwrap).collect()
}

#[test]
fn numbered_headings_under_sections() {
    check(
        "# Knots\n## Contents\n- [Why?](#q1)\n\n## Part one\n\n### Q1. What is a bight?\n**Probability**: 9\n\n\
         A bend.\n\n---\n\n### Q2. Explain the bowline.\nA loop.\n\n### Notes\nnothing\n## Part two\n### Q3: Why wax?\nIt lasts.\n\n## Summary\nEnd.",
        "7 Part one > What is a bight? = A bend.
         14 Part one > Explain the bowline. = A loop.
         20 Part two > Why wax? = It lasts.",
    );
}

#[test]
fn the_level_of_headings_that_asks_is_the_questions_level() {
    check(
        "# Why knots?\nIntro.\n## Basics\n### What is a bight?\nA bend.\n#### How so?\nBent.\n### Why wax it\nIt lasts.\n## More\n### Is it hard?\nNo.",
        "4 Basics > What is a bight? = A bend.|#### How so?|Bent.
         8 Basics > Why wax it = It lasts.
         11 More > Is it hard? = No.",
    );
}

#[test]
fn a_file_may_be_one_question() {
    check(
        "# Question 07 - Ropes\n\n## When is wax used?\n\nAlways.\n\n### How to wax\n\n- How much is enough?\n\nRub.",
        "3 Question 07 - Ropes > When is wax used? = Always.||### How to wax||- How much is enough?||Rub.",
    );
    check("# Why wax?\n\nIt lasts.\n\n## Reasons\n\nMany.", "1 Why wax? = It lasts.||## Reasons||Many.");
    check("---\ntitle: \"Why wax?\"\nlevel: easy\n---\n\nIt lasts.\n", "2 Why wax? [easy] = It lasts.");
}

#[test]
fn items_with_numbers_and_bold_titles() {
    check(
        "# Handbook\n## Why this book?\nBecause.\n## Questions\n1. **What is a bight?**\n\n   A bend:\n   1. one\n   2. two\n\n2. **Why wax?** It lasts.\n3. **Name a knot**\n   ```\n   4. **Not this?**\n   ```\n## Star history\nnone",
        "5 Questions > What is a bight? = A bend:|1. one|2. two
         11 Questions > Why wax? = It lasts.
         12 Questions > Name a knot = ```|4. **Not this?**|```",
    );
}

#[test]
fn lists_of_bare_questions() {
    check(
        "## Ropes\n- What is a bight?\n- Why wax? (Easy)\n* [Is it hard?](https://example.org/a)\n## Nets\n- Who ties nets?\n- not a question",
        "2 Ropes > What is a bight? = 
         3 Ropes > Why wax? [Easy] = 
         4 Ropes > Is it hard? = 
         6 Nets > Who ties nets? = ",
    );
    assert_eq!(
        questions("- [Is it hard?](https://example.org/a)\n- [Why?](https://example.org/b)")[0]
            .url
            .as_deref(),
        Some("https://example.org/a")
    );
}

#[test]
fn definition_lists() {
    check(
        "# Knots\n\nWhat is a bight?\n: A bend.\n\nWhat is a bend?\n\n:   A knot.\n\n    ```c\n      x\n    ```\n\n    Of two\nropes.\n: Also a turn.\n\n\
         ## Other\n\nText.\n\nWhat is a hitch?\n: A knot on a post.\n## More\nText.\n",
        "3 Knots > What is a bight? = A bend.\n\
         6 Knots > What is a bend? = A knot.||```c|  x|```||Of two|ropes.|Also a turn.\n\
         22 Other > What is a hitch? = A knot on a post.",
    );
    // Neither a paragraph nor a list has definitions.
    check(
        "## What is a bight?\n\nOne\ntwo\n: three\n\n- item\n: four\n",
        "1 What is a bight? = One|two|: three||- item|: four",
    );
}

#[test]
fn folds() {
    check(
        "## Ropes\n<details>\n<summary><b>What is a bight?</b></summary>\n\nA bend.\n\n<details><summary>More</summary>\nBent.\n</details>\n</details>\n\
         \nnot an answer\n<details><summary>\nWhy <code>wax</code>?\n</summary>It lasts.</details>",
        "3 Ropes > What is a bight? = A bend.||More|Bent.
         13 Ropes > Why `wax`? = It lasts.",
    );
}

#[test]
fn answers_folded_away() {
    check(
        "###### 1. What's the output?\n\n```js\nlet x;\n```\n\n- A: `1`\n- B: `2`\n\n<details><summary><b>Answer</b></summary>\n<p>\n\n#### Answer: B\n\nIt is so.\n\n</p>\n</details>\n\n---\n\n###### 2. And this?\nNo.",
        "1 What's the output? = ```js|let x;|```||- A: `1`|- B: `2`||#### Answer: B||It is so.
         22 And this? = No.",
    );
}

#[test]
fn lines_with_labels_or_in_bold() {
    check(
        "**Q1: What is a bight?**\n\nA: A bend.\n\n**Q2: Why wax?**\n\nA: It lasts.\n",
        "1 What is a bight? = A bend.\n5 Why wax? = It lasts.",
    );
    check(
        "Q: What is a bight?\nA: A bend.\n\nQ: Why wax?\nA: It lasts.\nLong.\n",
        "1 What is a bight? = A bend.\n4 Why wax? = It lasts.|Long.",
    );
    // One question with a label is enough if an answer has one, or if it is bold too.
    check("Q: What is a bight?\nA: A bend.\n", "1 What is a bight? = A bend.");
    check("**Q: What is a bight?**\n\nA bend.\n", "1 What is a bight? = A bend.");
    check(
        "Hello.\n\n**What is a bight?**\n\nA **big** bend.\n\n**Why wax?**\n\n**Never** ask.\n",
        "3 What is a bight? = A **big** bend.\n7 Why wax? = **Never** ask.",
    );
}

#[test]
fn underlined_headings() {
    check(
        "Ropes\n=====\n\nWhat is a bight?\n----------------\nA bend.\n\nWhy wax?\n--------\nIt lasts.\n",
        "4 Ropes > What is a bight? = A bend.\n8 Ropes > Why wax? = It lasts.",
    );
}

#[test]
fn furniture_around_answers_goes() {
    check(
        "<a id=\"q1\"></a>\n### Q1: What is a bight?\n\n**Difficulty**: Easy\n\n**Answer**:\n\nA <b>bend</b>.\n\n<div align=\"right\"><a href=\"#top\">Back to top</a></div>\n\n**[⬆ Back to Top](#top)**\n\n---\n<a id=\"q2\"></a>\n### Q2: Why?\nSo.",
        "2 What is a bight? [Easy] = A bend.\n16 Why? = So.",
    );
}

#[test]
fn code_and_comments_hold_no_questions() {
    check(
        "## Why wax?\n```sh\n# What is this?\n```\n<!--\n## What is that?\n-->\n## Is it hard?\nNo.",
        "1 Why wax? = ```sh|# What is this?|```\n8 Is it hard? = No.",
    );
}

#[test]
fn a_forgotten_fence_swallows_nothing() {
    check(
        "## Why wax?\n```sh\nwax\n\n## Is it hard?\nNo.\n## Who ties nets?\nAll.",
        "1 Why wax? = ```sh|wax\n5 Is it hard? = No.\n7 Who ties nets? = All.",
    );
    // A comment in code is not a heading.
    check(
        "## Why tar?\nIt lasts.\n## Why wax?\n```sh\n# Melt\n\n# Pour\nwax",
        "1 Why tar? = It lasts.\n3 Why wax? = ```sh|# Melt||# Pour|wax",
    );
}

#[test]
fn components_of_mdx_go_and_their_text_stays() {
    check(
        "---\ntitle: Help\ntags:\n  - ropes\n---\nimport Tabs from '@theme/Tabs';\nimport {\n  A,\n} from 'b';\n\nexport const x = 1;\n\n## Why wax?\n\n:::tip[Often]\n\nIt lasts.\n\n:::\n\n\
         <Tabs>\n  <TabItem value=\"a\" label=\"Hemp\" default>\n\n  Hot <Mark color=\"red\">wax</Mark>, `Vec<T>`.\n\n  </TabItem>\n</Tabs>\n\n{/* gone\n  too */}\n\n\
         ## Is it hard?\n<Picture\n  src='a'\n  title='A knot'\n/>\n<Note>No <T> is.</Note>",
        "13 Why wax? = Often||It lasts.||Hemp||Hot wax, `Vec<T>`.\n32 Is it hard? = A knot|No <T> is.",
    );
    assert_eq!(questions("---\ntags:\n  - a\n  - b\n---\n## Why?\n## How?")[0].tags, ["a", "b"]);
}

#[test]
fn components_that_fold() {
    check(
        "# Help\n\n<AccordionGroup>\n  <Accordion title=\"Why wax?\" icon={<Icon a=\">\" />}>\n    It lasts.\n  </Accordion>\n  <Accordion\n    title=\"Is it hard?\">No.</Accordion>\n</AccordionGroup>\n\n\
         ::: details Who ties nets?\nAll.\n:::\n\nEnd.",
        "4 Help > Why wax? = It lasts.\n8 Help > Is it hard? = No.\n11 Help > Who ties nets? = All.",
    );
}

#[test]
fn prose_has_no_questions() {
    check("# Notes\n\nSome text. Is it?\n\n- a list\n- of things\n\n1. step\n2. step", "");
    check("", "");
}

#[test]
fn markdown_is_known_whatever_the_file_is_called() {
    assert_eq!(Markdown.fit("md", ""), 90);
    assert_eq!(Markdown.fit("txt", "## Ropes\n### What?\nx\n### Why?\ny"), 80);
    assert_eq!(Markdown.fit("txt", "1. What is it?\n\nText.\n\n2. Why is it?\n\nText.\n"), 0);
    assert_eq!(Markdown.fit("json", "# What?\n# Why?"), 0);
}

#[test]
fn any_text_is_read_without_a_panic() {
    proptest::proptest!(|(text in r"([#>*\-`~ <\[\]()!?._\n0-9A-Za-zé]|details|summary|\n## |```|<!--){0,200}")| {
        questions(&text);
    });
}

#[test]
fn a_faq_states_problems() {
    check(
        "---\ntitle: Troubleshooting & FAQ\n---\n## Looms\n### The loom does not start at all\nPlug it in.\n### We see error 7 when weaving\nOil it.",
        "5 Looms > The loom does not start at all = Plug it in.
         7 Looms > We see error 7 when weaving = Oil it.",
    );
    check(
        "# FAQ\n## Why wax?\nIt lasts.\n## The rope is wet\nDry it.\n## Who ties?\nYou.",
        "2 FAQ > Why wax? = It lasts.
         4 FAQ > The rope is wet = Dry it.
         6 FAQ > Who ties? = You.",
    );
    // Without the word, headings that state something are headings.
    check("# Ropes\n## The rope is wet today\nDry it.\n## The rope is dry today\nGood.", "");
}

#[test]
fn an_article_is_an_entry_of_its_own() {
    let article = |text: &str| {
        let options = crate::read::Options { articles: true, ..Default::default() };
        testing::read_named("a.md", text.as_bytes(), &options)
    };
    for (text, expected) in [
        (
            "By Ada\n# Ropes\nRopes are made of hemp.\n\n## Care\nWax them.\n## Storage\nDry.",
            "2 Ropes = By Ada||Ropes are made of hemp.||## Care|Wax them.|## Storage|Dry.",
        ),
        ("Hemp is strong.\nWax it.", "1 untitled = Hemp is strong.|Wax it."),
        (
            "# Ropes\n## Why wax?\nIt lasts.\n## Who ties?\nYou.",
            "2 Ropes > Why wax? = It lasts.\n4 Ropes > Who ties? = You.",
        ),
        ("# Ropes\n", ""),
    ] {
        let article = article(text);
        let lines: Vec<&str> = article.lines().collect();
        assert_eq!(lines, expected.lines().collect::<Vec<_>>(), "{text}");
    }
    let document = markdown::parse("# Ropes\nHemp.\n## Care\nWax.\n## Storage\nDry.".to_owned());
    assert_eq!(super::article(&document, "x").unwrap().also, ["Care", "Storage"]);
}

#[test]
fn labelled_headings_hold_the_questions_below_them() {
    check(
        "# Ropes\n## Question 7: The rope that broke\n### Question\nWhat do you do?\n### Follow-up\n1. Why did it break?\n2. Who knew?\n\
         ## Question 8: The wet rope\nDry it.\n### Follow-up\n1. Why was it wet?\n2. How wet was it?\n3. Why?",
        "2 Ropes > The rope that broke = ### Question|What do you do?|### Follow-up|1. Why did it break?|2. Who knew?
         8 Ropes > The wet rope = Dry it.|### Follow-up|1. Why was it wet?|2. How wet was it?|3. Why?",
    );
}

#[test]
fn headings_that_recur_below_questions_are_parts_of_their_answers() {
    check(
        "# Ropes\n## 1. What is hemp?\n### Why do we use it?\nA.\n## 2. Jute and sisal\n### Why do we use it?\nB.\n\
         ## 3. What is wax?\n### Why do we use it?\nC.",
        "2 Ropes > What is hemp? = ### Why do we use it?|A.
         5 Ropes > Jute and sisal = ### Why do we use it?|B.
         8 Ropes > What is wax? = ### Why do we use it?|C.",
    );
    // Below topics, they are questions of their own.
    check(
        "# Ropes\n## Hemp\n### How strong is it?\nA.\n## Jute\n### How strong is it?\nB.\n## Wax\n### How strong is it?\nC.",
        "3 Hemp > How strong is it? = A.\n6 Jute > How strong is it? = B.\n9 Wax > How strong is it? = C.",
    );
}

#[test]
fn dotted_numbers_and_contents_in_headings() {
    check(
        "# Interview guide\n### [1. Ropes](#1-ropes)\n- 1.1 Tie\n### [2. Nets](#2-nets)\n## 1. Ropes\n### 1.1 Tie a bowline\nSo.\n### 1.2 Hemp or jute\nHemp.\n\
         ## 2. Nets\n### 2.1 Mend a net\nSew.\n### Q1: Who mends?\nYou.\n### Notes\nNone.",
        "6 1. Ropes > Tie a bowline = So.
         8 1. Ropes > Hemp or jute = Hemp.
         11 2. Nets > Mend a net = Sew.
         13 2. Nets > Who mends? = You.",
    );
}

#[test]
fn a_link_with_two_questions_is_one_title() {
    check(
        "# Questions\n- [Why wax? And how?](https://example.org/1)\n- Who ties? You.\n- [What is tar?](https://example.org/2)",
        "2 Questions > Why wax? And how? = \n3 Questions > Who ties? = You.\n4 Questions > What is tar? = ",
    );
}

#[test]
fn admonitions_of_mkdocs_fold() {
    check(
        "# Help\n\n??? question \"Why wax?\"\n\n    It lasts.\n\n    ```sh\n    wax rope\n    ```\n\n    !!! note\n        Twice.\n\n\
         ??? question \"Is it hard?\"\n    No.\n\nThe end.\n\n!!! faq \"Who ties?\"\n    You.\n",
        "3 Help > Why wax? = It lasts.||```sh|wax rope|```||Twice.\n14 Help > Is it hard? = No.\n19 Help > Who ties? = You.",
    );
    check(
        "## Why wax?\n!!! tip \"Often\"\n    It lasts.\n\n!!! Wow\n",
        "1 Why wax? = Often|It lasts.||!!! Wow",
    );
}

#[test]
fn a_date_in_front_matter_or_below_a_title() {
    let text = "---\ntitle: Help\ndate: 2024-03-01\n---\n## Why wax?\nIt lasts.\n## Who ties?\n**Updated:** 2025-01-02\n\nDate: soon.";
    let dates: Vec<Option<String>> = questions(text).into_iter().map(|question| question.date).collect();
    assert_eq!(dates, [Some("2024-03-01".to_owned()), Some("2025-01-02".to_owned())]);
    assert_eq!(questions(text)[1].answer, "Date: soon.");
}

#[test]
fn any_number_of_elements_may_be_on_a_line() {
    let document = markdown::parse("<summary>Why?</summary>".repeat(100_000));
    assert_eq!(document.blocks.len(), 100_000);
}

#[test]
fn what_is_repeated_with_every_question_is_short() {
    let tags = |front: &str| {
        let found = questions(&format!("---\n{front}\n---\n## Why wax?\nIt lasts.\n"));
        found[0].tags.iter().map(String::len).sum::<usize>()
    };
    assert_eq!(tags("tags: rope, wax"), 7);
    assert_eq!(tags(&format!("tags: {}", "rope, ".repeat(200))), 0);
    assert_eq!(tags(&format!("tags:\n{}", "- rope\n".repeat(1000))), 1000);
    let long = format!("# {}\n## Why wax?\nIt lasts.\n# Nets\n## Who ties nets?\n", "a".repeat(500));
    let sections: Vec<_> = questions(&long).into_iter().map(|question| question.section).collect();
    assert_eq!(sections, [None, Some("Nets".to_owned())]);
}

#[test]
fn a_heading_of_another_level_that_asks_is_a_question_outside_of_answers() {
    check(
        "## What is a bight?\nA bend.\n### How so?\nBent.\n## Notes\nNone.\n### Does it burn?\nNo.\n\
         ### Burn marks\nBlack.\n## Why wax?\nIt lasts.\n## Can wax melt?\nYes.",
        "1 What is a bight? = A bend.|### How so?|Bent.
         7 Notes > Does it burn? = No.
         11 Why wax? = It lasts.
         13 Can wax melt? = Yes.",
    );
}

#[test]
fn a_heading_below_three_questions_is_part_of_each_answer() {
    let answers = |titles: &[&str]| -> Vec<String> {
        let part = |title: &&str| format!("## What is a {title}?\nIt is one.\n## Pitfalls\nSome.\n");
        let text: String = titles.iter().map(part).collect();
        questions(&text).into_iter().map(|question| question.answer).collect()
    };
    assert_eq!(answers(&["bight", "bend", "hitch"]), ["It is one.\n## Pitfalls\nSome."; 3]);
    assert_eq!(answers(&["bight", "bend"]), ["It is one."; 2]);
}
