use super::*;
use crate::read::testing;

#[track_caller]
fn check(page: &str, expected: &str) {
    testing::check(&SavedPage, "txt", page, expected);
}

#[test]
fn numbered_questions_among_a_pages_furniture() {
    check(
        "Home\nPricing\nTop 3 Knot Questions\n12 min read\n\nContents\n1. What is a bight?\n2. Why wax a rope?\n3. Which knot slips?\n\n\
         Sailors ask.\n\n1) What is a bight?\nA bend. It has:\n1) an end\n2) another\n\n2) Why wax a rope?\nIt lasts.\n\ntie(rope);\n\n\
         3) Which knot slips?\nA bad one.\n\nRelated Articles\nNets\nSubscribe to our newsletter\n© 2025",
        "13 What is a bight? = A bend. It has:|1) an end|2) another
         18 Why wax a rope? = It lasts.||tie(rope);
         23 Which knot slips? = A bad one.",
    );
}

#[test]
fn one_question_per_file() {
    check(
        "How do I splice a rope?\n\nUnlay the strands, then tuck each of them.\n",
        "1 How do I splice a rope? = Unlay the strands, then tuck each of them.",
    );
    check("Ropes\n\nHave you got one?\n\nUnlay the strands, then tuck each of them.\n", "");
}

#[test]
fn numbers_begin_anew_in_each_section() {
    check(
        "Ropes\n2 questions\n1What is a bight?\nA bend.\n2Why wax?\nIt lasts.\nNets\n2 questions\n1Who ties nets?\nFishers.\n2Are they strong?\nYes.\n",
        "3 Ropes > What is a bight? = A bend.
         5 Ropes > Why wax? = It lasts.
         9 Nets > Who ties nets? = Fishers.
         11 Nets > Are they strong? = Yes.",
    );
    check(
        "Knots\nRopes (2)\n1. What is a bight?Beginner\nA bend.\n2. Why wax?Senior\nIt lasts.\nNets (1)\n1. Who ties nets?Beginner\nFishers.\nReady to practice? Start now",
        "3 Ropes > What is a bight? [Beginner] = A bend.
         5 Ropes > Why wax? [Senior] = It lasts.
         8 Nets > Who ties nets? [Beginner] = Fishers.",
    );
}

#[test]
fn lists_of_titles_with_levels() {
    check(
        "Knots\n- 1What is a bight?Junior\n- 2Explain the bowline.Senior\n- 3How would you moor a ship?Senior\nSign up to see the answers\nFAQ\nIs it free?\nYes.",
        "2 What is a bight? [Junior] = 
         3 Explain the bowline. [Senior] = 
         4 How would you moor a ship? [Senior] = ",
    );
}

#[test]
fn a_number_may_stand_alone() {
    check(
        "Prep\nQuestion 1\nWhat is a bight?\nEasy\nA bend.\nWas this helpful?\nYes\nNo\nQuestion 2\nWhy wax?\nHard\nIt lasts.\nWas this helpful?\nYes\nNo\n",
        "3 What is a bight? [Easy] = A bend.\n10 Why wax? [Hard] = It lasts.",
    );
    check(
        "01\nWhat is a bight?\nA bend.\n\n02\nWhy wax?\nIt lasts.\n",
        "2 What is a bight? = A bend.\n6 Why wax? = It lasts.",
    );
    check(
        "Question 1 of 2\nWhat is a bight?\nA) A knot\nB) A bend\nAnswer: B\n\nQuestion 2 of 2\nWhy wax?\nA) It lasts\n",
        "2 What is a bight? = A) A knot|B) A bend|Answer: B\n8 Why wax? = A) It lasts",
    );
}

#[test]
fn quizzes() {
    check(
        "The bosun asks: “Why wax?” Which answer is best?\nA. Habit\nB. It lasts\nBest: B.\nThe bosun asks: “Is it hard?” Which answer is best?\nA. No\n",
        "1 Why wax? = A. Habit|B. It lasts|Best: B.\n5 Is it hard? = A. No",
    );
}

#[test]
fn labels_and_bare_questions() {
    check(
        "Q: What is a bight?\nA: A bend.\n\nQ: Why wax?\nA: It lasts.\nLong.\n",
        "1 What is a bight? = A bend.\n4 Why wax? = It lasts.|Long.",
    );
    check(
        "Frequently Asked Questions\n\nWhat is a bight?\nA bend in a rope between its two ends, nothing else.\n\nWhy should I wax it?\nIt lasts a good deal longer, and it smells of honey.\n\nContact\nbosun@example.org\n",
        "3 What is a bight? = A bend in a rope between its two ends, nothing else.
         6 Why should I wax it? = It lasts a good deal longer, and it smells of honey.",
    );
}

#[test]
fn prose_has_no_questions() {
    check("A story.\n\n1. It begins\n2. It ends\n\nIs it true?\n", "");
}

#[test]
fn any_text_is_read_without_a_panic() {
    proptest::proptest!(|(page in r"((Q|Question |- )?[0-9]{1,2}[.):]? ?|What is it\?|Explain so\.|Senior|[A-Za-zé?]{0,5}|asks: .|\n){0,80}")| {
        testing::read(&SavedPage, "txt", page.as_bytes());
    });
}
