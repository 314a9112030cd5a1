"""Four descriptions of one interface must agree: Options, predict.py, the committed schema, Cog."""

import ast
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import jsonschema
import pytest
import yaml

from transcription.options import AUDIO_NAMES, NAMES, Options
from transcription.schema import input_schema, output_schema
from transcription.transcript import Segment, Transcript, Word
from transcription.wire import to_wire

ROOT = Path(__file__).parents[3]
DATA = Path(__file__).parent / "data"


def _predictor() -> tuple[ast.Module, ast.AsyncFunctionDef]:
    """predict.py as Cog's static generator sees it: text, not a module."""
    module = ast.parse((ROOT / "predict.py").read_text())
    (predictor,) = (
        node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Predictor"
    )
    (run,) = (
        node
        for node in predictor.body
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "run"
    )
    return module, run


def _signature() -> dict[str, tuple[str, dict[str, Any]]]:
    """Parameter -> (annotation, literal keyword arguments of its Input())."""
    module, run = _predictor()
    constants = {
        node.targets[0].id: node.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    parameters = {}
    for argument, default in zip(run.args.args[1:], run.args.defaults, strict=True):
        assert isinstance(default, ast.Call)
        assert argument.annotation is not None
        literals = {
            str(keyword.arg): ast.literal_eval(
                constants[keyword.value.id]
                if isinstance(keyword.value, ast.Name)
                else keyword.value
            )
            for keyword in default.keywords
        }
        parameters[argument.arg] = (ast.unparse(argument.annotation), literals)
    return parameters


def test_predict_takes_the_recording_and_every_option_in_order() -> None:
    assert tuple(_signature()) == (*AUDIO_NAMES, *NAMES)


@pytest.mark.parametrize("option", fields(Options), ids=lambda option: option.name)
def test_predict_repeats_the_option(option: Any) -> None:
    annotation, literals = _signature()[option.name]
    bounds = {
        name: option.metadata[name] for name in ("ge", "le") if option.metadata[name] is not None
    }
    choices = {"choices": list(option.metadata["choices"])} if option.metadata["choices"] else {}
    # Cog knows no empty list as a default; both mean that nothing was sent.
    assert (
        literals == {"default": None if option.default == () else option.default} | bounds | choices
    )
    expected = str(get_type_hints(Options)[option.name]).removeprefix("<class '").removesuffix("'>")
    if option.metadata["secret"]:
        expected = "Secret | None"
    if expected.startswith("typing.Literal"):
        expected = "str"  # its values are the choices
    if option.default == ():
        expected = "list[Path] | None" if option.metadata["files"] else "list[str] | None"
    assert annotation == expected


@pytest.mark.parametrize("name", AUDIO_NAMES)
def test_predict_takes_recordings_as_paths(name: str) -> None:
    assert _signature()[name] == ("Path | None", {"default": None})


def test_the_committed_schema_is_the_generated_one() -> None:
    generated = subprocess.run(
        [sys.executable, "-m", "transcription.schema"], cwd=ROOT, capture_output=True, check=True
    )
    committed = (ROOT / ".cog" / "openapi_schema.json").read_text()
    assert json.loads(generated.stdout) == json.loads(committed)
    assert generated.stdout.decode() == committed


def test_every_input_is_described() -> None:
    properties = input_schema()["properties"]
    assert set(properties) == {*AUDIO_NAMES, *NAMES}
    assert all(len(schema["description"]) > 10 for schema in properties.values())


def test_an_output_fits_its_schema() -> None:
    word = Word("Hello", 0, 1, None, "SPEAKER_00")
    segments = (
        Segment("Hello", 0, 1, (word,), "SPEAKER_00", -0.5),
        Segment("there", 1, 2),
    )
    transcript = Transcript(segments, "en", 2.0, 0.5, {"SPEAKER_00": (0.5,)}, ("careful",))
    schema = _without_nullable(output_schema())
    jsonschema.validate(to_wire(transcript), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"segments": []}, schema)


def _without_nullable(schema: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` in JSON Schema's words."""
    if isinstance(schema, list):
        return [_without_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _without_nullable(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def test_cog_accepts_cog_yaml() -> None:
    config = yaml.safe_load((ROOT / "cog.yaml").read_text())
    jsonschema.validate(config, json.loads((DATA / "cog-config-schema.json").read_text()))
    build = config["build"]
    assert (ROOT / build["python_requirements"]).is_file()
    file, _, name = config["run"].partition(":")
    assert (ROOT / file).is_file()
    assert f"class {name}(BaseRunner)" in (ROOT / file).read_text()
    # Quoted: unquoted, YAML reads 3.10 as 3.1.
    assert isinstance(build["python_version"], str)


def test_the_gpu_image_keeps_whisperxs_pins() -> None:
    pinned = {
        line.split("==")[0]: line.split("==")[1].split()[0]
        for line in (ROOT / "requirements" / "gpu.txt").read_text().splitlines()
        if "==" in line and not line.lstrip().startswith("#")
    }
    assert pinned["whisperx"] == "3.8.6"
    assert pinned["torch"] == pinned["torchaudio"] == "2.8.0"
    assert pinned["nvidia-cublas-cu12"].startswith("12.8")
    assert int(pinned["huggingface-hub"].split(".")[0]) < 1
