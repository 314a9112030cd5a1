"""Replicate's files: upload, describe, download by signed link, delete."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from aiohttp import web

from bridge.api.access import note
from bridge.api.auth import principal_of, tenant_of
from bridge.api.errors import problem
from bridge.api.forms import charset_of, chunks_of, filename_of, parts_of, text_of
from bridge.api.origin import base_url
from bridge.context import CONTEXT
from bridge.recordings.uploads import Uploaded
from bridge.records.tenants import Key
from transcription.errors import InvalidInput
from transcription.reading import from_json

_METADATA = re.compile(r"metadata\[(.+)\]")


async def upload(request: web.Request) -> web.Response:
    """Uploads a file, for predictions that name it; its form's parts may come in any order."""
    context = request.app[CONTEXT]
    if request.content_type != "multipart/form-data":
        raise web.HTTPUnsupportedMediaType(text="Send the file as multipart/form-data.")
    uploaded: Uploaded | None = None
    given: dict[str, Any] = {}
    async for name, part in parts_of(request):
        chunks = chunks_of(part, context.settings.upload_idle_timeout)
        if name == "content" and uploaded is None:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            uploaded = await context.uploads.add(
                principal_of(request), filename_of(part) or "file", kind, chunks
            )
        else:
            given[name] = await text_of(chunks, charset_of(part))
    if uploaded is None:
        raise InvalidInput("content", "the form has no file of this name")
    described = _described(uploaded, given)
    note(request, described.id)
    await context.uploads.describe(described)
    return web.json_response(_file(request, described), status=201)


async def list_files(request: web.Request) -> web.Response:
    """Lists the uploaded files that have not expired, newest first."""
    found = await request.app[CONTEXT].uploads.all(tenant_of(request))
    note(request, *(uploaded.id for uploaded in found))
    results = [_file(request, uploaded) for uploaded in found]
    return web.json_response({"previous": None, "next": None, "results": results})


async def get(request: web.Request) -> web.Response:
    """Shows the description of an uploaded file."""
    key = _named(request)
    uploaded = await request.app[CONTEXT].uploads.get(key) if key else None
    return _unknown() if uploaded is None else web.json_response(_file(request, uploaded))


async def delete(request: web.Request) -> web.Response:
    """Deletes an uploaded file."""
    key = _named(request)
    removed = key is not None and await request.app[CONTEXT].uploads.remove(key)
    return web.Response(status=204) if removed else _unknown()


async def download(request: web.Request) -> web.StreamResponse:
    """Downloads an uploaded file; the signed link is the permission."""
    context = request.app[CONTEXT]
    named = context.links.file_named_by(str(request.url))
    note(request, *([named] if named else []))
    uploaded = await context.uploads.get(named) if named else None
    if named is None or uploaded is None:
        return problem(403, "The link has expired or is not one of ours.")
    path = context.files.path(context.uploads.path_name(named))
    if not path.exists():
        return _unknown()
    return web.FileResponse(
        path,
        headers={
            # Never shown in a browser as a page of ours, whatever the file claims to be.
            "Content-Type": "application/octet-stream",
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _named(request: web.Request) -> Key | None:
    """The file that the path names; None where it is none of our ids."""
    try:
        return tenant_of(request).key(request.match_info["id"])
    except ValueError:
        return None


def _described(uploaded: Uploaded, given: dict[str, Any]) -> Uploaded:
    """With what came in the form's other parts: one client sends JSON, another `metadata[k]`."""
    metadata: dict[str, Any] = {}
    try:
        parsed = from_json(given.get("metadata", "{}"))
    except ValueError:
        raise InvalidInput("metadata", "is not valid JSON") from None
    if isinstance(parsed, dict):
        metadata |= parsed
    for name, value in given.items():
        if match := _METADATA.fullmatch(name):
            metadata[match[1]] = value
    name, kind = given.get("filename", uploaded.name), given.get("type", uploaded.content_type)
    return replace(uploaded, name=name[:255], content_type=kind[:255], metadata=metadata)


def _file(request: web.Request, uploaded: Uploaded) -> dict[str, Any]:
    base, expires_at = base_url(request), datetime.fromisoformat(uploaded.expires_at)
    return {
        "id": uploaded.id.public,
        "name": uploaded.name,
        "content_type": uploaded.content_type,
        "size": uploaded.size,
        "etag": uploaded.md5,
        "checksums": {"sha256": uploaded.sha256, "md5": uploaded.md5},
        "metadata": dict(uploaded.metadata),
        "created_at": uploaded.created_at.replace("+00:00", "Z"),
        "expires_at": uploaded.expires_at.replace("+00:00", "Z"),
        "urls": {"get": request.app[CONTEXT].links.file(base, uploaded.id, expires_at)},
    }


def _unknown() -> web.Response:
    return problem(404, "There is no file with this id; uploads expire.")
