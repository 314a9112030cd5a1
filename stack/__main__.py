"""Starts one of the stack's programs: ``python -m stack [up|demo|doctor]``.

What is installed is looked at first: the programs' own imports would end in a traceback.
"""

import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

INTERRUPTED = 130
PROGRAMS = {"up": "stack.up", "demo": "stack.demo", "doctor": "stack.doctor"}


def main(arguments: Sequence[str]) -> int:
    """The exit status: 2 when nothing can be started."""
    name, *more = arguments or ["up"]
    if name not in PROGRAMS or more:
        print(f"usage: python -m stack [{'|'.join(PROGRAMS)}]", file=sys.stderr)
        return 2
    label = "stack" if name == "up" else name

    def stopped(_number: int, _frame: FrameType | None) -> None:
        os.write(2, f"{label}: stopped before anything was started\n".encode())
        os._exit(INTERRUPTED)  # in the middle of an import an exception would be a traceback

    signal.signal(signal.SIGINT, stopped)
    # To import it takes a while, so not before a Ctrl-C is understood.
    reason = importlib.import_module("stack.installed").lacking()
    if reason:
        print(f"{label}: {reason}", file=sys.stderr)
        return 2
    program = importlib.import_module(PROGRAMS[name])
    # It warns of a child that ends while its transport is being closed, as ours do.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    status: int = program.main()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
