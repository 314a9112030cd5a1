"""The page with 30,000 words: first paint, seeks, frames, memory: ``python -m benchmarks.page``."""

import asyncio
import json
from dataclasses import dataclass
from statistics import median
from typing import Any

from evaluation.browser import ARGUMENTS, program
from stack.running import Running, running

PREDICTOR = "evaluation/predictors/storyteller.py:Predictor"
WORDS = 30_000
LOADS = 50
SEEKS = 20
MOST_GROWTH = 1.2  # of memory over all loads, to be called flat
# Frame by frame, as fast as the browser paints them: the time between two, in milliseconds.
_SCROLL = """async () => {
  const region = document.querySelector("section.transcript");
  const times = [];
  let before = await new Promise(requestAnimationFrame);
  for (let y = 0; y < region.scrollHeight; y += 900) {
    region.scrollTop = y;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - before);
    before = now;
  }
  return times;
}"""
# The same without scrolling: what this machine's other work takes.
_STILL = """async () => {
  const times = [];
  let before = await new Promise(requestAnimationFrame);
  for (let frame = 0; frame < 200; frame += 1) {
    const now = await new Promise(requestAnimationFrame);
    times.push(now - before);
    before = now;
  }
  return times;
}"""
_SEEK = """async (time) => {
  const began = performance.now();
  const slider = document.querySelector(".waveform input");
  slider.value = time;
  slider.dispatchEvent(new Event("input"));
  await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
# From the answer with the transcript to the first word on the screen.
_PAINT = """() => {
  const entries = performance.getEntriesByType("resource");
  const answered = entries.findLast((one) => one.name.endsWith("/transcript")).responseEnd;
  return performance.now() - answered;
}"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds, elements and megabytes."""

    paint: float
    seek: float
    frames: list[float]
    still_frames: list[float]
    elements: int
    memory: tuple[float, float]
    """Of JavaScript after the first and after the last load."""


async def measure() -> Measured:
    """Everything once, on a stack of its own."""
    # Only who measures needs it.
    from playwright.async_api import async_playwright

    async with running(2.0, PREDICTOR) as stack, async_playwright() as playwright:
        found = await _story(stack)
        browser = await playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        token = stack.settings.bridge_token
        await page.goto(f"{stack.settings.url}/#token={token}")
        await page.goto(f"{stack.settings.url}/#/p/{found}")
        await page.locator("[data-start]").first.wait_for()
        paint = float(await page.evaluate(_PAINT))
        seeks = [float(await page.evaluate(_SEEK, 500.0 * at)) for at in range(SEEKS)]
        still = [float(one) for one in await page.evaluate(_STILL)]
        frames = [float(one) for one in await page.evaluate(_SCROLL)]
        elements = await page.locator("*").count()
        memory = await _loaded_again(page, f"{stack.settings.url}/#/p/{found}")
        await browser.close()
    return Measured(paint, max(seeks), frames, still, elements, memory)


async def _story(stack: Running) -> str:
    made = await stack.client.create_from_file(stack.recording, initial_prompt=f"words={WORDS}")
    done = await stack.client.finish(str(made["id"]))
    assert done["status"] == "succeeded", json.dumps(done["error"])
    return str(made["id"])


async def _loaded_again(page: Any, address: str) -> tuple[float, float]:
    """Megabytes that are in use after the first and the last of many loads."""
    session = await page.context.new_cdp_session(page)
    used = []
    for _ in range(LOADS):
        await page.goto(address.partition("#")[0] + "#/list")
        await page.locator(".records a").first.wait_for()
        await page.goto(address)
        await page.locator("[data-start]").first.wait_for()
        await session.send("HeapProfiler.collectGarbage")
        used.append((await session.send("Runtime.getHeapUsage"))["usedSize"] / 1e6)
    return used[0], used[-1]


def _slow(frames: list[float]) -> str:
    return f"{sum(frame > 100 for frame in frames)} of {len(frames)}"


def table(found: Measured) -> str:
    """As Markdown."""
    rows = (
        ("from the transcript's arrival to its first words", f"{found.paint:.0f} ms", "1,000 ms"),
        (f"the slowest of {SEEKS} seeks", f"{found.seek:.0f} ms", "100 ms"),
        ("the longest frame while scrolling", f"{max(found.frames):.0f} ms", "100 ms"),
        ("frames above 100 ms while scrolling", _slow(found.frames), "0"),
        ("the longest frame while nothing moves", f"{max(found.still_frames):.0f} ms", "–"),
        ("frames above 100 ms while nothing moves", _slow(found.still_frames), "–"),
        (
            "the median of both",
            f"{median(found.frames):.0f} and {median(found.still_frames):.0f} ms",
            "–",
        ),
        ("elements in the page", str(found.elements), "2,000"),
        (
            f"memory after 1 and after {LOADS} loads",
            f"{found.memory[0]:.1f} and {found.memory[1]:.1f} MB",
            f"{MOST_GROWTH} times the first",
        ),
    )
    lines = [f"| {' | '.join(row)} |" for row in (("what", "measured", "at most"), ("---",) * 3)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    print(table(asyncio.run(measure())))
