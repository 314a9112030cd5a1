"""Starts one of the stack's programs: ``python -m stack [up|demo|doctor]``.

What is installed is looked at first: the programs' own imports would end in a traceback.
"""

import importlib
import sys
from collections.abc import Sequence

from stack.installed import lacking

PROGRAMS = {"up": "stack.up", "demo": "stack.demo", "doctor": "stack.doctor"}


def main(arguments: Sequence[str]) -> int:
    """The exit status: 2 when nothing can be started."""
    name, *more = arguments or ["up"]
    if name not in PROGRAMS or more:
        print(f"usage: python -m stack [{'|'.join(PROGRAMS)}]", file=sys.stderr)
        return 2
    reason = lacking()
    if reason:
        print(f"{'stack' if name == 'up' else name}: {reason}", file=sys.stderr)
        return 2
    status: int = importlib.import_module(PROGRAMS[name]).main()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
