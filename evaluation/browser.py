"""The browser that tests, benchmarks and pictures of the page use."""

import shutil

PROGRAMS = ("chromium", "google-chrome", "chromium-browser")
ARGUMENTS = [
    "--no-sandbox",  # a container's root may not make one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
]


def program() -> str:
    """The browser of this machine. Raises FileNotFoundError."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise FileNotFoundError("there is no browser: run make install-browser")
    return found
