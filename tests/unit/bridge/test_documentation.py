"""What `/docs` and `/openapi.json` say of each route."""

import json

import pytest
from aiohttp import web

from bridge.api.documentation.examples import answer, command
from bridge.api.documentation.openapi import Route, shown
from bridge.api.documentation.page import page
from bridge.routes import routes

VERBS = (
    "Cancels Corrects Creates Deletes Delivers Describes Detects Downloads Lists Renders Replaces "
    "Reports Saves Sends Serves Shows Streams Transcribes Translates Uploads"
)
ROUTES = list(shown(web.Application().router.add_routes(routes())))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_summary_is_a_plain_sentence_that_starts_with_a_verb(route: Route) -> None:
    assert route.summary.split()[0] in VERBS.split()
    assert route.summary.endswith(".")
    assert not set(route.summary) & set("`*")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_has_an_example_of_its_request_and_its_answer(route: Route) -> None:
    assert command(route, "http://h").startswith("curl")
    found = json.loads(answer(route) or "null")
    assert found is None or found


def test_where_no_token_is_needed_it_may_be_sent_all_the_same() -> None:
    opened = shown(web.Application().router.add_routes(routes()), anonymous=True)
    for route, as_usual in zip(opened, ROUTES, strict=True):
        assert route.public
        assert route.security == (as_usual.security and [{"token": []}, {}])
        assert "$BRIDGE_TOKEN" not in command(route, "http://h")


def test_the_page_shows_every_route_and_a_version_that_fits_a_line() -> None:
    html = page(ROUTES, "0123456789abcdef" * 4, "http://h")
    assert html.count("<details>") == len(ROUTES)
    assert "<code>0123456789ab</code>" in html
    assert "curl -X POST" in html
    assert "p3rk4q2nexampleid" in html
