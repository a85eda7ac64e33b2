"""Writes the sections of Markdown pages as JSON Lines, one file per page and one question per heading, for `rqsearch index`.

    python sections.py PAGES OUT

The id of a section is its anchor on the page that MkDocs makes.
"""

import json
import re
import sys
from pathlib import Path

from markdown.extensions.toc import slugify, unique

HEADING = re.compile(r"^(#{1,4})\s+(.+?)\s*#*\s*$")
FENCE = re.compile(r"^\s*(```|~~~)")


def sections(text):
    """The heading and the lines of each section of a page. A line of code is not a heading."""
    found, in_code = [], False
    for line in text.splitlines():
        in_code ^= bool(FENCE.match(line))
        heading = None if in_code else HEADING.match(line)
        if heading:
            found.append((heading.group(2), []))
        elif found:
            found[-1][1].append(line)
    return found


def records(text):
    """The sections of a page that have text."""
    title, anchors = None, set()
    for heading, lines in sections(text):
        plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = unique(slugify(plain, "-"), anchors)
        title = title or plain
        answer = "\n".join(lines).strip()
        if answer:
            name = heading if plain == title else f"{heading} ({title})"
            yield {"id": anchor, "question": name, "answer": answer, "section": title}


def main():
    pages, out = map(Path, sys.argv[1:3])
    for page in sorted(pages.glob("*.md")):
        lines = [json.dumps(record, ensure_ascii=False) for record in records(page.read_text(encoding="utf-8"))]
        (out / f"{page.stem}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
