# The report of new-duplicates.jq as workflow commands and as a job summary. Titles and paths are
# what strangers wrote: they can neither end a command nor add markup to the summary.

def data: gsub("%"; "%25") | gsub("\r"; "%0D") | gsub("\n"; "%0A");
def property: data | gsub(":"; "%3A") | gsub(","; "%2C");

def percent: "\(. * 100 | round) %";

def found:
  "\(.of.source.path):\(.of.source.line) asks the same: \(.of.title) "
  + (if .kind == "exact" then "(the same words)"
     elif .kind == "repeat" then "(the same words but for case, punctuation or markup)"
     else "(\(.probability | percent))" end);

def annotations:
  .duplicates[]
  | "::error file=\(.question.source.path | property),line=\(.question.source.line),"
    + "title=Duplicate question::\("\(.question.title)\n\(found)" | data)";

# Numeric entities for everything that Markdown, HTML or GitHub (mentions, issue numbers) could act on.
def cell:
  gsub("[\r\n\t]+"; " ") | gsub("(?<c>[&<>|`\\[\\]*_@#!~\\\\$]|(?<=:)/)"; "&#\(.c | explode[0]);");

def summary:
  "## Duplicate questions\n",
  if .duplicates == [] then "None of the \(.new) new questions was asked before."
  else
    "\(.duplicates | length) of the \(.new) new questions were asked before.\n",
    "| new question | where | asks the same as | where | |",
    "|---|---|---|---|---|",
    (.duplicates[]
      | "| \(.question.title | cell) | \(.question.source | "\(.path):\(.line)" | cell) "
        + "| \(.of.title | cell) | \(.of.source | "\(.path):\(.line)" | cell) | \(.kind), \(.probability | percent) |"),
    "\nTo keep a question, change it until it asks something else, decide that it is different with `rqsearch dups --review`, or raise the input `threshold`."
  end;
