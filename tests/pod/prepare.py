"""`python -m tests.pod.prepare`: asks whether pods can be run here, and builds the images.

Exit status 75 says that no pod can be run here; its reason is the last line.
"""

import os
import sys

from tests.pod.machine import CannotRun
from tests.pod.podman import Podman, say


def main() -> int:
    """Entry point."""
    try:
        Podman().prepare()
    except CannotRun as why:
        say(f"no pod can be run here: {why}")
        return os.EX_TEMPFAIL
    return 0


if __name__ == "__main__":
    sys.exit(main())
