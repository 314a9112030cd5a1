"""Transcripts of any length and any text: fluent, and harmless."""

import re
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Watched, opened, transcribed
from tests.conftest import RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
MOST_ELEMENTS = 2_000  # of a page that shows 30,000 words
HOSTILE = (
    "<img src=x onerror=alert(1)>\n<script>document.body.innerHTML='gone'</script>\n"
    "\u202eright to left\u202c and \u0627\u0644\u0633\u0644\u0627\u0645\n"
    + "w" * 4_000
    + "\n&lt;b&gt; ${1+1} {{constructor}} ' \" `"
)


@pytest.fixture
def tab(browser: Browser, story_stack: RunningStack) -> Iterator[Page]:
    watched = Watched(story_stack.url)
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = opened(context, watched)
    page.goto(f"{story_stack.url}/#token={story_stack.token}")
    page.get_by_label("Language", exact=True).wait_for()
    yield page
    context.close()
    watched.check()


def test_thirty_thousand_words_take_a_bounded_page(tab: Page, story_stack: RunningStack) -> None:
    tab.goto(f"{story_stack.url}/#/p/{transcribed(story_stack, 'words=30000')}")
    region = tab.get_by_role("region", name="Transcript")
    region.locator("[data-start]").first.wait_for()
    last = 0.0
    for share in (0.25, 0.5, 0.75, 1.0):
        region.evaluate(f"(r) => {{ r.scrollTop = {share} * r.scrollHeight }}")
        tab.wait_for_function(
            "(last) => Number([...document.querySelectorAll('[data-start]')].at(-1).dataset.start)"
            " > last + 1000",
            arg=last,
        )
        last = float(region.locator("[data-start]").last.get_attribute("data-start") or 0)
        assert tab.locator("*").count() < MOST_ELEMENTS
    assert last > 10_700
    tab.get_by_label("Search").fill("nobody minds")
    tab.get_by_label("Search").press("Enter")
    assert re.match(r"1 of \d{4}\.", tab.get_by_role("status").inner_text())
    tab.get_by_role("region", name="Waveform").get_by_label("Position").fill("5400")
    now = tab.locator(".word.now")
    now.wait_for()
    assert abs(float(now.get_attribute("data-start") or 0) - 5400) < 1


def test_a_talk_is_whole_in_the_page_of_a_phone(tab: Page, story_stack: RunningStack) -> None:
    tab.set_viewport_size({"width": 390, "height": 664})
    tab.goto(f"{story_stack.url}/#/p/{transcribed(story_stack, 'words=1200')}")
    words = tab.get_by_role("region", name="Transcript").locator("[data-start]")
    words.first.wait_for()
    assert words.count() == 1200


def shows_as_text(tab: Page, story_stack: RunningStack, text: str) -> None:
    tab.goto(f"{story_stack.url}/#/p/{transcribed(story_stack, text)}")
    region = tab.get_by_role("region", name="Transcript")
    region.locator("[data-segment]").first.wait_for()
    wanted = [word for line in text.split("\n") for word in line.split(" ") if word]
    shown = region.locator("[data-start]")
    count = shown.count()
    assert [re.sub(r"\s", "", one) for one in shown.all_text_contents()] == [
        re.sub(r"\s", "", one) for one in wanted[:count]
    ]
    assert region.locator("img, script, b, a").count() == 0
    assert tab.get_by_role("button", name="Export").is_visible()
    wide = tab.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide


def test_text_that_looks_like_a_page_is_text(tab: Page, story_stack: RunningStack) -> None:
    shows_as_text(tab, story_stack, HOSTILE)


printable = st.characters(exclude_categories=["Cc", "Cs"]).filter(
    lambda character: not unicodedata.category(character).startswith("Z")
)
lines = st.lists(
    st.text(printable, min_size=1, max_size=40)
    | st.sampled_from(["<script>alert(1)</script>", "\u202e", "\u2066x", "</p>", "w" * 4_000]),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lines)
def test_any_text_does_no_harm(tab: Page, story_stack: RunningStack, words: list[str]) -> None:
    shows_as_text(tab, story_stack, " ".join(words))


def test_words_that_the_decoder_doubts_are_marked(tab: Page, story_stack: RunningStack) -> None:
    tab.goto(f"{story_stack.url}/#/p/{transcribed(story_stack, 'words=36')}")
    words = tab.get_by_role("region", name="Transcript").locator("[data-start]")
    words.first.wait_for()
    doubted = tab.get_by_title("Heard with a probability of 20 %")
    assert (words.count(), doubted.count()) == (36, 3)
    tab.get_by_text("View", exact=True).click()
    tab.get_by_label("Mark words below this probability").fill("10")
    assert doubted.count() == 0
