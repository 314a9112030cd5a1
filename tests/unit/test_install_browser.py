"""What `make install-browser` says where it cannot install a browser: one line each."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.browser import PROGRAMS
from stack.settings import ROOT

SCRIPT = ROOT / "scripts" / "install-browser.sh"
TOOLS = ("printf", "mktemp", "rm", "tail", "env")
Installing = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def installing(tmp_path: Path) -> Installing:
    """Runs the script on a machine that has these programs, each with what it does."""

    def run(**programs: str) -> subprocess.CompletedProcess[str]:
        for name in TOOLS:
            (tmp_path / name).symlink_to(f"/usr/bin/{name}")
        for name, does in programs.items():
            program = tmp_path / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\n{does}\n")
            program.chmod(0o755)
        return subprocess.run(
            ["/bin/sh", SCRIPT], env={"PATH": str(tmp_path)}, capture_output=True, text=True
        )

    return run


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({"id": "echo 0"}, "there is no apt-get here"),
        ({"id": "echo 1000", "apt_get": "exit 0"}, "apt-get needs root or sudo"),
        (
            {"id": "echo 1000", "apt_get": "exit 0", "sudo": "echo no terminal >&2; exit 1"},
            "could not install chromium (no terminal)",
        ),
        (
            {"id": "echo 0", "apt_get": "echo warning; echo no candidate >&2; exit 100"},
            "could not install chromium (no candidate)",
        ),
        ({"id": "echo 0", "apt_get": "exit 0"}, "does not start"),
        (
            {"id": "echo 0", "apt_get": "exit 0", "chromium_browser": "echo the snap; exit 1"},
            "does not start",
        ),
    ],
)
def test_it_says_in_one_line_what_is_missing(
    installing: Installing, programs: dict[str, str], said: str
) -> None:
    done = installing(**programs)
    *_, line = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert said in line
    assert line.endswith(f"one of these starts: {' '.join(PROGRAMS)}")
    assert done.stderr.replace("install: chromium (400 MB)\n", "").count("\n") == 1


@pytest.mark.parametrize("name", ["chromium", "google_chrome"])
def test_a_browser_that_starts_is_enough(installing: Installing, name: str) -> None:
    done = installing(**{name: "echo Chromium 140"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
