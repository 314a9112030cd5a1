"""Turns are split, joined and given away; text is copied; a link is as good as a file."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from evaluation.recordings import CONVERSATION
from tests.browser.conftest import Watched, opened, spoken, transcribe
from tests.conftest import RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def link() -> Iterator[str]:
    """The conversation at an address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(CONVERSATION.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{CONVERSATION.name}"
    server.shutdown()
    server.server_close()


def rows(page: Page) -> Locator:
    return page.get_by_role("region", name="Transcript").locator("[data-segment]")


def text_of(row: Locator) -> str:
    return " ".join(row.locator("[data-start]").all_inner_texts())


def test_a_pasted_link_is_transcribed(page: Page, link: str) -> None:
    page.get_by_label("Or paste a link").fill(link)
    page.get_by_role("button", name="Transcribe").click()
    page.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for()
    assert "Maria" in spoken(page)


def test_turns_are_split_joined_and_given_away(page: Page) -> None:
    transcribe(page)
    whole, count = spoken(page), rows(page).count()
    first = text_of(rows(page).first)
    rows(page).first.locator("[data-start]").nth(2).dblclick()
    page.keyboard.press("ArrowLeft")  # before the third word
    page.get_by_role("button", name="Split here").click()
    expect(rows(page)).to_have_count(count + 1)
    assert text_of(rows(page).first).split() == first.split()[:2]
    assert spoken(page) == whole

    # The new paragraph is given to somebody new, who then has a name.
    rows(page).nth(1).locator("[data-start]").first.dblclick()
    page.get_by_role("button", name="Speaker…").click()
    page.get_by_label("Give").select_option(label="this paragraph")
    page.get_by_label("to", exact=True).select_option(label="somebody new")
    page.get_by_role("button", name="Give it").click()
    expect(page.get_by_role("button", name="Speaker 3")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Speaker 3")).to_have_count(0)

    rows(page).nth(1).locator("[data-start]").first.dblclick()
    page.get_by_role("button", name="Merge with above").click()
    expect(rows(page)).to_have_count(count)
    assert text_of(rows(page).first) == first
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    assert spoken(page) == whole
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_the_text_is_copied(browser: Browser, page_stack: RunningStack, watched: Watched) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = opened(context, watched)
    page.goto(f"{page_stack.url}/#token={page_stack.token}")
    transcribe(page)
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Copy as text").click()
    expect(page.get_by_role("dialog").get_by_text("Copied.")).to_be_visible()
    copied = str(page.evaluate("navigator.clipboard.readText()"))
    assert [word for word in spoken(page).split() if word not in copied.split()] == []
    context.close()
