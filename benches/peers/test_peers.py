"""Tests of what computes the figures. They need no installed tool.

python3 -m unittest discover --start-directory benches/peers
"""

import tempfile
import unittest
from array import array
from pathlib import Path

import collection
import report
from fusion import reciprocal_rank_fusion, without_repeats
from judged import Judge, JudgedPhrase, Quality, read_phrases, read_set
from made_up import Generator
from metrics import ndcg, percentile
from report import Measured, Result

REPOSITORY = Path(__file__).resolve().parents[2]


class Metrics(unittest.TestCase):
    def test_ndcg_matches_examples_computed_by_hand(self) -> None:
        for found, relevant, expected in [
            ([1, 0], [1], 1.0),
            # 1 / log2(3)
            ([0, 1], [1], 0.63093),
            # (1 + 1/2) / (1 + 1/log2 3)
            ([1, 0, 1], [1, 1], 0.91972),
            # Graded, 1 before 2: (1 + 2/log2 3) / (2 + 1/log2 3)
            ([1, 2], [2, 1], 0.85972),
            # Outside the first ten.
            ([0] * 10 + [1], [1], 0.0),
            ([], [1], 0.0),
            ([0], [], 0.0),
        ]:
            with self.subTest(found=found, relevant=relevant):
                self.assertAlmostEqual(ndcg(found, relevant), expected, places=5)

    def test_percentiles_are_measured_values(self) -> None:
        values = [float(value) for value in range(200, 0, -1)]
        self.assertEqual(percentile(values, 50), 100)
        self.assertEqual(percentile(values, 99), 198)
        self.assertEqual(percentile([7.0], 99), 7)
        with self.assertRaises(ValueError):
            percentile([], 50)

    def test_fusion_adds_reciprocal_ranks(self) -> None:
        # 2 is second in both: 2/62 is more than 1/61.
        self.assertEqual(reciprocal_rank_fusion([[1, 2], [3, 2]]), [2, 1, 3])
        self.assertEqual(reciprocal_rank_fusion([[], [5, 4]]), [5, 4])

    def test_the_best_passage_ranks_a_question(self) -> None:
        self.assertEqual(without_repeats([3, 1, 3, 2, 1]), [3, 1, 2])


class InDirectory(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name)

    def write_questions(self, *titles: str) -> None:
        questions = (
            {"id": f"i{nth}", "key": f"d{nth}", "title": title, "also": [], "answer": ""}
            for nth, title in enumerate(titles)
        )
        collection.write_json_lines(self.directory / "questions.jsonl", questions)


class Judging(InDirectory):
    def test_titles_that_contain_a_part_are_relevant(self) -> None:
        self.write_questions("What is a Mutex?", "What is a lock?", "What is a string?")
        file = self.directory / "judged.tsv"
        file.write_text("# a comment\nguard data\tmutex|a LOCK\nno answer\t\n")
        phrases = read_phrases(file)
        self.assertEqual([phrase.text for phrase in phrases], ["guard data"])
        judge = Judge(self.directory, phrases)
        self.assertEqual(judge.quality([[1, 0, 2]]), Quality(1.0, 1.0))
        quality = judge.quality([[2, 0, 1]])
        self.assertAlmostEqual(quality.ndcg_10, (0.63093 + 0.5) / 1.63093, places=5)
        self.assertEqual(quality.first_right, 0.0)
        self.assertEqual(judge.quality([[]]), Quality(0.0, 0.0))

    def test_a_question_is_no_answer_to_itself(self) -> None:
        self.write_questions("one", "two", "three")
        (self.directory / "qrels").mkdir()
        (self.directory / "qrels" / "test.tsv").write_text("query\tdocument\tgrade\nd0\td0\t1\nd0\td2\t2\nd1\td2\t0\n")
        queries = ({"_id": f"d{nth}", "text": "two\nlines"} for nth in range(2))
        collection.write_json_lines(self.directory / "queries.jsonl", queries)
        phrases = read_set(self.directory)
        self.assertEqual(phrases, [JudgedPhrase("two lines", "d0", grades=(("d2", 2),))])
        self.assertEqual(Judge(self.directory, phrases).quality([[0, 2, 1]]), Quality(1.0, 1.0))

    def test_the_judged_phrases_of_the_repository_are_read(self) -> None:
        self.assertGreater(len(read_phrases(REPOSITORY / "eval" / "rust.tsv")), 700)


class Collections(InDirectory):
    def write_vectors(self, file: str, count: int) -> None:
        with (self.directory / file).open("wb") as out:
            array("f", range(count * collection.DIMENSIONS)).tofile(out)

    def test_passages_have_the_positions_of_their_questions(self) -> None:
        self.write_questions("one", "two")
        passages = ({"question": id, "text": text} for id, text in [("i1", "two"), ("i0", "one"), ("i0", "more")])
        collection.write_json_lines(self.directory / "passages.jsonl", passages)
        self.write_vectors("passages.f32", 3)
        loaded = collection.load(self.directory)
        self.assertEqual([passage.question for passage in loaded.passages], [1, 0, 0])
        self.write_vectors("passages.f32", 2)
        with self.assertRaisesRegex(ValueError, "a vector of 384 dimensions for each passage"):
            collection.load(self.directory)

    def test_each_phrase_has_its_vector(self) -> None:
        (self.directory / "phrases.txt").write_text("one\ntwo\u2028lines\n")
        self.write_vectors("phrases.f32", 2)
        found = [(text, vector[0]) for text, vector in collection.phrases(self.directory)]
        self.assertEqual(found, [("one", 0.0), ("two\u2028lines", 384.0)])

    def test_made_up_questions_are_the_same_each_time(self) -> None:
        def made_up(edition: int) -> list[tuple[str, str]]:
            generator = Generator(REPOSITORY / "models" / "vocab.txt")
            return [(line["question"], line["answer"]) for line in generator.questions(50, edition)]

        self.assertEqual(made_up(1), made_up(2))
        self.assertEqual(len(set(made_up(1))), 50)


class Report(unittest.TestCase):
    def test_what_was_not_measured_is_empty(self) -> None:
        timed = Result(
            "one", index_seconds=1.23, embed_and_index_seconds=45.6, index_bytes=2_000_000, cold_seconds=0.0345
        )
        timed.p50_seconds, timed.p99_seconds, timed.peak_bytes = 0.001, 0.002, None
        judged = [Result("one", quality=Quality(0.5, 0.25)), Result("two", quality=Quality(0.75, 1.0))]
        measured = [Measured("made up", 30_000, 60_000, 500, [timed]), Measured("set", 5, 9, 2, judged)]
        _, _, *rows = report.table(measured).splitlines()
        self.assertEqual(
            rows,
            [
                "| made up, 30,000 | one | 1.2 s, 46 s with embedding | 2.0 MB | 34 ms | 1.0 ms | 2.0 ms |  |  |  |",
                "| mean of 1 judged sets | one |  |  |  |  |  |  | 0.500 | 25.0% |",
                "| mean of 1 judged sets | two |  |  |  |  |  |  | 0.750 | 100.0% |",
            ],
        )
        self.assertIn("| two | 0.750 |", report.sets_table(measured))


if __name__ == "__main__":
    unittest.main()
