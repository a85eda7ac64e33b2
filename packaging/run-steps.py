"""Writes the shell code of every `run:` step of workflows and actions to files, for ShellCheck.

Usage: run-steps.py DIR FILE...

An expression (`${{ ... }}`) becomes an ordinary word, as GitHub inserts its value before the shell starts.
Needs ruamel.yaml, which check-jsonschema depends on.
"""

import pathlib
import re
import sys

import ruamel.yaml

out = pathlib.Path(sys.argv[1])
for file in map(pathlib.Path, sys.argv[2:]):
    document = ruamel.yaml.YAML(typ="safe").load(file)
    jobs = document.get("jobs") or {"action": document["runs"]}
    for name, job in jobs.items():
        for number, step in enumerate(job.get("steps", []), start=1):
            if "run" not in step:
                continue
            code = re.sub(r"\$\{\{.*?\}\}", "expression", step["run"], flags=re.DOTALL)
            # GitHub runs bash steps with `bash -eo pipefail`.
            (out / f"{file.stem}-{name}-step{number}.sh").write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{code}\n")
