"""As a new user would: only the address, and a recording of people."""

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Browser, expect

from stack.settings import ROOT
from tests.browser.conftest import Watched, opened, spoken, transcribe
from tests.conftest import RunningStack, start_stack, stop_stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
PEOPLE = ROOT / "examples" / "people.opus"
SAID = "ask not what your country can do for you ask what you can do for your country"
NAMES = ("The exchange", "Jane", "The president")
MOST_SECONDS = 120.0  # from the transcript to the corrected file


@pytest.fixture
def people_stack(tmp_path: Path) -> Iterator[RunningStack]:
    running = start_stack(tmp_path, MODELS="base", KEEP_RECORDINGS="3600")
    yield running
    stop_stack(running)


def test_two_minutes_after_the_transcript_there_is_a_word_file_with_the_names(
    browser: Browser, people_stack: RunningStack
) -> None:
    watched = Watched(people_stack.url)
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = opened(context, watched)
    page.set_default_timeout(200_000)
    page.goto(f"{people_stack.url}/#token={people_stack.token}")
    transcribe(page, PEOPLE)
    began = time.monotonic()
    assert SAID in re.sub(r"[^a-z ]", "", spoken(page).lower())
    labels = page.get_by_role("button", name=re.compile("^SPEAKER_"))
    named = 0
    while labels.count():
        labels.first.click()
        page.get_by_label("Name").fill(NAMES[named])
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name=NAMES[named]).first).to_be_visible()
        named += 1
    assert named >= 2
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Word").click()
    assert time.monotonic() - began < MOST_SECONDS
    written = io.BytesIO(Path(started.value.path()).read_bytes())
    text = "\n".join(paragraph.text for paragraph in docx.Document(written).paragraphs)
    assert started.value.suggested_filename == "people.docx"
    assert all(f"{name} (" in text for name in NAMES[:named])
    assert "ask not what your country" in text
    context.close()
    watched.check()
