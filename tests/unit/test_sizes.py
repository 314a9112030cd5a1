"""No module and no function is longer than a reader can hold in mind."""

import ast
import subprocess
from pathlib import Path

from stack.settings import ROOT

LINES_OF_A_MODULE = 300
LINES_OF_A_FUNCTION = 50
MODULES_OF_THE_BRIDGE = 9  # that stand loose, beside its rooms
ROOMS_OF_THE_BRIDGE = 6
ENTRIES_OF_THE_ROOT = 28  # without those that begin with a dot


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name]


def modules() -> list[Path]:
    """Every Python file that is tracked, tests included."""
    found = [ROOT / path for path in tracked("*.py")]
    assert Path(__file__) in found
    return [path for path in found if path.exists()]


def functions(path: Path) -> list[tuple[str, int]]:
    """(name, lines) of each function, from `def` to its end, with those inside it."""
    return [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_modules_are_short() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    assert {name: n for name, n in lines.items() if n > LINES_OF_A_MODULE} == {}


def test_functions_are_short() -> None:
    long = {
        f"{path.relative_to(ROOT)}: {name}": lines
        for path in modules()
        for name, lines in functions(path)
        if lines > LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_the_root_and_the_bridge_are_taken_in_at_a_glance() -> None:
    bridge = [path.relative_to("bridge").parts for path in tracked("bridge/*.py")]
    loose = {parts[0] for parts in bridge if len(parts) == 1} - {"__init__.py"}
    assert len(loose) <= MODULES_OF_THE_BRIDGE, sorted(loose)
    assert len({parts[0] for parts in bridge if len(parts) > 1}) <= ROOMS_OF_THE_BRIDGE
    root = {path.parts[0] for path in tracked() if not path.parts[0].startswith(".")}
    assert len(root) <= ENTRIES_OF_THE_ROOT, sorted(root)
    assert {name for name in root if name.endswith(".py")} == {"predict.py"}
