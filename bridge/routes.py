"""Every public route and what answers it."""

from aiohttp import web

from bridge.api import (
    asr,
    deadletters,
    health,
    listening,
    rest,
    results,
    speakers,
    transcript,
)
from bridge.api.documentation import handlers as documentation
from bridge.api.openai import models as openai_models
from bridge.api.openai import transcriptions
from bridge.api.page import handlers as page
from bridge.api.replicate import files as file_routes
from bridge.api.replicate import models, predictions, stream

PREFIXES = ("", "/v1", "/v1/v1")  # the official clients disagree about what the base URL ends in
_PREDICTION = "/predictions/{id}"
_MODEL = "/models/{owner}/{name}"
ROUTES = [
    web.post("/predictions", predictions.create),
    web.get("/predictions", predictions.list_all),
    web.put(_PREDICTION, predictions.create),
    web.get(_PREDICTION, predictions.get),
    web.delete(_PREDICTION, predictions.erase),
    web.post(f"{_PREDICTION}/cancel", predictions.cancel),
    web.get(f"{_PREDICTION}/stream", stream.stream),
    web.get(f"{_PREDICTION}/output", results.output),
    web.get(f"{_PREDICTION}/transcript", transcript.get),
    web.put(f"{_PREDICTION}/transcript", transcript.put),
    web.get(f"{_PREDICTION}/peaks", listening.peaks),
    web.get(f"{_PREDICTION}/recording", listening.recording),
    web.post(f"{_MODEL}/predictions", predictions.create),
    web.post("/deployments/{owner}/{name}/predictions", predictions.create),
    web.get("/models", models.list_models),
    web.get("/models/{model}", openai_models.get_model),
    web.get(_MODEL, models.get_model),
    web.get(f"{_MODEL}/versions", models.list_versions),
    web.get(f"{_MODEL}/versions/{{version}}", models.get_version),
    web.get("/account", models.account),
    web.get("/webhooks/default/secret", models.webhook_secret),
    web.get("/webhooks/dead-letters", deadletters.list_all),
    web.post("/webhooks/dead-letters/{letter}/redeliver", deadletters.redeliver),
    web.post("/files", file_routes.upload),
    web.get("/files", file_routes.list_files),
    web.get("/files/{id}", file_routes.get),
    web.delete("/files/{id}", file_routes.delete),
    web.get("/files/{id}/download", file_routes.download),
    web.post("/audio/transcriptions", transcriptions.transcribe),
    web.post("/audio/translations", transcriptions.translate),
    web.post("/audio/transcribe-with-speakers", speakers.transcribe),
    web.post("/transcribe", rest.transcribe),
    web.post("/asr", asr.transcribe),
    web.post("/detect-language", asr.detect_language),
]
ROOT_ROUTES = [  # for probes, people and programs that look around: no token, no other prefix
    web.get("/", page.index),
    web.get("/page/{name}", page.file),
    web.get("/health", health.health),
    web.get("/health-check", health.readiness),
    web.get("/languages", rest.languages),
    web.get("/api-info", documentation.api_info),
    web.get("/openapi.json", documentation.openapi),
    web.get("/docs", documentation.page),
]


def routes() -> list[web.RouteDef]:
    """Every public route."""
    found = [*ROOT_ROUTES]
    for prefix in PREFIXES:
        found += [
            web.route(route.method, f"{prefix}{route.path}", route.handler) for route in ROUTES
        ]
    return found
