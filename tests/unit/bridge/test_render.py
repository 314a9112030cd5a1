"""Records as JSON: the output is put in as it is stored, whatever the record holds."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.api.replicate.render import prediction_body, prediction_object
from bridge.links import Links
from bridge.records.prediction import Prediction
from bridge.records.tenants import Key

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def prediction(**changes: Any) -> Prediction:
    return Prediction(
        id=Key("p"),
        model="o/n",
        version="v",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        **changes,
    )


@given(
    output=anything,
    shown=st.dictionaries(st.sampled_from(["output", "a"]), anything),
    logs=st.sampled_from(["", '"output":null', '{"output":null}']) | st.text(),
)
def test_output_and_record_do_not_mix(output: Any, shown: dict[str, Any], logs: str) -> None:
    record = prediction(input=shown, logs=logs)
    links = Links("secret")
    rendered = prediction_object(record, "http://h", links, {})
    raw = json.dumps(output, ensure_ascii=False).encode()
    body = prediction_body(record, raw, "http://h", links, {})
    assert json.loads(body) == {**rendered, "output": output}


def test_without_an_output_it_is_null() -> None:
    record = prediction(input={})
    body = json.loads(prediction_body(record, None, "http://h", Links("secret"), {}))
    assert body["output"] is None
    assert body["urls"]["get"] == "http://h/v1/predictions/p"


def test_no_member_is_null_where_clients_want_none() -> None:
    urls = prediction_object(prediction(input={}), "http://h", Links("secret"), {})["urls"]
    assert all(isinstance(url, str) for url in urls.values())
