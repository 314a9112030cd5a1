"""Every variable reaches Cog as it was set, empty or not."""

import re

import pytest
import yaml

from stack.services import bridge, cog
from stack.settings import ROOT, StackSettings
from transcription.engine.settings import Settings

MEANT = ("ALIGN_LANGUAGES", "MODEL_SOURCES")  # empty, they say: none
SECRETS = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}


def predictor_variables() -> set[str]:
    code = (ROOT / "transcription/engine/settings.py").read_text()
    return set(re.findall(r'environment(?:\.get\(|, )"([A-Z_]+)"', code))


def test_empty_variables_reach_the_processes() -> None:
    empty = dict.fromkeys(predictor_variables() | {"LOG_LEVEL", "COG_LOG_LEVEL"}, "")
    settings = StackSettings.from_env({**empty, **SECRETS, "DEVICE": "cpu"}, free_ports=True)
    given = cog(settings).environ
    for name in MEANT:
        assert given[name] == ""
    assert given["MODELS"] == settings.models == "base"
    assert (given["COG_LOG_LEVEL"], bridge(settings).environ["LOG_LEVEL"]) == ("warn", "WARNING")
    read = Settings.from_environment(given)
    assert (read.align_languages, read.sources) == ({}, ())


@pytest.mark.parametrize("name", sorted(predictor_variables() - {"BRIDGE_INTERNAL_URL"}))
def test_compose_hands_every_variable_of_the_predictor_on(name: str) -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["whisperx"]
    value = service["environment"].get(name, "missing")
    # Without a value, Compose hands on what was set, also to nothing, and nothing otherwise.
    assert value is None or value in (f"${{{name}:-}}", f"${{{name}:-large-v3}}")
    if name in MEANT:
        assert value is None
