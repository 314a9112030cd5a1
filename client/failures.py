"""How the program ends, and what it says when it cannot do what was asked."""

import enum
from pathlib import Path


class Exit(enum.IntEnum):
    """The exit statuses. docs/cli.md lists them; they do not change."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    DENIED = 4
    NOT_FOUND = 5
    INTERRUPTED = 130
    TERMINATED = 143


#: What each status says, for the help and for docs/cli.md.
MEANINGS = {
    Exit.OK: "everything asked for is there, or was there already",
    Exit.FAILED: "at least one recording could not be transcribed; the others are done",
    Exit.USAGE: "an argument, an option or its value cannot be used; nothing more is sent",
    Exit.UNREACHABLE: "no server answers, or it stayed away for longer than --patience",
    Exit.DENIED: "the server refuses the token",
    Exit.NOT_FOUND: "the server has no transcription with that id",
    Exit.INTERRUPTED: "Ctrl-C; what ran on the server is canceled",
    Exit.TERMINATED: "SIGTERM; likewise",
}


class Failure(Exception):
    """Ends the program with one line and a status."""

    def __init__(self, message: str, status: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Unusable(Exception):
    """One recording cannot be transcribed; the others go on. The text says why."""


def shown(name: object) -> str:
    """A name as one line of plain text, whatever characters it holds."""
    text = name.as_posix() if isinstance(name, Path) else str(name)
    return "".join(
        part if part.isprintable() else part.encode("unicode_escape").decode() for part in text
    )
