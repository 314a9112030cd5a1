"""The documentation, and how tests read it."""

import re

from scripts import reference

ROOT = reference.ROOT
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CONFIGURATION = (ROOT / "docs/configuration.md").read_text()
API = (ROOT / "docs/api.md").read_text()
MIGRATING = (ROOT / "docs/migrating.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
ENV_EXAMPLE = (ROOT / ".env.example").read_text()


def section(text: str, title: str) -> str:
    """The part under a heading, up to the next one of its rank."""
    found = re.search(
        rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, f"there is no section {title!r}"
    return found[2]


def first_column(text: str) -> dict[str, str]:
    """First cell -> second cell of the tables in ``text``, without the code marks."""
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \|", text, re.MULTILINE)
    return {name: value.strip().strip("`") for name, value in rows}


def first_cells(text: str) -> set[str]:
    """Everything in code marks in the first cells of the tables in ``text``."""
    cells = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def source(pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted(ROOT.glob(pattern)))
