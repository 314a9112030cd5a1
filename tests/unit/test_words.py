"""Names and sentences are those of the field: no private words, no riddles."""

import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Words that names were once made of, and what to write instead.
NAMES = {
    "told": "sent, reported, shown, …",
    "telling": "likewise",
    "untold": "unknown",
    "insist": "retry, until_…",
    "unheard": "ignore_…, undetected",
    "naming": "what it sets",
    "errand": "transfer",
    "house": "end_to_end",
    "knob": "option",
    "silently": "ignore_progress",
    "move_in": "start",
    "amiss": "wrong, missing, error",
}
# The name of a queue in Redis, which is data.
KEPT = {"errands"}
PHRASES = (
    r"\b(?:un)?told\b(?! (?:the \w+ )?apart)",
    r"\bamiss\b",
    r"\bto be had\b",
    r"\bcan(?:not)? be had\b",
    r"\blets? go of\b",
    r"\bin vain\b",
    r"\binsists?\b",
    r"Every route of every door",
    r"what clients take for success",
    r"Two walls stand before",
    r"Be told instead of asking",
)


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ("git", "ls-files", *patterns), cwd=ROOT, capture_output=True, check=True, text=True
    )
    found = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in found if path.exists() and path != Path(__file__)]


def _private(name: str) -> bool:
    parts = f"_{name.lower()}_"
    return any(f"_{word}_" in parts or f"_{word}s_" in parts for word in NAMES)


@pytest.mark.parametrize(
    ("name", "private"),
    [("told", True), ("_told", True), ("was_told", True), ("toldable", False), ("sent", False)],
)
def test_a_private_word_is_recognized_in_a_name(name: str, private: bool) -> None:
    assert _private(name) is private


def test_names_in_the_code_are_those_of_the_field() -> None:
    sources = _tracked("*.py")
    assert len(sources) > 400
    found = {
        f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}"
        for path in sources
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type == tokenize.NAME
        and not token.string.startswith("test_")
        and token.string not in KEPT
        and _private(token.string)
    }
    assert found == set()


def test_sentences_say_plainly_what_happens() -> None:
    texts = _tracked("*.py", "*.md", "*.js", "*.yaml", "*.yml", "*.sh", "Makefile", ".env.example")
    assert len(texts) > 500
    phrases = re.compile("|".join(PHRASES))
    found = [
        f"{path.relative_to(ROOT)}: {match[0]!r}"
        for path in texts
        for match in phrases.finditer(path.read_text())
    ]
    assert found == []
