"""Is the service alive, and can it work: `/health` and `/health-check`, both without a token."""

import asyncio

from aiohttp import web
from redis.exceptions import RedisError

from bridge.context import CONTEXT, Context
from predictor.health import CogState

_REDIS_SECONDS = 1.0  # a probe should not wait longer for its answer


async def health(request: web.Request) -> web.Response:
    """Reports what the service can do; 200 while the process lives."""
    context = request.app[CONTEXT]
    status, reason = await _readiness(context)
    worker, probed = context.monitor.worker, context.probe.report
    return web.json_response(
        {
            "status": status,
            "reason": reason,
            "model": context.settings.model_names[0],
            "models": list(context.settings.model_names),
            "gpu_available": worker.gpu_available if worker else None,
            "alignment_available": worker.alignment_available if worker else None,
            "diarization_available": worker.diarization_available if worker else None,
            "decoders": {
                "bridge": probed.as_json() if probed else None,
                "predictor": worker.decoder if worker else None,
            },
        }
    )


async def readiness(request: web.Request) -> web.Response:
    """Reports whether a prediction would run now: 200, otherwise 503 with the reason."""
    status, reason = await _readiness(request.app[CONTEXT])
    return web.json_response(
        {"status": status, "reason": reason}, status=200 if reason is None else 503
    )


async def _readiness(context: Context) -> tuple[str, str | None]:
    """(status, None) when all is well, else (status, why not)."""
    try:
        async with asyncio.timeout(_REDIS_SECONDS):
            await context.store.ping()
    except (RedisError, TimeoutError):
        return "REDIS_UNREACHABLE", "Redis does not answer"
    if context.monitor.draining:
        return "DRAINING", "the bridge finishes what runs, and stops"
    if not context.queue.is_open:
        return "STARTING", "the queue is not open yet"
    found = context.monitor.health
    if not found.ready:
        return found.status, found.reason or "Cog is not ready"
    # That it is busy would tell one tenant that another is.
    return CogState.READY if context.settings.has_tenants else found.status, None
