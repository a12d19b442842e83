"""Whatever is sent, an envelope comes back, no fault of ours shows, a refusal changes nothing."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.builders import Counter, Json
from tests.gateway.test_bad_input import books
from yibao.gateway.dispatch import offered
from yibao.gateway.tables import Field, tables
from yibao.kernel.refusals import OUTCOME_UNKNOWN, RefusalCode
from yibao.registry.dictionaries.service import table as code_table

OUR_FAULTS = {OUTCOME_UNKNOWN, int(RefusalCode.FAILED), int(RefusalCode.BUSY)}

once = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.sampled_from(["", "null", "0", "-1", "1e400", "NaN", "2026-07-15 12:00:00", "110000"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def valid(field: Field) -> Any:
    """A value that the field's rule accepts."""
    if field.kind == "D":
        return "2026-07-15"
    if field.kind == "DT":
        return "2026-07-15 12:00:00"
    if field.kind == "N":
        return 1
    table = code_table(field.codes)
    return table.values[0].value if table and not table.open else "1"


def valid_input(number: str) -> Json:
    """An input with every enforced field of the outer nodes."""
    return {
        node.name: {field.name: valid(field) for field in node.fields if field.enforced}
        for node in tables().transactions[number].input
        if "." not in node.name
    }


def plausible(field: Field) -> Any:
    """A value that passes reading, so that strange ones meet what comes after it."""
    ids = ("psn_no", "mdtrt_id", "setl_id")
    return "110000" + "0" * 18 + "1" if field.name in ids else valid(field)


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """A few (place, value) changes; a place is an index into the fields there are."""
    return draw(st.lists(st.tuples(st.integers(0, 10**6), values), min_size=1, max_size=3))


async def sent(counter: Counter, message: bytes, path: str = "/callService") -> Json:
    """Send bytes; the answer is checked to be no fault of ours, and a refusal to be harmless."""
    before = await books(counter)
    answer = await counter.post(message, path=path)
    assert answer["infcode"] not in OUR_FAULTS, answer
    if answer["infcode"] != 0:
        assert answer["output"] is None
        assert answer["err_msg"]
        assert await books(counter) == before
    return answer


@once
@given(message=st.binary(max_size=300), path=st.text(max_size=30))
async def test_any_bytes_are_refused(counter: Counter, message: bytes, path: str) -> None:
    assert (await sent(counter, message, path))["infcode"] != 0


@once
@given(message=values)
async def test_any_json_is_refused(counter: Counter, message: Any) -> None:
    assert (await sent(counter, json.dumps(message).encode()))["infcode"] != 0


@once
@given(number=st.sampled_from(offered()), changes=mutations())
async def test_an_envelope_with_strange_fields_does_no_harm(
    counter: Counter, number: str, changes: list[tuple[int, Any]]
) -> None:
    message = counter.envelope(number, valid_input(number))
    for place, value in changes:
        message[sorted(message)[place % len(message)]] = value
    await sent(counter, json.dumps(message).encode())


@once
@given(number=st.sampled_from(offered()), changes=mutations())
async def test_an_input_with_strange_fields_does_no_harm(
    counter: Counter, number: str, changes: list[tuple[int, Any]]
) -> None:
    content = {
        node.name: {field.name: plausible(field) for field in node.fields}
        for node in tables().transactions[number].input
        if "." not in node.name
    }
    places = [(node, name) for node in content.values() for name in node]
    for place, value in changes if places else ():
        node, name = places[place % len(places)]
        node[name] = value
    await sent(counter, json.dumps(counter.envelope(number, content)).encode())
