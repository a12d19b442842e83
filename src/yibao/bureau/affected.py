"""Which bills a retroactive change touches, for the result of a proposal."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from yibao.bureau.model import Office
from yibao.kernel.areas import Pool
from yibao.kernel.money import yuan
from yibao.kernel.refusals import Refused
from yibao.platform.archive.service import archived_through
from yibao.platform.commands.model import Unit
from yibao.registry.people import service as people
from yibao.settlement.affected.model import Affected
from yibao.settlement.service import affected_by_facts, affected_by_facts_of

LISTED = 200
"""Bills that a result lists; ``yibao affected`` tells all."""


async def of_member(unit: Unit, office: Office, member: str, since: date) -> Mapping[str, Any]:
    """The member's bills that would come out otherwise now, from a day on."""
    return await _told(unit, office, [(unit.pool, member)], since)


async def of_human(unit: Unit, office: Office, identity: int, since: date) -> Mapping[str, Any]:
    """The same over all pools of a human."""
    found = await people.find_by_identity(unit.connection, office.vault, identity)
    members = sorted({(one.membership.pool, one.membership.number) for one in found})
    return await _told(unit, office, members, since)


async def of_everybody(unit: Unit, office: Office, since: date) -> Mapping[str, Any]:
    """Of whoever was billed: nothing is looked at for a change that lies ahead.

    Bills that were put away are not brought back for all: ``affected_since`` says where they end.
    """
    if since > unit.day:
        return {"affected": []}
    archived = await archived_through(unit.connection)
    if archived is None or since > archived:
        return await _told(unit, office, None, since)
    first = archived + timedelta(days=1)
    try:
        told = await _told(unit, office, None, first)
    except Refused as refused:  # what persons had before is too much for one question
        return {"affected": [], "affected_unknown": refused.refusal.message}
    return {**told, "affected_since": first.isoformat()}


async def _told(
    unit: Unit, office: Office, members: Sequence[tuple[Pool, str]] | None, since: date
) -> Mapping[str, Any]:
    reference = await office.references.current(unit.connection)
    asked = (unit.connection, office.vault, reference)
    if members is None:
        found = await affected_by_facts(*asked, since=since)
    else:
        found = await affected_by_facts_of(*asked, members, since=since)
    told: dict[str, Any] = {"affected": [_bill(one) for one in found[:LISTED]]}
    if len(found) > LISTED:
        told["affected_more"] = len(found) - LISTED
    return told


def _bill(one: Affected) -> Mapping[str, Any]:
    refused = {} if one.refusal is None else {"refused": one.refusal.message}
    return {
        "settlement": one.settlement.text(),
        "member": one.member,
        "institution": one.institution,
        "day": one.day.isoformat(),
        "causes": list(one.causes),
        "differences": {name: yuan(amount) for name, amount in one.differences.items()},
        **refused,
    }
