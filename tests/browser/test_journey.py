"""From a recording to a corrected file, as somebody does it who has only the address."""

import base64
import io
import json
import re
from pathlib import Path

import docx
import pytest
import srt
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from evaluation.browser import ARGUMENTS, program
from evaluation.recordings import CONVERSATION
from evaluation.scoring import plain_words, word_error_rate
from tests.browser.conftest import Watched, opened, spoken, transcribe
from tests.conftest import RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def truth() -> dict[str, object]:
    return dict(json.loads(CONVERSATION.with_suffix(".json").read_text()))


def position(page: Page) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def download(page: Page, label: str) -> tuple[str, bytes]:
    with page.expect_download() as started:
        page.get_by_role("button", name=label).click()
    return started.value.suggested_filename, Path(started.value.path()).read_bytes()


def drop(page: Page, recording: Path) -> None:
    """Drops a file over the page, as a hand does."""
    carried = page.evaluate_handle(
        """async ([name, content]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const carried = new DataTransfer();
          carried.items.add(new File([bytes], name, { type: "audio/wav" }));
          return carried;
        }""",
        [recording.name, base64.b64encode(recording.read_bytes()).decode()],
    )
    page.locator("body").dispatch_event("drop", {"dataTransfer": carried})


def listen(page: Page) -> None:
    word = page.locator("[data-start]").nth(10)
    begins = float(word.get_attribute("data-start") or "nan")
    word.click()
    assert abs(position(page) - begins) < 0.05
    page.wait_for_function("() => !document.querySelector('audio').paused")
    expect(page.locator(".word.now")).to_be_visible()
    page.get_by_role("button", name="Pause").click()


def correct(page: Page, speaker: Locator) -> None:
    page.locator("[data-start]").nth(3).dblclick()
    page.keyboard.type("Zebra")
    page.keyboard.press("Enter")
    speaker.click()
    page.get_by_label("Name").fill("Peter")
    page.keyboard.press("Enter")
    page.locator("[data-start]").nth(1).dblclick()
    page.keyboard.type("Nobody")
    page.keyboard.press("Enter")
    assert "Nobody" in spoken(page)
    page.get_by_role("button", name="Undo").click()
    assert "Nobody" not in spoken(page)
    page.get_by_role("button", name="Redo").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")


def test_a_recording_is_dropped_read_corrected_and_taken_away(
    page: Page, page_stack: RunningStack
) -> None:
    expect(page).to_have_url(re.compile(r"/$"))  # the token is out of the address
    drop(page, CONVERSATION)
    page.get_by_role("button", name="Transcribe").click()
    page.locator("[data-start]").first.wait_for()
    assert word_error_rate(plain_words(str(truth()["text"])), plain_words(spoken(page))) < 0.1
    speakers = page.get_by_role("region", name="Transcript").get_by_role(
        "button", name=re.compile("SPEAKER_")
    )
    assert len(set(speakers.all_inner_texts())) == 2
    listen(page)
    correct(page, speakers.first)

    page.reload()
    page.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for()
    assert "Zebra" in spoken(page)
    assert page.get_by_role("button", name="Peter").count() > 3
    page.get_by_role("button", name="Export").click()
    name, written = download(page, "Subtitles, SRT")
    cues = list(srt.parse(written.decode()))
    assert name == "conversation.srt"
    assert "Zebra" in cues[0].content
    assert cues[0].content.startswith("[Peter]: ")
    name, written = download(page, "Word")
    paragraphs = [found.text for found in docx.Document(io.BytesIO(written)).paragraphs]
    assert (name, paragraphs[0]) == ("conversation.docx", "conversation")
    assert paragraphs[1].startswith("Peter (0:00)")
    assert "Zebra" in paragraphs[1]
    _, written = download(page, "JSON .json")
    assert "Zebra" in json.loads(written)["segments"][0]["text"]


def test_another_browser_the_next_day_still_shows_and_plays_it(
    page: Page, browser: Browser, page_stack: RunningStack, watched: Watched
) -> None:
    transcribe(page)
    address = page.url
    page.locator("[data-start]").first.dblclick()
    page.keyboard.type("Tomorrow")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_text("kept until you delete it")).to_be_visible()
    context = browser.new_context()
    context.clock.install(time="2030-01-01T00:00:00Z")
    context.clock.resume()
    other = opened(context, watched)
    other.goto(f"{page_stack.url}/#/list")
    other.get_by_label("Access token").fill(page_stack.token)
    other.keyboard.press("Enter")
    other.get_by_label("Search").fill("conversation")
    other.locator(f"a[href='#{address.partition('#')[2]}']").click()
    other.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for()
    assert spoken(other).startswith("Tomorrow")
    other.locator("[data-start]").nth(20).click()
    other.wait_for_function("() => !document.querySelector('audio').paused")
    begins = float(other.locator("[data-start]").nth(20).get_attribute("data-start") or "nan")
    other.wait_for_function(f"() => document.querySelector('audio').currentTime > {begins} + 0.3")
    # Two that correct the same revision: a conflict, not a loss.
    for tab, text in ((page, "Mine"), (other, "Theirs")):
        tab.locator("[data-start]").nth(1).dblclick()
        tab.keyboard.type(text)
        tab.keyboard.press("Enter")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("status")).to_have_text("Saved.")
    watched.allowed = ("412",)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    other.reload()
    other.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for()
    assert "Mine" in spoken(other)
    other.get_by_role("button", name="Delete").click()
    other.get_by_role("button", name="Yes, delete it").click()
    expect(other.locator(f"a[href='#{address.partition('#')[2]}']")).to_have_count(0)
    context.close()


def test_the_microphone_is_heard(
    playwright: Playwright, page_stack: RunningStack, watched: Watched
) -> None:
    fake = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={CONVERSATION}",
    ]
    browser = playwright.chromium.launch(executable_path=program(), args=[*ARGUMENTS, *fake])
    page = opened(browser.new_context(), watched)
    page.goto(f"{page_stack.url}/#token={page_stack.token}")
    page.get_by_role("button", name="Record", exact=True).click()
    stop = page.get_by_role("button", name=re.compile("^Stop"))
    expect(stop).to_have_text(re.compile("0:(1[6-9]|2)"))
    stop.click()
    page.get_by_role("button", name="Transcribe").click()
    page.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for()
    heard = re.findall(r"[a-z]+", spoken(page).lower())
    known = set(re.findall(r"[a-z]+", str(truth()["text"]).lower()))
    assert len(heard) > 15
    assert len([word for word in heard if word in known]) > 0.8 * len(heard)
    browser.close()
