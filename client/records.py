"""The commands about transcriptions that the server holds, and about what it can do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from client import options
from client.api import Api, Json
from client.failures import Exit, Failure, shown
from client.report import document
from client.server import Refusal, Server


@click.command(params=[options.ANY_IDS, *options.CONNECTION])
def status(*, ids: tuple[str, ...], server: str, token: str, as_json: bool) -> None:
    """Show transcriptions on the server: the newest hundred, or those with an id."""

    async def ask(api: Api) -> list[Json]:
        if not ids:
            return list((await api.call("GET", "/v1/predictions"))["results"])
        return [await _known(api.find, prediction) for prediction in ids]

    found = _asked(server, token, ask)
    if as_json:
        for record in found:
            document(record)
        return
    rows = [
        (record["id"], record["status"], record["created_at"][:19].replace("T", " "), _what(record))
        for record in found
    ]
    _table(("id", "status", "created (UTC)", "recording"), rows)


@click.command(params=[options.IDS, *options.CONNECTION], no_args_is_help=True)
def cancel(*, ids: tuple[str, ...], server: str, token: str, as_json: bool) -> None:
    """Stop transcriptions on the server."""

    async def ask(api: Api) -> list[Json]:
        return [await _known(api.cancel, prediction) for prediction in ids]

    for record in _asked(server, token, ask):
        _print(record, f"{record['id']}: {_ended(record)}", as_json=as_json)


@click.command(params=[options.IDS, *options.CONNECTION], no_args_is_help=True)
def delete(*, ids: tuple[str, ...], server: str, token: str, as_json: bool) -> None:
    """Delete transcriptions with their recordings and results on the server; stop what runs."""

    async def remove(api: Api, prediction: str) -> Json:
        await api.delete(prediction)
        return {"id": prediction, "status": "deleted"}

    async def ask(api: Api) -> list[Json]:
        return [await _known(lambda name: remove(api, name), prediction) for prediction in ids]

    for record in _asked(server, token, ask):
        _print(record, f"{record['id']}: deleted", as_json=as_json)


@click.command(params=list(options.CONNECTION))
def models(*, server: str, token: str, as_json: bool) -> None:
    """List the names that --model takes. Names of other services stand for the first one."""

    async def ask(api: Api) -> list[Json]:
        return list((await api.call("GET", "/v1/models"))["data"])

    for model in _asked(server, token, ask):
        _print(model, model["id"], as_json=as_json)


@click.command(params=list(options.CONNECTION))
def languages(*, server: str, token: str, as_json: bool) -> None:
    """List the languages, and whether the server times each word in them."""

    async def ask(api: Api) -> list[Json]:
        return list((await api.call("GET", "/languages"))["languages"])

    found = _asked(server, token, ask)
    if as_json:
        for language in found:
            document(language)
        return
    timed = {True: "yes", False: "no", None: "not known yet"}
    rows = [(entry["code"], entry["name"], timed[entry["alignment"]]) for entry in found]
    _table(("code", "language", "words timed"), rows)


def _asked(server: str, token: str, ask: Callable[[Api], Awaitable[list[Json]]]) -> list[Json]:
    """What the server says."""

    async def asked() -> list[Json]:
        async with Api.opened(Server.named(server, token)) as api:
            await api.reach()
            return await ask(api)

    return asyncio.run(asked())


async def _known(call: Callable[[str], Awaitable[Json | None]], prediction: str) -> Json:
    """The answer for one id. Raises Failure where the server has none."""
    try:
        found = await call(prediction)
    except Refusal as said:
        if said.status != 404:
            raise
        found = None
    if found is None:
        raise Failure(
            f"{shown(prediction)}: the server has no such transcription; `whisperx-stack status`"
            " lists them",
            Exit.NOT_FOUND,
        )
    return found


def _ended(record: Json) -> str:
    return record["status"] if record["completed_at"] else "canceling"


def _what(record: Json) -> str:
    given = record["input"]
    return str(given.get("audio_file") or given.get("audio") or "")


def _print(content: Json, text: str, *, as_json: bool) -> None:
    if as_json:
        document(content)
    else:
        click.echo(shown(text))


def _table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Columns on a terminal; tabs elsewhere, for programs."""
    console = Console(highlight=False)
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(map(shown, row)))
        return
    table = Table(*header, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console.print(table)
