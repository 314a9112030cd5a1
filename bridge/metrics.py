"""The bridge's metrics for Prometheus, on a port of their own: ``GET /metrics``.

Counters and histograms grow where things happen. What Redis and Cog know (the queue, webhooks that
wait, Cog's state) is asked when somebody looks. All bridges on one Redis report the same queue:
take the maximum over them, and the sum over counters. Imported only where METRICS_PORT is set.
"""

import time
from collections import Counter as Counted
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from bridge.api.auth import forbidden, holder, unauthenticated
from bridge.context import Context
from bridge.records.changes import Change
from bridge.records.prediction import Status
from bridge.records.tenants import Scope
from bridge.tasks.tracing import route_of
from predictor.health import CogState
from transcription.options import AUDIO_NAMES, NAMES

_PREFIX = "whisperx_"
FAILURES = ("input", "service")
_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 60)
_WAIT_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400)
_STAGE_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
_REAL_TIME_FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The figures of one bridge."""

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = self._histogram(
            "http_request_seconds", "Answers by route.", _REQUEST_SECONDS, "method", "route"
        )
        self._answers = self._counter(
            "http_requests", "Answers by route and status.", "method", "route", "status"
        )
        self._predictions = self._counter(
            "predictions", "Predictions that this bridge saw end.", "status"
        )
        self._failures = self._counter(
            "failures", "Failed predictions by whom is to blame: input or service.", "kind"
        )
        for kind in FAILURES:  # shown before the first one
            self._failures.labels(kind)
        self._lost = self._counter("runs_lost", "Runs that were lost with their worker.")
        self._wait = self._histogram(
            "queue_wait_seconds", "From a prediction's creation to its first run.", _WAIT_SECONDS
        )
        self._stages = self._histogram(
            "stage_seconds", "Time per stage of a run.", _STAGE_SECONDS, "stage"
        )
        self._factor = self._histogram(
            "real_time_factor", "Run time through recording time; less is faster.",
            _REAL_TIME_FACTORS,
        )  # fmt: skip
        self._audio = self._counter("audio_seconds", "Seconds of recordings transcribed.")
        self._webhooks = self._counter(
            "webhook_attempts", "Tries to deliver clients' webhooks.", "event", "outcome"
        )
        self._refused = self._counter(
            "redis_refused", "Values in Redis that were refused: not written by a bridge.", "kind"
        )
        self._unfinished = self._gauge("predictions_unfinished", "Queued and running.", "status")
        self._waiting = self._gauge("webhooks_pending", "Webhooks that are still to be delivered.")
        self._dead = self._gauge("webhooks_dead", "Webhooks that were given up.")
        self._tenants = self._gauge(
            "tenants_unfinished", "Tenants that have unfinished predictions."
        )
        self._most = self._gauge(
            "tenant_most_unfinished", "The most unfinished predictions of one tenant."
        )
        self._redis = self._gauge("redis_up", "1 while Redis answers.")
        self._cog = self._gauge("cog_state", "1 for the state that Cog is in.", "state")
        self._draining = self._gauge("draining", "1 while the bridge finishes before it stops.")

    def saw(self, change: Change) -> None:
        """Count what a record's change tells."""
        before, after = change.before, change.after
        if after.started_at is not None and before.started_at is None:
            self._wait.observe((after.started_at - after.created_at).total_seconds())
        again = before.status is Status.PROCESSING and after.status is Status.STARTING
        if again and after.handed_on != after.attempt:
            self._lost.inc()
        if not after.terminal:
            return
        self._predictions.labels(after.status.value).inc()
        if after.status is Status.FAILED:
            self._failures.labels(failure_kind(after.error or "")).inc()
        metrics = after.metrics
        for stage, seconds in (metrics.get("timing") or {}).items():
            self._stages.labels(stage).observe(seconds)
        if "real_time_factor" in metrics:
            self._factor.observe(metrics["real_time_factor"])
            self._audio.inc(metrics.get("audio_seconds", 0.0))

    def tried(self, event: str, outcome: str) -> None:
        """Count a try to deliver a webhook."""
        self._webhooks.labels(event, outcome).inc()

    def refused(self, kind: str) -> None:
        """Count a value in Redis that was not ours."""
        self._refused.labels(kind).inc()

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Counts and times every answer."""
        began = time.perf_counter()
        status = 499  # what nginx calls a client that did not wait
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            route = route_of(request)
            self._answers.labels(request.method, route, status).inc()
            self._requests.labels(request.method, route).observe(time.perf_counter() - began)

    async def text(self, context: Context) -> bytes:
        """Everything, in Prometheus's text format."""
        for state in CogState:
            self._cog.labels(state).set(state == context.monitor.health.status)
        self._draining.set(context.monitor.draining)
        try:
            unfinished = await context.store.unfinished_records()
            pending, dead = await context.webhooks.counts()
        except RedisError:
            self._redis.set(0)
        else:
            self._redis.set(1)
            for status in (Status.STARTING, Status.PROCESSING):
                number = sum(record.status is status for record in unfinished)
                self._unfinished.labels(status.value).set(number)
            tenants = Counted(record.id.tenant for record in unfinished)
            self._tenants.set(len(tenants))
            self._most.set(max(tenants.values(), default=0))
            self._waiting.set(pending)
            self._dead.set(dead)
        return generate_latest(self.registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(_PREFIX + name, help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(_PREFIX + name, help_text, labels, registry=self.registry)

    def _histogram(
        self, name: str, help_text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(_PREFIX + name, help_text, labels, registry=self.registry, buckets=buckets)


def failure_kind(error: str) -> str:
    """Whom a failure is to blame on: our own errors about an input begin with its name."""
    name, colon, _ = error.partition(": ")
    return "input" if colon and (name in NAMES or name in AUDIO_NAMES) else "service"


def build_metrics_app(metrics: Metrics, context: Context) -> web.Application:
    """The application behind METRICS_PORT."""

    async def show(request: web.Request) -> web.Response:
        # Where there are tenants, what is counted is the work of all of them.
        if context.settings.api_keys_file:
            principal = holder(context, request.headers.get("Authorization", ""))
            if principal is None:
                return unauthenticated()
            if principal.key_id and Scope.OPERATOR not in principal.scopes:
                return forbidden(principal, Scope.OPERATOR)
        text = await metrics.text(context)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", show)
    return app
