"""Which versions of other people's clients are run.

The Python ones of ``.venv-clients`` are pinned in requirements/clients.txt. With
``UNPINNED_CLIENTS=1``, as every week, it is the newest of all but those that stand for the old.
"""

import os

OPENAI_JS = "openai@7.55.0"
OLD_OPENAI_JS = "openai@4.0.0"
OLD_OPENAI_PY = ("openai==1.2.4", "httpx==0.27.2")  # later ones no longer work with that one
REPLICATE_JS = "replicate@1.4.0"
REPLICATE_PY2 = "replicate==2.0.0b4"
WYOMING = ("wyoming-openai==0.8.0",)  # which pins the `wyoming` client
AI_JS = ("ai@7.0.173", "@ai-sdk/openai@4.0.118")
_OLD = (OLD_OPENAI_JS, *OLD_OPENAI_PY)


def wanted(*pins: str) -> tuple[str, ...]:
    """What npm or pip is to install for ``pins``."""
    if os.environ.get("UNPINNED_CLIENTS") != "1":
        return pins
    return tuple(pin if pin in _OLD else _newest(pin) for pin in pins)


def _newest(pin: str) -> str:
    name, pip, _ = pin.partition("==")
    return name if pip else f"{pin.rpartition('@')[0]}@latest"
