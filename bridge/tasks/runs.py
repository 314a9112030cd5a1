"""Running predictions in Cog, each until it has ended, also when its worker is lost."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from redis.exceptions import RedisError

from bridge.cog.client import Cog, Ended, NotAccepted, RunLost
from bridge.links import Links
from bridge.recordings.files import Files
from bridge.records.connections import until_redis_answers
from bridge.records.prediction import Event, Finished, Prediction, Rejected, Status, Stopped
from bridge.records.store import Store
from bridge.records.tenants import Key
from bridge.records.watch import Watch
from bridge.tasks.company import Company
from bridge.tasks.lifecycle import Lifecycle
from bridge.tasks.tracing import PREDICTION, span
from transcription.options import AUDIO_NAMES, REFERENCES, SECRETS

MAX_ATTEMPTS = 3  # runs lost with their worker before the recording is blamed
CANCEL_POLL_SECONDS = 0.25
LOST_PAUSE = 0.5  # seconds before a lost run is repeated
LOGS_SECONDS = 0.5  # how long a failure waits for its logs, which only the webhook carries
SILENT_SECONDS = 45.0  # how long Cog may take to begin a run, or to stop one; a long batch is half
HANG_SECONDS = 10.0  # how long a run that was canceled may still hold its slot

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Offer:
    """How often a run was offered to Cog: a busy Cog takes it later."""

    number: int = 0


class Runs:
    """The work of the docket `jobs`."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything that a run touches
        self,
        store: Store,
        files: Files,
        cog: Cog,
        links: Links,
        lifecycle: Lifecycle,
        watch: Watch,
        max_run_seconds: float,
        events: Sequence[str],
    ) -> None:
        self._store: Final = store
        self._files: Final = files
        self._cog: Final = cog
        self._links: Final = links
        self._lifecycle: Final = lifecycle
        self._watch: Final = watch
        self._max_run_seconds: Final = max_run_seconds
        self._events: Final = events
        self._company: Final = Company()
        self.stopping = False

    async def run(self, prediction_id: str) -> None:
        """Task: give a prediction to Cog, again if its worker is lost, until it has ended.

        Canceled, it hands the prediction on: docket leaves the task to the next bridge.
        """
        key = Key(prediction_id)
        prediction = await until_redis_answers(lambda: self._store.get(key))
        while prediction is not None and not prediction.terminal:
            attempt = prediction.attempt + 1
            try:
                event, output = await self._attempt(prediction, attempt)
            except Exception:
                _log.exception("prediction %s: unexpected error", prediction_id)
                event, output = Rejected("The service met an unexpected error."), None
            recordings = prediction.recordings
            prediction = await self._record(key, event, output)
            if prediction is None:  # erased meanwhile
                self._files.remove(*(one.name for one in recordings))
            if prediction is not None and not prediction.terminal:
                _log.warning("prediction %s: run %s was lost", prediction_id, attempt)
                await asyncio.sleep(LOST_PAUSE)

    async def _record(self, prediction_id: Key, event: Event, output: Any) -> Prediction | None:
        return await until_redis_answers(
            lambda: self._lifecycle.apply(prediction_id, event, output)
        )

    async def _attempt(self, prediction: Prediction, attempt: int) -> tuple[Event, Any]:
        """One run: how it ended, and its output."""
        # What was lost in company may have been another's fault, and was repeated alone.
        if attempt - prediction.handed_on > MAX_ATTEMPTS + prediction.lost_in_company:
            error = f"The worker was lost {MAX_ATTEMPTS} times while it ran this prediction."
            return Rejected(error), None
        run_id = f"{prediction.id}-{attempt}"
        offer = _Offer()
        run = asyncio.create_task(self._accepted_run(prediction, attempt, offer))
        watch = asyncio.create_task(self._until_hopeless(prediction.id, run_id, offer))
        try:
            await asyncio.wait([run, watch], return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                watch.result()
                _log.error("run %s: Cog neither begins it nor ends it", run_id)
                await self._free_slot(run_id)
                return Stopped(attempt, in_company=self._company.had(run_id)), None
            ended = run.result()
        except RunLost:
            return Stopped(attempt, in_company=self._company.had(run_id)), None
        except TimeoutError:
            await self._free_slot(run_id)
            error = f"It ran longer than {self._max_run_seconds:g} seconds and was stopped."
            return Finished(attempt, "", {}, error), None
        except asyncio.CancelledError:
            await self._hand_on(prediction.id, attempt)
            raise
        finally:
            run.cancel()
            watch.cancel()
            await asyncio.gather(run, watch, return_exceptions=True)
            self._company.left(run_id)
        if ended is None or ended.status == "canceled":
            return Stopped(attempt, ended.logs if ended else ""), None
        if ended.error is not None and not ended.logs:
            # Cog's answer to a failed run leaves the logs out; its webhook, soon after, has them.
            await until_redis_answers(lambda: self._watch.ended(prediction.id, LOGS_SECONDS))
        return Finished(attempt, ended.logs, ended.metrics, ended.error), ended.output

    async def _hand_on(self, prediction_id: Key, attempt: int) -> None:
        """Note that this bridge stops, before Cog tells of the end of a run that was broken off."""
        with contextlib.suppress(RedisError):  # then the run counts as lost
            after = await self._lifecycle.apply(prediction_id, Stopped(attempt, handed_on=True))
            if after is not None and not after.terminal:
                _log.info("prediction %s: run %s is handed on", prediction_id, attempt)

    async def _accepted_run(
        self, prediction: Prediction, attempt: int, offer: _Offer
    ) -> Ended | None:
        """Offers the run to Cog until it is taken; None when its end is asked for meanwhile."""
        secrets = {}
        if not SECRETS.isdisjoint(prediction.input):
            secrets = await until_redis_answers(lambda: self._store.secrets(prediction.id))
        inputs = self._inputs(prediction, secrets)
        run_id = f"{prediction.id}-{attempt}"
        # The one thing that Cog hands on to the predictor besides its inputs.
        context = {"run": run_id, "segments_url": self._links.segments(prediction.id, attempt)}
        if attempt > 1:
            context["heard_url"] = self._links.heard(prediction.id, attempt)
        webhook = {
            "webhook": self._links.webhook(prediction.id, attempt),
            "webhook_events_filter": list(self._events),
            "context": context,
        }
        while True:
            offer.number += 1
            try:
                return await self._offer(prediction, run_id, inputs, webhook)
            except NotAccepted:
                if self.stopping:
                    raise asyncio.CancelledError from None  # as if it were handed on
                await asyncio.sleep(CANCEL_POLL_SECONDS)
                _, unwanted = await until_redis_answers(lambda: self._store.wanted(prediction.id))
                if unwanted:
                    return None

    async def _offer(
        self,
        prediction: Prediction,
        run_id: str,
        inputs: Mapping[str, Any],
        webhook: Mapping[str, Any],
    ) -> Ended:
        if not self._company.admits(run_id, alone=prediction.lost_in_company):
            raise NotAccepted("a run has to be alone")
        attributes: dict[str, str | int] = {
            PREDICTION: prediction.id.public,
            "whisperx.run.attempt": int(run_id.rpartition("-")[2]),
            "http.request.method": "PUT",
        }
        try:
            with span(
                "run", prediction.traceparent, "CLIENT", attributes, unless=NotAccepted
            ) as run:
                ended = await self._cog.run(run_id, inputs, webhook, run.headers)
                run.set({"whisperx.run.status": ended.status})
                return ended
        except NotAccepted:
            self._company.left(run_id)
            raise

    def _inputs(self, prediction: Prediction, secrets: Mapping[str, str]) -> dict[str, Any]:
        """What Cog gets: the client's options, its secrets, and loopback URLs as recordings."""
        options = {
            name: value for name, value in prediction.input.items() if name not in AUDIO_NAMES
        }
        if prediction.references:
            options[REFERENCES] = [self._links.audio(one.name) for one in prediction.references]
        return {**options, **secrets, "audio_file": self._links.audio(prediction.recording)}

    async def _until_hopeless(self, prediction_id: Key, run_id: str, offer: _Offer) -> None:
        """Stops the run when its end is asked for; any bridge may have been, the record tells all.

        Returns when Cog was silent for too long: it took the run and did not begin it, did not stop
        it when it was canceled, or reported its end and kept the request open. Raises TimeoutError
        when the run has had its time; beside others it has a share of every second.
        """
        silent = spent = 0.0
        clock = asyncio.get_running_loop().time
        while silent < SILENT_SECONDS:
            offered, before = offer.number, clock()
            # By the clock, and not as soon as the record changes: Cog loses a cancel that it gets
            # while it begins the run.
            await asyncio.sleep(CANCEL_POLL_SECONDS)
            # A Redis that is away stops this clock: what Cog reports is not recorded meanwhile.
            status, unwanted = await until_redis_answers(lambda: self._store.wanted(prediction_id))
            if unwanted:
                await self._cog.cancel(run_id)
            overdue = unwanted or status is not Status.PROCESSING
            silent = silent + CANCEL_POLL_SECONDS if overdue and offer.number == offered else 0.0
            if status is Status.PROCESSING:
                spent += (clock() - before) * self._company.share
            if spent > self._max_run_seconds:
                raise TimeoutError

    async def _free_slot(self, run_id: str) -> None:
        """Stop a run that takes too long; a Cog that does not stop it is ended.

        The kubelet or the supervisor then starts a new one.
        """
        began = datetime.now(UTC)
        while (datetime.now(UTC) - began).total_seconds() < HANG_SECONDS:
            # Not by its health: Cog may be busy with other runs, or ready for more.
            if not await self._cog.cancel(run_id):
                return
            await asyncio.sleep(CANCEL_POLL_SECONDS)
        _log.error("run %s does not stop; ending Cog's server", run_id)
        await self._cog.shut_down()
