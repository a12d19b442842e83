"""Bad input for every offered transaction, made from its table: refused by name, nothing changed.

A family is tested as soon as it offers its first transaction; nothing here names one, but for the
ids of the visit, settlement and person that a message is about.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest

import yibao.gateway.asgi  # noqa: F401 - offers the transactions
from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY, TERTIARY
from yibao.gateway.dispatch import find_transaction, offered
from yibao.gateway.examples import example
from yibao.gateway.tables import Field, Node, tables
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.dictionaries.service import table as code_table

FAMILIES = {
    family: tuple(numbers) for family, numbers in groupby(offered(), key=lambda number: number[:2])
}
FORM = frozenset(
    {
        RefusalCode.FIELD_MISSING,
        RefusalCode.FIELD_TOO_LONG,
        RefusalCode.FIELD_INVALID,
        RefusalCode.AMOUNT_OUT_OF_RANGE,
    }
)
TECHNICAL = frozenset({-1, RefusalCode.BUSY, RefusalCode.FAILED})
NAMES_A_VISIT = frozenset({"mdtrt_id", "mdtrtId", "setl_id", "setlId"})
BEFORE_A_VISIT = frozenset({"2401", "3101", "3102", "3103"})
"""Messages that come before there is a visit: an id in them is the hospital's own remark."""
NOT_DONE = "0"
"""``retRslt`` of a row that was refused."""


@dataclass(frozen=True)
class Place:
    """A field of a transaction's input."""

    number: str
    node: Node
    field: Field

    def __str__(self) -> str:
        return f"{self.number} {self.node.name}.{self.field.name}"

    def filled(self, content: Json, value: Any) -> Json | None:
        """The content with another value there; None where the content lacks the node."""
        changed = deepcopy(content)
        row: Any = changed
        for name in self.node.name.split("."):
            row = row.get(name) if isinstance(row, dict) else None
            row = row[0] if isinstance(row, list) and row else row
        if not isinstance(row, dict):
            return None
        row[self.field.name] = value
        return changed


def places(number: str) -> Iterator[Place]:
    """All fields of a transaction's input; a node that is listed as a field too is no field."""
    nodes = tables().transactions[number].input
    names = {node.name for node in nodes}
    for node in nodes:
        for field in node.fields:
            if f"{node.name}.{field.name}" not in names:
                yield Place(number, node, field)


# ------------------------------------------------------------------------------------------ faults


def form_faults(place: Place) -> Iterator[tuple[str, Any]]:
    """What breaks the rule of a field: (what it is, value)."""
    field = place.field
    if field.enforced:
        yield "missing", None
        yield "blank", " "
    if field.kind in ("C", "N", "D", "DT"):
        yield "an object", {"a": 1}
        yield "true", True
    if field.kind in ("N", "D", "DT"):
        yield "words", "文字"
    if field.kind == "C" and field.length.isdigit():
        yield "too long", "x" * (int(field.length) + 1)
    if field.kind == "N" and field.length:
        yield "too long", "9" * (int(field.length.partition(",")[0]) + 1)
    table = code_table(field.codes)
    if field.kind == "C" and table is not None and not table.open and table.confidence == "A":
        yield "an unknown code", "~"[: int(field.length or 1)]


async def contents(counter: Counter) -> str:
    """All rows of all rooms, as one digest; what is remembered of messages is not asked."""
    async with counter.town.database.owner() as connection:
        names = await connection.fetch(
            """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
               WHERE schemaname NOT IN ('platform', 'pg_catalog', 'information_schema')
               ORDER BY name"""
        )
        rows = " UNION ALL ".join(
            f"SELECT '{name}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS rows"
            f" FROM {name} AS t"
            for (name,) in names
        )
        # branches may be read side by side, in any order
        return str([tuple(row) for row in await connection.fetch(f"{rows} ORDER BY name")])


@pytest.mark.parametrize("number", offered())
def test_what_breaks_a_fields_rule_is_refused_by_name(number: str) -> None:
    read = find_transaction(number).reader.read
    content = example(number)
    assert read(content) is not None
    for place in places(number):
        for fault, value in form_faults(place):
            sent = place.filled(content, value)
            if sent is None:
                continue
            with pytest.raises(Refused) as refused:
                read(sent)
            refusal = refused.value.refusal
            assert refusal.code in FORM, (str(place), fault)
            assert (refusal.field or "").endswith(f".{place.field.name}"), (str(place), fault)
            assert place.field.name in refusal.message, (str(place), fault)
            assert place.field.label in refusal.message, (str(place), fault)


