"""One tenant as the tests see it: its calls, and what it must find."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.clients.helpers import WAV, Answer, asked

Json = dict[str, Any]
IDS = ("one", "two", "three")  # both tenants use the same


@dataclass
class Side:
    """A tenant with a key of its own, or whoever has none, and a model of what it has."""

    name: str
    key: str = field(repr=False)
    marker: str
    url: str
    session: aiohttp.ClientSession
    receiver: str
    """A receiver of webhooks that refuses them for good."""
    predictions: dict[str, int] = field(default_factory=dict)
    """Ids, each with the number of its revision."""
    files: dict[str, str] = field(default_factory=dict)
    """Ids, each with its link."""
    letters: set[str] = field(default_factory=set)
    seen: list[Answer] = field(default_factory=list)

    async def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **arguments: Any
    ) -> Answer:
        """An answer with its whole body as bytes."""
        shown = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        sent = {**shown, **(headers or {})}
        if "json" in arguments:
            sent["Content-Type"] = "application/json"
            arguments["data"] = io.BytesIO(json.dumps(arguments.pop("json")).encode())
        url = path if path.startswith("http") else self.url + path
        async with self.session.request(method, url, headers=sent, **arguments) as response:
            answer = Answer(response.status, await response.read(), response.headers)
        self.seen.append(answer)
        return answer

    async def json(
        self, method: str, path: str, headers: dict[str, str] | None = None, **arguments: Any
    ) -> Json:
        """The body of an answer that must be a success."""
        answer = await self.call(method, path, headers, **arguments)
        assert answer.status < 300, answer
        found: Json = json.loads(answer.body)
        return found

    def inputs(self) -> Json:
        """What makes a prediction whose output holds the tenant's marker."""
        return asked(f"say=1 {self.marker}")

    def body(self, prediction_id: str) -> Json:
        """A request for a prediction with a webhook that will be a dead letter."""
        webhook = {"webhook": self.receiver, "webhook_events_filter": ["completed"]}
        return {"id": prediction_id, "input": self.inputs(), **webhook}

    def form(self, name: str = "file") -> aiohttp.FormData:
        """A recording with the tenant's marker as its prompt and as the file's name."""
        form = aiohttp.FormData()
        form.add_field(name, io.BytesIO(WAV), filename=f"{self.marker}.wav")
        return form

    def created(self, answer: Answer, prediction_id: str) -> None:
        """Take in what a request for a new prediction was answered."""
        assert answer.status == 201, answer
        body = json.loads(answer.body)
        assert (body["id"], body["status"]) == (prediction_id, "succeeded"), body
        assert self.marker in json.dumps(body["output"])
        if prediction_id not in self.predictions:
            self.predictions[prediction_id] = 0

    def found(self, answer: Answer, prediction_id: str, status: int = 200) -> bool:
        """Whether the prediction is the tenant's; checks that the answer says the same."""
        known = prediction_id in self.predictions
        assert answer.status == (status if known else 404), (self.name, prediction_id, answer)
        return known
