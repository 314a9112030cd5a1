"""What goes wrong is said, and is over without a reload."""

import os
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from evaluation.recordings import CONVERSATION
from tests.browser.conftest import Watched, spoken, transcribe
from tests.conftest import RunningStack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
# What Chromium itself says of answers that are errors, and of none.
REFUSED = ("Failed to load resource",)


def killed(stack: RunningStack, service: str) -> None:
    os.kill(stack.pid(service), signal.SIGKILL)


def test_a_wrong_token_is_refused_and_another_one_taken(
    page: Page, page_stack: RunningStack, watched: Watched
) -> None:
    watched.allowed = REFUSED
    page.evaluate("sessionStorage.clear()")
    page.goto(f"{page_stack.url}/#token=not-the-right-one")
    expect(page.get_by_role("status")).to_have_text("This token is not valid.")
    page.get_by_label("Access token").fill(page_stack.token)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Access token")).to_be_hidden()
    expect(page.get_by_label("Language", exact=True)).to_be_visible()


def test_a_token_is_taken_where_one_goes_on_without_a_word(
    page: Page, page_stack: RunningStack
) -> None:
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.get_by_label("Recording", exact=True).set_input_files(CONVERSATION)
    page.get_by_label("Access token").fill(page_stack.token)
    page.get_by_role("button", name="Transcribe").click()
    page.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for()
    # In a tab that asks for it, the address hands it over, too.
    page.evaluate("sessionStorage.clear()")
    page.goto(page_stack.url)
    expect(page.get_by_label("Access token")).to_be_visible()
    page.goto(f"{page_stack.url}/#token={page_stack.token}")
    expect(page.get_by_label("Access token")).to_be_hidden()


def test_a_file_that_is_no_audio_is_refused(page: Page, watched: Watched, tmp_path: Path) -> None:
    watched.allowed = REFUSED
    text = tmp_path / "letter.txt"
    text.write_text("no sound\n" * 100)
    page.get_by_label("Recording", exact=True).set_input_files(text)
    page.get_by_role("button", name="Transcribe").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("^The recording: is a text"))
    page.get_by_role("button", name="Leave out letter.txt").click()
    # Of several, those before it are sent, and it is said which one it was.
    page.get_by_label("Recording", exact=True).set_input_files([CONVERSATION, text])
    page.get_by_role("button", name="Transcribe").click()
    expect(page.get_by_role("status")).to_have_text(
        re.compile(r"^letter\.txt: The recording: is .*Sent before it: 1\.$")
    )
    expect(page.get_by_role("list", name="Chosen files").get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Leave out letter.txt").click()
    transcribe(page)


def test_a_prediction_is_canceled(page: Page, long_recording: Path) -> None:
    page.get_by_label("Recording", exact=True).set_input_files(long_recording)
    page.get_by_role("button", name="Transcribe").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("Transcribing"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_have_text("It was canceled.")


def test_a_killed_predictor_is_waited_for_in_an_open_page(
    page: Page, page_stack: RunningStack, watched: Watched, long_recording: Path
) -> None:
    watched.allowed = REFUSED
    page.get_by_label("Recording", exact=True).set_input_files(long_recording)
    page.get_by_role("button", name="Transcribe").click()
    expect(page.get_by_role("log").locator("p").first).to_be_visible(timeout=120_000)
    killed(page_stack, "cog")
    page.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for(
        timeout=180_000
    )
    assert "Maria" in spoken(page)
    wait_until(page_stack.healthy, "Cog is back", 90)


def test_segments_appear_and_a_killed_service_comes_back(
    page: Page, page_stack: RunningStack, watched: Watched, long_recording: Path
) -> None:
    watched.allowed = REFUSED
    page.get_by_label("Recording", exact=True).set_input_files(long_recording)
    page.get_by_role("button", name="Transcribe").click()
    heard = page.get_by_role("log").locator("p")
    expect(heard.first).to_be_visible(timeout=120_000)
    killed(page_stack, "bridge")
    expect(page.get_by_role("status")).to_have_text(re.compile("does not answer"))
    wait_until(page_stack.healthy, "the bridge is back")
    killed(page_stack, "cog")
    # A closed tab finds its work again.
    address = page.url
    page.goto("about:blank")
    wait_until(page_stack.healthy, "Cog is back", 90)
    page.goto(address)
    page.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for(
        timeout=180_000
    )
    assert "Maria" in spoken(page)


def test_the_list_waits_for_a_service_that_is_away(
    page: Page, watched: Watched, long_recording: Path
) -> None:
    watched.allowed = REFUSED
    status, rows = page.get_by_role("status"), page.get_by_role("listitem")
    away, counted = re.compile("does not answer"), re.compile("recordings$")
    page.get_by_label("Recording", exact=True).set_input_files([long_recording, CONVERSATION])
    page.get_by_role("button", name="Transcribe").click()
    expect(rows.filter(has_text=long_recording.name).first).to_contain_text("running")
    page.context.set_offline(True)  # the list looks at what runs, again and again
    expect(status).to_have_text(away)
    expect(rows.filter(has_text=CONVERSATION.name).first).to_be_visible()
    page.context.set_offline(False)
    expect(status).to_have_text(counted)
    page.get_by_role("link", name="New", exact=True).click()
    page.context.set_offline(True)
    page.get_by_role("link", name="Recordings").click()
    expect(status).to_have_text(away)
    expect(rows).to_have_count(0)
    page.context.set_offline(False)
    expect(rows.filter(has_text=long_recording.name).first).to_be_visible()
    expect(status).to_have_text(counted)


def test_the_list_counts_again_after_an_outage_in_which_nothing_changed(
    page: Page, watched: Watched, long_recording: Path
) -> None:
    watched.allowed = REFUSED
    status, listed = page.get_by_role("status"), "**/v1/predictions"
    page.get_by_label("Recording", exact=True).set_input_files([long_recording, CONVERSATION])
    page.get_by_role("button", name="Transcribe").click()
    expect(status).to_have_text(re.compile("recordings$"))
    with page.expect_response(listed) as seen:  # it is asked for again while something runs
        pass
    body = seen.value.body()
    page.route(listed, lambda route: route.abort())
    expect(status).to_have_text(re.compile("does not answer"))
    page.unroute(listed)
    page.route(listed, lambda route: route.fulfill(body=body, content_type="application/json"))
    expect(status).to_have_text(re.compile("recordings$"))
