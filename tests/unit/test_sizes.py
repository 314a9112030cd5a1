"""No module and no function is longer than a reader can hold in mind."""

import ast
import subprocess
from pathlib import Path

from stack.settings import ROOT

LINES_OF_A_MODULE = 300
LINES_OF_A_FUNCTION = 50


def modules() -> list[Path]:
    """Every Python file that is tracked, tests included."""
    command = ["git", "ls-files", "-z", "--", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = [ROOT / name for name in listed.split("\0") if name]
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
