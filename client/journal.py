"""What was transcribed here before: so that a name that no rule foresees is not done twice.

The rules of `outputs` know a result by its name. Where that is not enough, such as for a film
whose track is tagged with a language that nobody speaks in it, this file remembers.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from client.finding import Found
from client.wishes import Wishes


class Journal:
    """One line per recording that is done."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._done: Final[dict[str, list[str]]] = {}
        with contextlib.suppress(OSError):
            for line in path.read_text("utf-8").splitlines():
                # The last line may be half of one: the program can be killed at any time.
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    self._done[entry["key"]] = [str(name) for name in entry["results"]]

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Self:
        """The journal in the user's folder for such things."""
        state = environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
        return cls(Path(state) / "whisperx-stack" / "done.jsonl")

    def results(self, key: str) -> list[str]:
        """The results of a recording, if all of them are still there; else none."""
        found = self._done.get(key, [])
        return found if all(Path(name).exists() for name in found) else []

    def note(self, key: str, results: Sequence[Path]) -> None:
        """Remember. Where that is not possible, the next start finds out by itself."""
        names = [str(path.absolute()) for path in results]
        self._done[key] = names
        line = json.dumps({"key": key, "results": names}) + "\n"
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)


def key(found: Found, wishes: Wishes) -> str:
    """What tells one piece of work from another: the file as it is now, and what is asked."""
    assert found.path is not None
    asked = [wishes.formats, wishes.language, wishes.track, dict(wishes.inputs)]
    document = [str(found.path.absolute()), *found.stamp(), str(found.folder.absolute()), asked]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
