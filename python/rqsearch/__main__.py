"""The command line: ``python -m rqsearch`` and the console script ``rqsearch``."""

import os
import sys

import _signal  # type: ignore[import-not-found]  # `signal` imports `enum`, which takes milliseconds


def main() -> None:
    """Run the program with the arguments of this process, and end the process."""
    # Ctrl-C ends the program at once, as it does without Python.
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    from rqsearch._rqsearch import main as run

    status = run(["rqsearch", *sys.argv[1:]])
    # The program has flushed its output; there is nothing for the interpreter to clean up.
    os._exit(status)


if __name__ == "__main__":
    main()
