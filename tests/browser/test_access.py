"""For everybody: the keyboard alone, axe's rules, large letters, small screens, dark rooms."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from evaluation.recordings import CONVERSATION
from tests.browser.conftest import transcribe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
SIZES = {"desktop": (1280, 860), "phone": (390, 844), "zoomed to 200 %": (640, 430)}


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def test_no_rule_of_axe_is_violated(page: Page) -> None:
    def look(where: str) -> None:
        for scheme in ("light", "dark"):
            # A colour on its way from one scheme to the other is neither.
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for name, (width, height) in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                assert violations(page) == [], f"{where}, {scheme}, {name}"
                wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
                assert not wide, f"{where}, {name}"

    page.get_by_label("Language", exact=True).wait_for()
    page.get_by_text("More settings").click()
    look("start")
    page.set_viewport_size({"width": 1280, "height": 860})
    transcribe(page)
    look("reading")
    page.set_viewport_size({"width": 1280, "height": 860})
    page.locator("[data-start]").nth(2).dblclick()
    look("editing")
    page.keyboard.press("Escape")
    for dialog in (
        page.get_by_role("button", name="Export"),
        page.get_by_role("button", name="Delete"),
        page.get_by_role("button", name=re.compile("SPEAKER_")).first,
    ):
        dialog.click()
        look("in a dialog")
        page.set_viewport_size({"width": 1280, "height": 860})
        page.keyboard.press("Escape")
    page.get_by_role("link", name="Recordings").click()
    page.get_by_role("link", name="conversation").first.wait_for()
    look("list")


def focused(page: Page) -> str:
    return str(
        page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText")
    )


def tab_to(page: Page, name: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page).strip() == name:
            return
    pytest.fail(f"no way to {name!r}")


def test_the_keyboard_is_enough(page: Page) -> None:
    page.get_by_label("Language", exact=True).wait_for()
    # Chromium is asked to hand over its file choosers long before there is one.
    page.on("filechooser", lambda _: None)
    tab_to(page, "Recording")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(CONVERSATION)
    tab_to(page, "Transcribe")
    page.keyboard.press("Enter")
    region = page.get_by_role("region", name="Transcript")
    region.locator("[data-start]").first.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Transcript":
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    second = region.locator("[data-start]").nth(1)
    expect(second).to_be_focused()
    begins = float(second.get_attribute("data-start") or 0)
    assert page.evaluate("document.querySelector('audio').currentTime") >= begins - 0.01
    page.keyboard.press(" ")
    page.keyboard.press("Enter")
    page.keyboard.type("Zebra")
    page.keyboard.press("Enter")
    expect(second).to_have_text("Zebra")
    page.keyboard.press("Control+z")
    expect(second).not_to_have_text("Zebra")
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.keyboard.press("Home")
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if focused(page).strip() == "Export":
            break
    page.keyboard.press("Enter")
    tab_to(page, "Word\n.docx")
    with page.expect_download() as started:
        page.keyboard.press("Enter")
    assert started.value.suggested_filename == "conversation.docx"
