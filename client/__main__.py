"""Entry point of ``python -m client``; installed, it is ``whisperx-stack``."""

import sys

from client.app import main

if __name__ == "__main__":
    sys.exit(main())
