"""The list of recordings: it follows what runs, and finds what is far down."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from bridge.api.replicate.predictions import PAGE
from evaluation.recordings import CONVERSATION, write
from tests.browser.conftest import WAIT, Watched, opened
from tests.conftest import RECORDING, RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_the_list_follows_what_runs(page: Page, tmp_path: Path) -> None:
    first = write(tmp_path / "first.wav", 60)
    page.get_by_label("Recording", exact=True).set_input_files([first, CONVERSATION])
    page.get_by_role("button", name="Transcribe").click()
    waiting = page.get_by_role("listitem").filter(has_text=CONVERSATION.name).first
    expect(waiting).to_contain_text("in the queue")
    waiting.get_by_role("link").focus()
    expect(waiting).to_contain_text("done", timeout=WAIT)
    expect(waiting.get_by_role("link")).to_be_focused()


@pytest.fixture
def many(story_stack: RunningStack, tmp_path: Path) -> Iterator[str]:
    """More recordings than the list has on a page; the name of the oldest that was canceled."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {story_stack.token}"

    def created(name: str, recording: Path = RECORDING) -> dict[str, str]:
        files = {"audio_file": (name, recording.read_bytes())}
        made = session.post(f"{story_stack.url}/v1/predictions", files=files, timeout=60)
        return dict(made.json()["urls"])

    def canceled(name: str) -> str:
        urls = created(name)
        session.post(urls["cancel"], timeout=60).raise_for_status()
        return urls["get"]

    # Behind a long one, what is canceled cannot have ended before.
    made = [created("long.wav", write(tmp_path / "long.wav", 120))["get"], canceled("oldest.wav")]
    with ThreadPoolExecutor(4) as pool:
        made += pool.map(canceled, ["newer.wav"] * PAGE)
        yield "oldest.wav"
        list(pool.map(lambda url: session.delete(url, timeout=60), made))


def test_a_search_finds_what_the_list_has_not_shown(
    browser: Browser, story_stack: RunningStack, many: str
) -> None:
    watched = Watched(story_stack.url)
    context = browser.new_context()
    page = opened(context, watched)
    page.goto(f"{story_stack.url}/#token={story_stack.token}")
    page.get_by_role("link", name="Recordings").click()
    expect(page.get_by_role("button", name="Load older ones")).to_be_visible()
    expect(page.get_by_role("link", name=many)).to_have_count(0)
    page.get_by_label("State").select_option("canceled")
    page.get_by_label("Search").fill("oldest")
    expect(page.get_by_role("link", name=many)).to_be_visible()
    expect(page.get_by_role("button", name="Load older ones")).to_be_hidden()
    context.close()
    watched.check()
