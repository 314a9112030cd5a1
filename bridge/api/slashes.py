"""Paths with doubled or trailing slashes: base URLs and paths are put together by so many hands."""

import re
from typing import Final

from aiohttp import web
from aiohttp.web_urldispatcher import MatchInfoError, PlainResource, UrlMappingMatchInfo

_SEVERAL = re.compile("//+")


class AnySlashes(PlainResource):
    """The resource that is asked last: finds the route that the path means, without a redirect.

    The route is the same as with one slash, so that tokens, metrics and errors are, too.
    """

    def __init__(self, router: web.UrlDispatcher) -> None:
        super().__init__("/")
        self._router: Final = router

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        """(the route, or None; the methods that its path has)."""
        path = request.rel_url.raw_path
        single = _SEVERAL.sub("/", path).rstrip("/") or "/"
        if single == path:
            return None, set()
        url = request.rel_url.with_path(single, encoded=True)
        found = await self._router.resolve(request.clone(rel_url=url))
        if isinstance(found, MatchInfoError):
            error = found.http_exception
            methods = error.allowed_methods if isinstance(error, web.HTTPMethodNotAllowed) else ()
            return None, set(methods)
        return found, set()