@pytest.mark.parametrize("family", FAMILIES)
async def test_what_is_refused_for_its_form_changes_nothing(counter: Counter, family: str) -> None:
    before = await contents(counter)
    for number in FAMILIES[family]:
        content = example(number)
        for turn, place in enumerate(places(number)):  # one fault a field, each kind in its turn
            faults = list(form_faults(place))
            fault, value = faults[turn % len(faults)] if faults else ("", None)
            sent = place.filled(content, value)
            if not fault or sent is None:
                continue
            answer = await counter.call(number, sent)
            told = (str(place), fault, answer["infcode"], answer["err_msg"])
            assert answer["infcode"] in FORM, told
            assert place.field.name in answer["err_msg"], told
    assert await contents(counter) == before


# ------------------------------------------------------------------------------- about real things


async def about_real_things(counter: Counter) -> dict[str, str]:
    """A person, a visit and its settlement here, by the fields that name them."""
    member = await counter.town.insure(account="500")
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "100"))
    output = await counter.done("2207", counter.settlement(member, visit, priced))
    settlement = output["setlinfo"]["setl_id"]
    document = counter.town.documents[member]
    return {
        "psn_no": member,
        "mdtrt_id": visit,
        "mdtrtId": visit,
        "setl_id": settlement,
        "setlId": settlement,
        "certno": document,
        "mdtrt_cert_no": document,
        "psn_name": "测试",
        "fixmedins_code": counter.institution,
        "fixmedinsCode": counter.institution,
        "med_list_codg": "XA01",
    }


def naming(content: Any, values: dict[str, str]) -> Any:
    """The content with these values wherever it has a field of the name."""
    if isinstance(content, list):
        return [naming(one, values) for one in content]
    if isinstance(content, dict):
        return {name: values.get(name) or naming(one, values) for name, one in content.items()}
    return content


@pytest.mark.parametrize("family", FAMILIES)
async def test_no_field_left_out_makes_the_platform_fail(counter: Counter, family: str) -> None:
    real = await about_real_things(counter)
    for number in FAMILIES[family]:
        content = naming(example(number), real)
        bare = {
            node.name: {f.name: content[node.name].get(f.name) for f in node.fields if f.enforced}
            for node in tables().transactions[number].input
            if isinstance(content.get(node.name), dict)
        }
        without = [(str(p), p.filled(content, None)) for p in places(number)]
        for what, sent in [("nothing at all", {}), ("bare", bare), *without]:
            answer = await counter.call(number, sent)
            assert answer["infcode"] not in TECHNICAL, (number, what, answer["err_msg"])


@pytest.mark.parametrize("family", FAMILIES)
async def test_nobody_reaches_anothers_visit_or_settlement(counter: Counter, family: str) -> None:
    real = await about_real_things(counter)
    counter.institution = real["fixmedins_code"] = real["fixmedinsCode"] = OTHER_TERTIARY
    before = await contents(counter)
    for number in FAMILIES[family]:
        named = any(place.field.name in NAMES_A_VISIT for place in places(number))
        if not named or number in BEFORE_A_VISIT:
            continue
        content = naming(example(number), real)
        for place in places(number):  # optional ones as well
            if place.field.name in NAMES_A_VISIT:
                content = place.filled(content, real[place.field.name]) or content
        answer = await counter.call(number, content)
        told = (number, answer)
        assert answer["infcode"] not in TECHNICAL, told
        if answer["infcode"] == 0:  # a list may be empty
            assert not any(rows(answer["output"])), told
        assert TERTIARY not in str(answer), told
    assert await contents(counter) == before


def rows(output: Any) -> Iterator[Any]:
    """Everything that an answer lists, but for rows that were refused one by one."""
    if isinstance(output, list):
        refused = [isinstance(row, dict) and row.get("retRslt") == NOT_DONE for row in output]
        yield from (row for row, no in zip(output, refused, strict=True) if not no)
    elif isinstance(output, dict):
        for node in output.values():
            yield from rows(node) if isinstance(node, dict | list) else [node]
