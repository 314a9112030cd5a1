"""Each sentence of docs/operations.md that promises something names the tests that saw it.

`tests/unit/operations.txt` has every sentence, and below it one of:

- names of tests;
- `tells`: what to do, where something is, what others' programs do; it promises nothing of ours;
- `measured`: a number that was seen where the sentence, or the page it links, says;
- `not run: <words>`: a promise that no test here can see, and the words of "What was tried" or of
  the sentence itself that say so.
"""

import re
from collections.abc import Iterator

import pytest

from bridge.links import STREAM_SECONDS
from bridge.records.idempotency import RETRY_WINDOW
from bridge.variables import Variables
from stack.bridge_check import ANSWER_SECONDS
from stack.machine import STATE_BYTES
from stack.preflight import OLDEST_REDIS
from stack.settings import DRAIN_SECONDS
from tests.unit.documents import ROOT, section, source

PAGE = (ROOT / "docs/operations.md").read_text()
SEEN = ROOT / "tests/unit/operations.txt"
PLAIN = {"tells", "measured"}


def sentences(page: str) -> Iterator[str]:
    """Every sentence and every row of a table, headings and code left out."""
    text = re.sub(r"^```.*?^```$|^#[^\n]*$|<!--.*?-->", "", page, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\|.*\n\|[ |-]+\|$", "", text, flags=re.MULTILINE)  # what heads a table
    text = re.sub(r"\*\*[^*]*\.\*\* ?", "", text).replace("**", "")
    for block in re.split(r"\n\s*\n|\n(?=[|-] ?|\d\. )", text):
        if block.lstrip().startswith("|"):
            yield block.strip().strip("|").strip()
            continue
        words = re.sub(r"^(- |\d\. )", "", " ".join(block.split()))
        yield from filter(None, re.split(r"(?<=[.!?]) (?=[A-Z`(\[0-9])", words))


def seen() -> dict[str, str]:
    """By sentence, what stands below it."""
    found: dict[str, str] = {}
    for entry in SEEN.read_text().strip().split("\n\n"):
        sentence, *below = entry.split("\n")
        assert sentence not in found, sentence
        found[sentence] = " ".join(" ".join(below).split())
    return found


def test_every_sentence_of_operations_was_looked_at() -> None:
    written = list(sentences(PAGE))
    looked_at = seen()
    todo = f"write its tests below it in {SEEN.relative_to(ROOT)}"
    assert [sentence for sentence in written if sentence not in looked_at] == [], todo
    assert [sentence for sentence in looked_at if sentence not in written] == [], "it is gone"
    assert len(written) > 250


def test_every_promise_of_operations_names_tests_that_exist() -> None:
    exist = set(re.findall(r"def (test_\w+)\(", source("tests/**/*.py")))
    for sentence, below in seen().items():
        if below in PLAIN or below.startswith("not run: "):
            continue
        named = below.split()
        assert named, f"no test is named: {sentence}"
        assert set(named) <= exist, (sentence, set(named) - exist)


def test_what_was_not_run_is_said() -> None:
    said = " ".join(section(PAGE, "What was tried").split())
    for sentence, below in seen().items():
        kind, _, words = below.partition(": ")
        if kind == "not run":
            assert words in f"{said} {sentence}", sentence


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (r"have (\d+) MB free, and no other stack", STATE_BYTES / 1e6),
        (r"Redis has version ([\d.]+) or later", float(".".join(map(str, OLDEST_REDIS)))),
        (r"gives a running\s+prediction (\d+) s to finish", DRAIN_SECONDS),
        (r"For (\d+) minutes a digest of the request", RETRY_WINDOW / 60),
        (r"\(16 000 samples of (\d) bytes a second\)", 4),
    ],
)
def test_a_number_of_the_page_is_that_of_the_code(words: str, number: float) -> None:
    (found,) = re.findall(words, PAGE)
    assert float(found) == number


def test_times_that_are_words_are_those_of_the_code() -> None:
    assert "answers within two seconds" in PAGE
    assert ANSWER_SECONDS == 2
    assert "signed links stay valid for\na day" in PAGE
    assert "Results are kept for `RESULT_TTL`, a day" in PAGE
    assert STREAM_SECONDS == Variables().result_ttl == 86_400


def test_what_promises_nothing_is_the_smaller_part() -> None:
    plain = [below for below in seen().values() if below in PLAIN]
    assert len(plain) < len(seen()) / 2
