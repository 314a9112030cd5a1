"""Without a token, where that is allowed: everything works, and nothing of others is seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched, opened, spoken, transcribe, transcribed
from tests.conftest import RECORDING, RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
REFUSED = "Failed to load resource"  # what Chromium says of a 401 and a 404


@pytest.fixture
def quiet(story_stack: RunningStack) -> Iterator[Watched]:
    found = Watched(story_stack.url)
    yield found
    found.check()


@pytest.fixture
def nobody(browser: Browser, story_stack: RunningStack, quiet: Watched) -> Iterator[Page]:
    """A page that was opened by its address alone."""
    context = browser.new_context()
    page = opened(context, quiet)
    page.goto(story_stack.url)
    yield page
    context.close()


def test_whoever_has_no_token_transcribes_corrects_and_takes_away(
    nobody: Page, browser: Browser, story_stack: RunningStack, quiet: Watched
) -> None:
    secret = transcribed(story_stack, "a secret of whoever has the token")
    expect(nobody.get_by_text("No token is needed here")).to_be_visible()
    nobody.get_by_text("More settings").click()
    nobody.get_by_label("Initial Prompt").fill("words=36")
    transcribe(nobody, RECORDING)
    expect(nobody.get_by_label("Access token")).to_be_hidden()
    address = nobody.url
    nobody.locator("[data-start]").first.dblclick()
    nobody.keyboard.type("Zebra")
    nobody.get_by_role("button", name="Save").click()
    expect(nobody.get_by_role("status")).to_have_text("Saved.")
    nobody.get_by_role("button", name="Export").click()
    with nobody.expect_download() as started:
        nobody.get_by_role("button", name="Markdown").click()
    assert "Zebra" in Path(started.value.path()).read_text()
    nobody.keyboard.press("Escape")
    nobody.get_by_role("link", name="Recordings").click()
    expect(nobody.locator(f"a[href='#{address.partition('#')[2]}']")).to_be_visible()
    expect(nobody.locator(f"a[href='#/p/{secret}']")).to_have_count(0)

    # Others without a token share it; nobody of them reaches what was made with one.
    context = browser.new_context()
    other = opened(context, quiet)
    other.goto(address)
    other.locator("[data-start]").first.wait_for()
    assert spoken(other).startswith("Zebra")
    quiet.allowed = (REFUSED,)
    other.goto(f"{story_stack.url}/#/p/{secret}")
    expect(other.get_by_role("heading", name="Not here")).to_be_visible()
    context.close()


def test_a_wrong_token_is_told_and_can_be_left_away(
    nobody: Page, story_stack: RunningStack, quiet: Watched
) -> None:
    quiet.allowed = (REFUSED,)
    nobody.goto("about:blank")
    nobody.goto(f"{story_stack.url}/#token=not-the-right-one")
    field = nobody.get_by_label("Access token")
    expect(field).to_be_visible()
    expect(nobody.get_by_role("status")).to_have_text("This token is not valid.")
    expect(nobody.get_by_text("No token is needed here")).to_be_hidden()
    field.fill("")
    nobody.get_by_role("button", name="Continue").click()
    expect(field).to_be_hidden()
    expect(nobody.get_by_text("No token is needed here")).to_be_visible()
    expect(nobody.get_by_label("Language", exact=True)).to_be_visible()
