"""What the user sees: a bar for each recording on a terminal, lines elsewhere, JSON for programs.

Results go to standard output, everything else to standard error.
"""

import json
import re
import sys
from collections import Counter
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from client.failures import shown
from client.finding import Found
from client.work import Bar, Result, State
from transcription.language import LANGUAGES

_SENTENCE = re.compile(r"^\w+: ")  # what precedes it is a code, for programs
_NAME_WIDTH = 36  # columns of a name beside its bar


def _nothing(doing: str, share: float | None = None) -> None:
    """A bar where there is none."""
    del doing, share


class Lines:
    """One line for each recording that ends: a sentence, or (``as_json``) a document."""

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self.console: Final = Console(stderr=True, highlight=False, soft_wrap=True)
        self._quiet: Final = quiet
        self._as_json: Final = as_json
        self._noticed: str | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Leave the terminal as it was."""

    def begin(self, found: Found) -> Bar:
        """A recording is worked on."""
        del found
        return _nothing

    def end(self, result: Result) -> None:
        """A recording is done with."""
        if self._as_json:
            document(described(result))
        elif not self._quiet or result.state is State.FAILED:
            self.line(sentence(result))

    def say(self, text: str) -> None:
        """A line about the rest."""
        if not self._quiet:
            self.line(text)

    def notice(self, text: str | None) -> None:
        """Why we wait; None when it goes on."""
        if text != self._noticed:
            self._noticed = text
            if text is not None:
                self.line(text)

    def total(self, ends: Counter[State]) -> None:
        """How many ended how."""
        if sum(ends.values()) > 1:
            self.say(", ".join(f"{ends[state]} {state}" for state in State if ends[state]))

    def line(self, text: str) -> None:
        """Print, without a meaning for brackets."""
        self.console.print(Text(text))


class Bars(Lines):
    """A bar for each recording that is worked on."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__(as_json=as_json)
        self._progress: Final = Progress(
            TextColumn("{task.fields[name]}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[doing]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        self._tasks: Final[dict[str, TaskID]] = {}
        self._waiting: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._progress.stop()

    def begin(self, found: Found) -> Bar:
        name = found.name if len(found.name) <= _NAME_WIDTH else f"…{found.name[1 - _NAME_WIDTH :]}"
        task = self._progress.add_task("", total=None, name=name, doing="")
        self._tasks[found.source] = task

        def bar(doing: str, share: float | None = None) -> None:
            if share is not None:
                doing = f"{doing} {share:.0%}"
            total = None if share is None else 1.0
            self._progress.update(task, total=total, completed=share or 0.0, doing=doing)

        return bar

    def end(self, result: Result) -> None:
        self._progress.remove_task(self._tasks.pop(result.found.source))
        super().end(result)

    def notice(self, text: str | None) -> None:
        if self._waiting is not None and text is None:
            self._progress.remove_task(self._waiting)
            self._waiting = None
        elif text is not None and self._waiting is None:
            self._waiting = self._progress.add_task("", total=None, name="", doing=text)
        elif text is not None and self._waiting is not None:
            self._progress.update(self._waiting, doing=text)


def document(content: Any) -> None:
    """JSON on one line, so that programs can read it as it comes."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def described(result: Result) -> dict[str, Any]:
    """A result for programs."""
    output = result.record.get("output") or {}
    return {
        "recording": result.found.source,
        "state": result.state.value,
        "detail": result.detail,
        "id": result.id,
        "files": [str(path) for path in result.files],
        "language": output.get("detected_language"),
        "duration": output.get("duration"),
        "warnings": output.get("warnings", []),
    }


def sentence(result: Result) -> str:
    """A result for people."""
    if result.state is not State.DONE:
        return f"{result.found.name}: {result.state}, {result.detail}"
    output = result.record["output"]
    language = LANGUAGES.get(output["detected_language"], output["detected_language"])
    heard = [language] if output["segments"] else []  # of silence, a language means nothing
    facts = [", ".join([*heard, f"{output['duration']:.1f} s"])]
    facts += [shown(_SENTENCE.sub("", warning)) for warning in output["warnings"]]
    beside = result.found.path.parent if result.found.path else None
    made = ", ".join(shown(p.name if p.parent == beside else p) for p in result.files)
    parts = [text for text in (made, result.detail) if text] or ["done"]
    return f"{result.found.name}: {'; '.join(parts)} ({'; '.join(facts)})"
