"""`make demo`, as it is run: with every source blocked, and on people's speech."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models import sources
from models.pins import PINNED
from stack.demo import TOY
from stack.settings import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(400)]


def demo(state: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "stack", "demo"],
        cwd=ROOT,
        env={**os.environ, "DEVICE": "cpu", "MODELS": "", "STATE_DIR": str(state), **environ},
        capture_output=True,
        text=True,
        timeout=380,
    )


def test_without_any_source_the_toy_set_is_shown_and_one_line_says_why(tmp_path: Path) -> None:
    done = demo(
        tmp_path / "state",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        HF_HOME=str(tmp_path / "hf"),
        HF_ENDPOINT="http://127.0.0.1:9",
        PIP_CONFIG_FILE="/dev/null",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_EXTRA_INDEX_URL="",
        PIP_FIND_LINKS="",
    )
    assert done.returncode == 0, done.stderr
    assert "the hub does not answer" in done.stderr
    (why,) = [line for line in done.stderr.splitlines() if "toy set" in line]
    assert "the Python package index does not give" in why
    assert "SPEAKER_01  I am fine today, thank you, Peter." in done.stdout
    assert "2 speakers found of 2" in done.stdout


def test_a_conversation_of_people_is_transcribed_with_its_speakers(tmp_path: Path) -> None:
    if sources.find(PINNED["base"]) is None and not os.environ.get("CI"):
        pytest.skip("base is not here: make models fetches it")
    done = demo(tmp_path / "state")
    assert done.returncode == 0, done.stderr
    assert "MODELS is not set: base, since there is no GPU" in done.stderr
    assert "ask not what your country can do for you" in done.stdout
    (rate,) = re.findall(r"word error rate ([\d.]+)%, 3 speakers found of 3", done.stdout)
    assert float(rate) <= 8


def test_a_recording_of_ones_own_may_have_anybodys_file_beside_it(tmp_path: Path) -> None:
    own = tmp_path / "talk.wav"
    own.symlink_to(TOY)
    own.with_suffix(".json").write_text('{"text": "by another program"}')
    done = demo(
        tmp_path / "state",
        AUDIO=str(own),
        MODELS="demo",
        INPUTS="diarization=false",
        ALIGN_LANGUAGES="",
    )
    assert done.returncode == 0, done.stderr
    assert "what lies beside talk.wav is no truth" in done.stderr
    assert "Hello Maria" in done.stdout
    assert "SPEAKER_" not in done.stdout
    assert "loaded aligner" not in (tmp_path / "state/demo/log/cog.log").read_text()
