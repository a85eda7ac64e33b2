# Which questions of $head are new since $base, and which others they repeat.
#
# $base, $head: the questions of both states, as `rqsearch export` writes them.
# $dups: one object, as `rqsearch dups --json` writes it, about $head.
# Output: {questions, new, duplicates: [{question, of, kind, probability}]}, one entry per new question,
# with the likeliest other question. A question of the base comes before another new one.

def place: [.source.path, .title];

# A question is known when the base has the same title in the same file; or, since files are renamed
# and questions are moved, the same title anywhere. Each question of the base stands for one only.
def new_questions($base; $head):
  (reduce $base[] as $q ({}; .[$q | place | tojson] += 1)) as $places
  | reduce $head[] as $q ({left: $places, unknown: []};
      ($q | place | tojson) as $key
      | if (.left[$key] // 0) > 0 then .left[$key] -= 1 else .unknown += [$q] end)
  | reduce .unknown[] as $q (
      {titles: (reduce (.left | to_entries[]) as $e ({}; .[$e.key | fromjson | .[1]] += $e.value)), new: []};
      if (.titles[$q.title] // 0) > 0 then .titles[$q.title] -= 1 else .new += [$q] end)
  | .new;

def address: [.id, .source.path, .source.line] | tojson;

new_questions($base; $head) as $new
| (reduce $new[] as $q ({}; .[$q | address] = true)) as $is_new
| [
    $dups[0].pairs[]
    # Pairs that were decided to be different are not listed. Those that were decided to be the same are known.
    | select(.decided | not)
    | . as $pair
    | [.one, .two], [.two, .one]
    | . as [$question, $of]
    | select($is_new[$question | address])
    # Of two new questions, only the later one is reported.
    | select(($is_new[$of | address] | not)
        or ([$question.source.path, $question.source.line] > [$of.source.path, $of.source.line]))
    | {$question, $of, kind: $pair.kind, probability: $pair.probability, of_new: ($is_new[$of | address] // false)}
  ]
| group_by(.question | address)
| map(sort_by([.of_new, -.probability]) | first)
| sort_by([.question.source.path, .question.source.line])
| {questions: ($head | length), new: ($new | length), duplicates: .}
