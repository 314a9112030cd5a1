"""The page's corrections and the service's: the same edits, the same transcript."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.api import page
from tests.unit.transcription.test_revision import conversation, sequences
from transcription.revision import EDITS, revised
from transcription.transcript import Transcript
from transcription.wire import from_wire, to_wire

MODULE = Path(page.__file__).parent / "static" / "revision.js"
# One edit list after the other, so that Node starts once: line in, line out.
SCRIPT = f"""
import {{ createInterface }} from "node:readline";
import {{ History }} from {json.dumps(MODULE.as_uri())};
for await (const line of createInterface({{ input: process.stdin }})) {{
  const {{ segments, language, edits }} = JSON.parse(line);
  const history = new History(segments, language, edits);
  const after = history.segments;
  while (history.edits.length) history.undo();
  const undone = history.segments;
  while (history.undone.length) history.redo();
  console.log(JSON.stringify({{ after, undone, redone: history.segments, edits: history.edits }}));
}}
"""
pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")


@pytest.fixture(scope="module")
def node() -> Any:
    process = subprocess.Popen(
        ["node", "--input-type=module", "-e", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield process
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()


def corrected(node: Any, transcript: Transcript, edits: list[dict[str, Any]]) -> dict[str, Any]:
    wire = to_wire(transcript)
    asked = {"segments": wire["segments"], "language": transcript.language, "edits": edits}
    node.stdin.write(json.dumps(asked) + "\n")
    node.stdin.flush()
    return dict(json.loads(node.stdout.readline()))


def as_served(segments: list[dict[str, Any]]) -> list[Any]:
    """Through the core's own types and rounding."""
    wire = {"segments": segments, "detected_language": "en", "duration": 11.0}
    return list(to_wire(from_wire(wire))["segments"])


@settings(max_examples=300)
@given(edits=sequences())
def test_page_and_service_correct_alike(node: Any, edits: list[dict[str, Any]]) -> None:
    first = conversation()
    found = corrected(node, first, edits)
    assert as_served(found["after"]) == to_wire(revised(first, edits))["segments"]


@settings(max_examples=100)
@given(edits=sequences())
def test_any_sequence_undone_gives_the_first_state(node: Any, edits: list[dict[str, Any]]) -> None:
    first = conversation()
    found = corrected(node, first, edits)
    assert found["undone"] == to_wire(first)["segments"]
    assert (found["redone"], found["edits"]) == (found["after"], edits)


def test_both_know_the_same_edits() -> None:
    table = MODULE.read_text().split("const EDITS = {")[1].split("\n};")[0]
    named = {
        line.split(":")[0].strip()
        for line in table.splitlines()
        if line.startswith("  ") and not line.startswith("   ") and ":" in line
    }
    assert named == set(EDITS)


@given(st.text(max_size=30))
def test_both_take_the_same_for_spaces(node: Any, text: str) -> None:
    edit = [{"edit": "text", "segment": 0, "text": text}]
    found = corrected(node, conversation(), edit)
    assert found["after"][0]["text"] == revised(conversation(), edit).segments[0].text
