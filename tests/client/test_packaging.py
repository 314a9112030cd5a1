"""What `pip install .` installs is what the program needs."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from stack.settings import ROOT

LOADED = """
import sys, client.__main__
print(*{name.partition(".")[0] for name in sys.modules}, *sys.modules)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The names of all modules that the program loads."""
    command = [sys.executable, "-c", LOADED]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return set(ended.stdout.split())


@pytest.fixture(scope="module")
def described() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return found


def test_modules_of_the_core_are_installed_with_it(
    loaded: set[str], described: dict[str, dict[str, object]]
) -> None:
    tools = described["tool"]["setuptools"]
    assert isinstance(tools, dict)
    assert tools["packages"] == ["client"]
    needed = {name for name in loaded if name.startswith("transcription.")}
    assert set(tools["py-modules"]) == needed


def test_packages_that_it_imports_are_its_dependencies(
    loaded: set[str], described: dict[str, dict[str, object]]
) -> None:
    dependencies = described["project"]["dependencies"]
    assert isinstance(dependencies, list)
    named = {text.partition(">")[0] for text in dependencies}
    source = "".join(path.read_text() for path in (ROOT / "client").glob("*.py"))
    imported = {name for name in loaded if f"import {name}" in source or f"from {name}" in source}
    owners = packages_distributions()
    assert named == {owners[name][0] for name in imported if name in owners}
    assert not loaded & {"torch", "numpy", "redis", "aiohttp", "docket", "cog"}
