"""Keys of a running service, and what is signed for their tenants."""

import pytest

from bridge.records import keys_command
from outbound.signing import headers
from tests.clients.helpers import asked, eventually, receiving
from tests.conftest import RunningStack
from tests.tenants.conftest import Keys
from tests.tenants.side import Side

Sides = tuple[Side, Side]


def _signature(key: str, call_headers: dict[str, str], raw: str) -> str:
    moment = int(call_headers["webhook-timestamp"])
    return headers(key, call_headers["webhook-id"], moment, raw.encode())["webhook-signature"]


async def test_a_tenants_webhooks_are_signed_with_its_own_key(sides: Sides) -> None:
    mine, other = [(await side.json("GET", "/v1/webhooks/default/secret"))["key"] for side in sides]
    async with receiving() as receiver:
        body = {"id": "signed", "input": asked(), "webhook": receiver.url}
        await sides[0].json("POST", "/v1/predictions", json=body)
        await eventually(lambda: receiver.ends, "the end is delivered")
        call = receiver.ends[0]
    assert call.body["id"] == "signed"
    assert call.id == "msg_signed_completed"
    assert call.headers["webhook-signature"] == _signature(mine, call.headers, call.raw)
    assert call.headers["webhook-signature"] != _signature(other, call.headers, call.raw)


async def test_a_key_is_valid_from_the_command_that_adds_it_to_the_one_that_revokes_it(
    stack: RunningStack, keys: Keys, sides: Sides, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> str:
        assert keys_command.main(["--file", str(keys.path), *arguments]) == 0
        return capsys.readouterr().out

    async def status(key: str) -> int:
        answer = await sides[0].call("GET", "/v1/account", {"Authorization": f"Bearer {key}"})
        return answer.status

    key = run("add", "for-a-while", "--tenant", sides[0].name).split()[-1]
    assert await status(key) == 200
    run("revoke", "for-a-while")
    assert await status(key) == 401
    assert await status(sides[0].key) == 200
    assert key not in stack.log("bridge") + keys.path.read_text()
