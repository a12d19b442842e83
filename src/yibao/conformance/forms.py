"""Messages that no correct server does: refused with a reason, never a fault."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from yibao.client import CallOutcome
from yibao.conformance.probe import Probe, says_not_offered
from yibao.gateway.examples import example
from yibao.gateway.tables import Field, Node, tables

UNKNOWN = "8888"
"""A number that no transaction has."""


async def forms(probe: Probe, numbers: list[str]) -> None:
    """For each transaction: an example with each required field missing in turn is refused.

    Where none is surely required, an empty input is answered clearly.
    """
    await probe.refused(UNKNOWN, {"data": {}}, "refuses an unknown transaction")
    for number in numbers:
        if number in probe.report.not_offered:
            continue
        required = list(_required(number))
        for node, field in required:
            await _without(probe, number, node, field)
        if not required:
            await _empty(probe, number)


async def _without(probe: Probe, number: str, node: Node, field: Field) -> None:
    content = deepcopy(example(number))
    for row in _rows(content, node):
        row.pop(field.name, None)
    answer = await probe.hospital.call(number, content, insured_division=probe.insured_division)
    if answer.outcome is CallOutcome.REFUSED and says_not_offered(answer):
        probe.report.not_offered.setdefault(number, answer.message)
        return
    what = f"refuses {node.name}.{field.name} missing"
    if answer.outcome is CallOutcome.REFUSED and not answer.nothing_done:
        named = field.name in answer.message or (field.label and field.label in answer.message)
        probe.check(number, what, () if named else [f"the text names no field: {answer.message}"])
    else:
        probe.check(number, what, [f"{answer.outcome}: infcode {answer.code}, {answer.message}"])


async def _empty(probe: Probe, number: str) -> None:
    answer = await probe.hospital.call(number, {}, insured_division=probe.insured_division)
    if answer.outcome is CallOutcome.REFUSED and says_not_offered(answer):
        probe.report.not_offered.setdefault(number, answer.message)
        return
    clear = answer.outcome is not CallOutcome.UNKNOWN and not answer.nothing_done
    fault = f"{answer.outcome}: infcode {answer.code}, {answer.message}"
    probe.check(number, "answers an empty input clearly", () if clear else [fault])


def _required(number: str) -> Iterator[tuple[Node, Field]]:
    table = tables().find(number)
    for node in () if table is None else table.input:
        for field in node.fields:
            if field.enforced:
                yield node, field


def _rows(content: Any, node: Node) -> Iterator[dict[str, Any]]:
    """The objects of a node in a message, wherever it is nested."""
    found: list[Any] = [content]
    for name in node.name.split("."):
        below: list[Any] = []
        for row in found:
            inner = row.get(name) if isinstance(row, dict) else None
            below += inner if isinstance(inner, list) else [inner]
        found = below
    yield from (row for row in found if isinstance(row, dict))
