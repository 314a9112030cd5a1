"""Takes the README's picture of the page, from a stack that runs.

``make up``, then ``.venv/bin/python scripts/screenshot.py http://127.0.0.1:8080/#token=…``, the
address that it printed.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from evaluation.browser import ARGUMENTS, program
from evaluation.recordings import CONVERSATION

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "page.png"
NAMES = {"SPEAKER_00": "Peter", "SPEAKER_01": "Maria"}


def main(address: str) -> None:
    """Transcribes the demo conversation, names its speakers, plays a word, looks."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1120, "height": 760})
        page.goto(address)
        page.get_by_label("Recording", exact=True).set_input_files(CONVERSATION)
        page.get_by_role("button", name="Transcribe").click()
        page.locator("[data-start]").first.wait_for()
        for label, name in NAMES.items():
            page.get_by_role("button", name=label).first.click()
            page.get_by_label("Name").fill(name)
            page.keyboard.press("Enter")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("kept until you delete it").wait_for()
        page.locator("[data-start]").nth(9).click()
        page.wait_for_timeout(700)
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(sys.argv[1])
