"""Writes the parts of the documentation that repeat the code: inputs, variables, models.

A generated part stands between two marker lines, ``generated: NAME`` and ``/generated``. With
``--write`` (`make docs`) they are brought up to date; without it the files that differ are named.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click

from bridge.settings import Settings
from client.app import program
from client.failures import MEANINGS
from client.options import CONNECTION
from models import registry
from models.registry import Family, Model, Place
from transcription import cues
from transcription.language import LANGUAGES
from transcription.schema import input_schema

ROOT = Path(__file__).parent.parent
FILES = (
    "README.md",
    "docs/api.md",
    "docs/configuration.md",
    "docs/models.md",
    "docs/cli.md",
    "docs/decisions/README.md",
    ".env.example",
)
SECRETS = ("BRIDGE_TOKEN", "WEBHOOK_SECRET")  # the two that have no default
_PART = re.compile(r"(^.*\bgenerated: (\w+).*\n)[^\0]*?(^.*/generated\b)", re.MULTILINE)


def inputs() -> str:
    """The inputs of a prediction, from the schema that the bridge validates by."""
    return _table(("input", "type", "default", "bounds", "meaning"), _inputs())


def languages() -> str:
    """All codes with their names."""
    return ", ".join(f"`{code}` {name}" for code, name in LANGUAGES.items()) + ".\n"


def subtitles() -> str:
    """By which rules subtitles are cut."""
    rows = (
        (f"{cues.LINES}", "lines at once, at most"),
        (f"{cues.NARROW}", "characters a line, at most"),
        (f"{cues.WIDE}", "characters a line, at most, in Chinese, Japanese and Korean"),
        (f"{cues.LONGEST / 1000:g} s", "the longest that a cue is shown"),
        (f"{cues.SHORTEST / 1000:g} s", "the shortest, unless the next cue begins sooner"),
        (f"{cues.PAUSE / 1000:g} s", "of silence between two words: there the cue ends"),
        (f"{cues.READ_NARROW}", "characters are read in a second"),
        (f"{cues.READ_WIDE}", "characters, in Chinese, Japanese and Korean"),
        (f"{cues.LINGER / 1000:g} s", "that a cue may stay after its last word, to be read"),
    )
    return _table(("how much", "of what"), rows)


def decisions() -> str:
    """What was decided, by number."""
    pages = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    rows = (
        (f"[{page.name[:3]}]({page.name})", page.read_text().partition("\n")[0].partition(": ")[2])
        for page in pages
    )
    return _table(("", "what was decided"), rows)


def bridge() -> str:
    """The bridge's variables."""
    rows = ((f"`{name}`", _code(default), text) for name, default, text in bridge_variables())
    return _table(("variable", "default", "meaning"), rows)


def env() -> str:
    """The bridge's variables for .env.example: secrets to fill in, all else commented out."""
    return "\n".join(
        f"# {text}\n" + (f"{name}=\n" if name in SECRETS else f"# {name}={default}\n")
        for name, default, text in bridge_variables()
    )


def whispers() -> str:
    """The registered Whisper models."""
    return _models(registry.WHISPERS.values())


def diarizers() -> str:
    """The registered diarizers."""
    return _models(registry.DIARIZERS.values())


def aligners() -> str:
    """The registered aligners, by language."""
    found = [(of, code, model) for of in Family for code, model in registry.ALIGNERS[of].items()]
    rows = ((f"`{code}`", of.value, f"`{m.name}`", m.licence) for of, code, m in found)
    return _table(("language", "set", "model", "licence"), rows)


def statuses() -> str:
    """The exit statuses of the command line."""
    rows = ((f"`{status.value}`", text) for status, text in MEANINGS.items())
    return _table(("exit status", "meaning"), rows)


def connection() -> str:
    """The options of every command of the command line."""
    return _parameters(CONNECTION)


def commands() -> str:
    """Each command with what it takes besides."""
    found = []
    for name, command in sorted(program.commands.items()):
        own = [param for param in command.params if param not in CONNECTION]
        context = click.Context(command)
        arguments = [p.make_metavar(context) for p in own if isinstance(p, click.Argument)]
        found.append(f"### `{' '.join((name, *arguments))}`\n\n{cleandoc(command.help or '')}\n")
        if options := _parameters(own):
            found.append(options)
    return "\n".join(found)


def bridge_variables() -> Iterator[tuple[str, object, str]]:
    """(name, default, description) of every variable of the bridge."""
    for setting in fields(Settings):
        name, *others = setting.metadata["variables"]
        also = f" {', '.join(others)} is read too." if others else ""
        yield name, setting.default, setting.metadata["description"] + also


def _inputs() -> Iterator[Sequence[str]]:
    for name, schema in input_schema()["properties"].items():
        kind = "secret" if schema.get("writeOnly") else schema["type"]
        yield (
            f"`{name}`",
            kind,
            _code(schema.get("default")),
            _bounds(schema),
            schema["description"],
        )


def _parameters(given: Iterable[click.Parameter]) -> str:
    options = [param for param in given if isinstance(param, click.Option)]
    rows = [
        (
            " ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts)),
            f"`{option.metavar.replace('|', chr(92) + '|')}`" if option.metavar else "",
            _shown_default(option),
            str(option.help),
        )
        for option in options
    ]
    return _table(("option", "value", "default", "meaning"), rows) if rows else ""


def _shown_default(option: click.Option) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    return _code(option.default) if option.show_default else ""


def _bounds(schema: dict[str, Any]) -> str:
    choices = schema.get("enum", ())
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    return f"{schema['minimum']} to {schema['maximum']}" if "minimum" in schema else ""


def _models(found: Iterable[Model]) -> str:
    header = ("name", "from", "download", "licence", "needs")
    rows = ((f"`{m.name}`", _origin(m), _megabytes(m.size), m.licence, m.needs) for m in found)
    return _table(header, rows)


def _origin(model: Model) -> str:
    here = model.place in {Place.DIRECTORY, Place.ASSEMBLED}
    return "this repository" if here else f"`{model.source}`"


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size} MB"


def _code(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "" if value in {None, ""} else f"`{text}`"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


PARTS: tuple[Callable[[], str], ...] = (
    inputs, languages, subtitles, bridge, env, whispers, diarizers, aligners,
    statuses, connection, commands, decisions,
)  # fmt: skip


def renewed(text: str) -> str:
    """``text`` with its generated parts made anew."""
    parts = {part.__name__: part for part in PARTS}
    return _PART.sub(lambda found: found[1] + parts[found[2]]() + found[3], text)


def main(arguments: Sequence[str]) -> int:
    """The exit status: 1 when a file differs and may not be written."""
    texts = {path: path.read_text() for path in map(ROOT.joinpath, FILES)}
    stale = [path for path, text in texts.items() if renewed(text) != text]
    for path in stale:
        print(path.relative_to(ROOT))
        if "--write" in arguments:
            path.write_text(renewed(texts[path]))
    return int(bool(stale) and "--write" not in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
