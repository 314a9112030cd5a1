"""The page's files: small, whole, and under a policy without exceptions."""

import re
import zlib

from bridge.api.page.handlers import POLICY, START, contents
from bridge.routes import routes

MOST_BYTES = 150_000  # of all files together, compressed


def test_the_page_is_small() -> None:
    sent = sum(len(zlib.compress(content)) for content in contents().values())
    assert 10_000 < sent < MOST_BYTES


def test_every_file_that_is_named_is_there_and_every_file_is_named() -> None:
    texts = {name: content.decode() for name, content in contents().items()}
    named = set(re.findall(r'(?:src|href)="page/([\w.]+)"', texts[START]))
    named |= {name for text in texts.values() for name in re.findall(r'from "\./([\w.]+)"', text)}
    assert named == texts.keys() - {START}


def test_nothing_in_it_needs_what_the_policy_forbids() -> None:
    assert "unsafe" not in POLICY
    for name, content in contents().items():
        text = content.decode()
        assert not re.search(r"https?://(?!www\.w3\.org)\w", text), f"{name} names another host"
        assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|eval|Function)\b", text)
    assert not re.search(r"\s(style|on\w+)=", contents()[START].decode())


def test_the_page_is_served_where_people_look() -> None:
    assert {("GET", "/"), ("GET", "/page/{name}")} <= {(r.method, r.path) for r in routes()}
