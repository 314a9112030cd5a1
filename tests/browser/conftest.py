"""A real browser before the real stack. What the page must never do fails every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from evaluation.browser import ARGUMENTS, program
from evaluation.recordings import CONVERSATION, write
from tests.conftest import RECORDING, RunningStack, start_stack, stop_stack, wait_until

PREDICTOR = "evaluation/predictors/storyteller.py:Predictor"
expect.set_options(timeout=30_000)
WAIT = 60_000  # milliseconds for what a busy machine takes seconds for
_REPORTS = """addEventListener("securitypolicyviolation", (event) => {
  console.error("CSP", event.violatedDirective, event.blockedURI);
});"""


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    opened = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def page_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The demo models, and recordings that may be listened to."""
    running = start_stack(tmp_path_factory.mktemp("page"), KEEP_RECORDINGS="3600")
    yield running
    stop_stack(running)


@pytest.fixture(scope="session")
def story_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Transcripts of any length and kind (see `storyteller`), also for whoever has no token."""
    running = start_stack(
        tmp_path_factory.mktemp("story"), COG_PREDICT_TYPE_STUB=PREDICTOR, ALLOW_ANONYMOUS="1"
    )
    yield running
    stop_stack(running)


@pytest.fixture(scope="session")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough to be interrupted."""
    return write(tmp_path_factory.mktemp("audio") / "long.wav", 240)


class Watched:
    """Whatever a page does that it must not."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.wrong: list[str] = []
        self.allowed: tuple[str, ...] = ()

    def attach(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.wrong.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.wrong.append(f"asked another host: {request.url}")

    def check(self) -> None:
        """Nothing but what the test expects."""
        assert [one for one in self.wrong if not any(word in one for word in self.allowed)] == []


@pytest.fixture
def watched(page_stack: RunningStack) -> Iterator[Watched]:
    found = Watched(page_stack.url)
    yield found
    found.check()


def opened(context: BrowserContext, watched: Watched) -> Page:
    """A tab that is watched."""
    context.add_init_script(_REPORTS)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    watched.attach(page)
    return page


@pytest.fixture
def page(browser: Browser, page_stack: RunningStack, watched: Watched) -> Iterator[Page]:
    """The page, with the token, as `make up` prints its address."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    found = opened(context, watched)
    found.goto(f"{page_stack.url}/#token={page_stack.token}")
    yield found
    context.close()


def transcribe(page: Page, recording: Path = CONVERSATION) -> None:
    """Have a recording transcribed, and see the transcript."""
    page.get_by_label("Recording", exact=True).set_input_files(recording)
    page.get_by_role("button", name="Transcribe").click()
    page.get_by_role("region", name="Transcript").locator("[data-start]").first.wait_for()


def transcribed(stack: RunningStack, text: str) -> str:
    """The id of a transcript of ``text``, of a stack with the storyteller."""
    token = {"Authorization": f"Bearer {stack.token}"}
    with RECORDING.open("rb") as file:
        made = requests.post(
            f"{stack.url}/v1/predictions",
            headers=token,
            files={"audio_file": ("<b>talk.wav", file)},
            data={"initial_prompt": text},
            timeout=60,
        )
    made.raise_for_status()
    address = made.json()["urls"]["get"]

    def ended() -> bool:
        record = requests.get(address, headers=token, timeout=60).json()
        return bool(record["status"] == "succeeded")

    wait_until(ended, "the story has ended")
    return str(made.json()["id"])


def spoken(page: Page) -> str:
    """The text in sight."""
    words = page.get_by_role("region", name="Transcript").locator("[data-start]")
    return " ".join(words.all_inner_texts())
