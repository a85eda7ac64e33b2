use super::*;
use crate::read::testing;

#[track_caller]
fn check(text: &str, expected: &str) {
    testing::check(&RST, "rst", text, expected);
}

/// Checks the Markdown of a text.
#[track_caller]
fn check_markdown(text: &str, expected: &str) {
    assert_eq!(rst::parse(text).text.trim_end(), expected, "{text}");
}

#[test]
fn titles_have_levels_in_order_of_appearance() {
    check(
        ":level: easy\n\n.. _top:\n\n=======\n Knots\n=======\n\n.. contents::\n   :local:\n\nRopes\n=====\n\nWhy wax?\n--------\nIt lasts.\n\nHow long\n~~~~~~~~\nYears.\n\n\
         Is it ``hard``?\n---------------\n\nNo.\n\nNets\n====\n\nWho ties nets?\n--------------\nAll.",
        "15 Ropes > Why wax? [easy] = It lasts.||#### How long|Years.
         23 Ropes > Is it `hard`? [easy] = No.
         31 Nets > Who ties nets? [easy] = All.",
    );
}

#[test]
fn definition_lists() {
    check(
        "FAQ\n===\n\nWhy wax?\n  It lasts.\n\n  Long::\n\n    wax --on\n\nIs it hard?\n  No.\n\nEnd\n===\nNothing.",
        "4 FAQ > Why wax? = It lasts.||Long:||```|wax --on|```\n11 FAQ > Is it hard? = No.",
    );
}

#[test]
fn folds_rubrics_and_tables_of_questions() {
    check(
        "FAQ\n===\n\n.. dropdown:: Why wax?\n   :open:\n\n   It lasts.\n\n.. dropdown:: Is it hard?\n\n   No.\n",
        "4 FAQ > Why wax? = It lasts.\n9 FAQ > Is it hard? = No.",
    );
    check(
        ".. rubric:: Why wax?\n\nIt lasts.\n\n.. rubric:: Is it hard?\n\nNo.",
        "1 Why wax? = It lasts.\n5 Is it hard? = No.",
    );
    check(
        "========  ===========\nQuestion  Answer\n========  ===========\nWhy wax?  It lasts.\n\nHard?     No,\n          not at all.\n========  ===========\n",
        "4 Why wax? = It lasts.\n6 Hard? = No, not at all.",
    );
}

#[test]
fn inline_markup_becomes_markdown() {
    check_markdown("*a* **b** ``c d`` `e`", "*a* **b** `c d` `e`");
    check_markdown(
        "See `the docs <https://a.example/x_y>`__, :ref:`b <c>`, :doc:`d`.",
        "See [the docs](https://a.example/x_y), b, d.",
    );
    check_markdown(
        ":func:`~a.b.run`, :py:class:`Rope`, :pep:`8`, :option:`-x`",
        "`run`, `Rope`, PEP 8, `-x`",
    );
    check_markdown(
        "Read Wax_ and `the list`_.\n\n.. _wax: https://w.example\n.. _the list:\n   https://l.example",
        "Read [Wax](https://w.example) and [the list](https://l.example).",
    );
    check_markdown(
        "|product| 2 \\*args a\\ b [1]_\n\n.. |product| replace:: Rope **Pro**",
        "Rope **Pro** 2 \\*args ab [1]",
    );
    check_markdown(
        "a * b, *args, __init__, 2*3*4, Vec<T> & &lt;",
        "a * b, \\*args, \\_\\_init\\_\\_, 2\\*3\\*4, Vec&lt;T> & &amp;lt;",
    );
    check_markdown("A `link\nacross <https://a.example>`_ lines", "A [link across](https://a.example) lines");
}

#[test]
fn lists() {
    check_markdown(
        "- one\n  more\n- two\n\n  1. deep\n  #. next\n  #. last\n\n* three",
        "- one more\n- two\n\n  1. deep\n  1. next\n  2. last\n\n- three",
    );
    check_markdown("(a) first\n(b) second", "- (a) first\n- (b) second");
    check_markdown("text\n- no item\n\n10) ten", "text\n- no item\n\n10. ten");
}

#[test]
fn code_in_all_its_forms() {
    check_markdown(
        ".. code-block:: python\n   :caption: x\n\n   def f():\n\n       pass\n\nend",
        "```python\ndef f():\n\n    pass\n```\n\nend",
    );
    check_markdown("- so ::\n\n    a\n      b\n\n  end", "- so\n\n  ```\n  a\n    b\n  ```\n\n  end");
    check_markdown(
        "So:\n\n::\n\n  a\n\n>>> 1\n1\n\nend",
        "So:\n\n```\na\n```\n\n```pycon\n>>> 1\n1\n```\n\nend",
    );
    check_markdown("Quoted::\n\n> a\n> b\n\nend", "Quoted:\n\n```\n> a\n> b\n```\n\nend");
}

#[test]
fn a_reference_may_follow_any_sign() {
    check_markdown(
        "See “Foo_, —.foo_ or -foo_.\n\n.. _foo: https://a.example/",
        "See “[Foo](https://a.example/), —.[foo](https://a.example/) or -[foo](https://a.example/).",
    );
}

#[test]
fn directives_and_comments() {
    check_markdown(
        ".. note:: Wax it\n   often.\n\n.. warning::\n\n   Hot.\n\n.. a comment\n   goes\n\n..\n\nend",
        "Note: Wax it\noften.\n\nWarning:\n\nHot.\n\nend",
    );
    check_markdown(
        ".. image:: a.png\n   :alt: A knot\n\n.. versionadded:: 2.0 So.\n\n.. [1] Foot.\n\n----\n\n:name: value",
        "![A knot](a.png)\n\nNew in version: 2.0 So.\n\n[1] Foot.\n\n---\n\n**name**: value",
    );
    check_markdown(
        "+---+----+\n| a | b  |\n+===+====+\n| c | d  |\n|   | e  |\n+---+----+",
        "| a | b |\n|---|---|\n| c | d e |",
    );
}

#[test]
fn any_text_is_read_without_a_panic() {
    proptest::proptest!(|(text in r"([\.:*`|_+=\-#>() \\<\[\]?a1é“—]|\n|\n  |\n\.\. |::|`_|=== ===\n|\n=====\n|\+--\+){0,120}")| {
        testing::read(&RST, "rst", text.as_bytes());
    });
}
