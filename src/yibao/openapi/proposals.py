"""Clerks' business (经办业务) over REST: what kinds there are, proposing, trying, deciding."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from yibao.bureau import service
from yibao.bureau.clerks.model import Clerk
from yibao.bureau.model import Proposal
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.openapi.authentication import the_clerk
from yibao.openapi.commands import IdempotencyKey
from yibao.openapi.model import Asked, AtHouse, House
from yibao.platform.commands.model import Command, Done, Unit


class FieldOfKind(msgspec.Struct):
    """One field of a kind's content."""

    name: str
    title: str
    required: bool


class KindOfBusiness(msgspec.Struct):
    """Something that clerks can do."""

    name: str
    title: str
    four_eyes: bool
    fields: list[FieldOfKind]


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """What a clerk wants done."""

    kind: str
    content: dict[str, str]
    """By the fields of the kind; everything as text, money in yuan."""
    reason: str


class Word(msgspec.Struct, forbid_unknown_fields=True):
    """The clerk's word, kept with the decision; a rejection needs one."""

    remark: str = ""


class ProposalTold(msgspec.Struct):
    """A proposal as it stands (经办业务单)."""

    number: str
    kind: str
    content: dict[str, Any]
    reason: str
    proposed_by: str
    proposed_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    remark: str | None
    result: dict[str, Any] | None
    refused: str | None
    """Why the last approval could not be carried out."""


class Proposals(msgspec.Struct):
    """The latest proposals of the clerk's pools, the newest first."""

    proposals: list[ProposalTold]


class Trial(msgspec.Struct):
    """What approving would come to; nothing was changed."""

    would_result: dict[str, Any]


@get("/kinds", tags=["clerks"], summary="What clerks can do")
async def kinds(request: Asked, house: AtHouse) -> list[KindOfBusiness]:
    """Every kind of business with its fields."""
    await the_clerk(request, house)
    return [
        KindOfBusiness(
            kind.name,
            kind.title,
            kind.four_eyes,
            [FieldOfKind(one.name, one.title, one.required) for one in kind.fields],
        )
        for kind in service.kinds().values()
    ]


@get("/proposals", tags=["clerks"], summary="The latest proposals")
async def proposals(
    request: Asked,
    house: AtHouse,
    pool: FromQuery[str | None] = None,
    decided: FromQuery[bool] = False,
) -> Proposals:
    """Open ones; with ``decided`` those that were decided as well."""
    clerk = await the_clerk(request, house)
    async with house.database.reader(None) as connection:
        wanted = Pool(pool) if pool else None
        found = await service.listed(connection, house.vault, clerk, wanted, only_open=not decided)
    return Proposals([_told(one) for one in found])


@post("/proposals", tags=["clerks"], summary="Propose some business")
async def propose(
    request: Asked, house: AtHouse, data: JSONBody[Wish], key: IdempotencyKey
) -> ProposalTold:
    """Nothing is done until it is approved. Every fault of the content is told at once."""
    clerk = await the_clerk(request, house)
    command = service.proposing(data.kind, data.content, data.reason, clerk, f"{clerk.code}:{key}")
    done = await _done(house, command)
    return await _found(house, clerk, str(done.reference["proposal"]))


@get("/proposals/{number:str}", tags=["clerks"], summary="One proposal")
async def proposal(request: Asked, house: AtHouse, number: FromPath[str]) -> ProposalTold:
    """As it stands."""
    return await _found(house, await the_clerk(request, house), number)


@post("/proposals/{number:str}/trial", tags=["clerks"], summary="Try a proposal", status_code=200)
async def try_out(request: Asked, house: AtHouse, number: FromPath[str]) -> Trial:
    """What approving it would come to; one code path with it, and nothing stays."""
    clerk = await the_clerk(request, house)
    key = _key(number)
    numbers = await house.database.numbers()
    async with house.database.writer() as connection, connection.transaction():
        unit = Unit(key.pool, connection, house.clock.now(), numbers)
        return Trial(dict(await service.tried(unit, house.office, key, clerk)))


@post(
    "/proposals/{number:str}/approval",
    tags=["clerks"],
    summary="Agree, and carry it out",
    status_code=200,
)
async def approve(
    request: Asked, house: AtHouse, number: FromPath[str], data: JSONBody[Word]
) -> ProposalTold:
    """Of a kind with four eyes by another clerk. Approved again: the first result."""
    clerk = await the_clerk(request, house)
    await _done(house, service.approving(_key(number), clerk, data.remark.strip() or None))
    return await _found(house, clerk, number)


@post("/proposals/{number:str}/rejection", tags=["clerks"], summary="Say no", status_code=200)
async def reject(
    request: Asked, house: AtHouse, number: FromPath[str], data: JSONBody[Word]
) -> ProposalTold:
    """By another clerk than the one who proposed it, with the reason."""
    clerk = await the_clerk(request, house)
    await _done(house, service.rejecting(_key(number), clerk, data.remark))
    return await _found(house, clerk, number)


@post(
    "/proposals/{number:str}/withdrawal",
    tags=["clerks"],
    summary="Take one's own proposal back",
    status_code=200,
)
async def withdraw(request: Asked, house: AtHouse, number: FromPath[str]) -> ProposalTold:
    """By the clerk who proposed it."""
    clerk = await the_clerk(request, house)
    await _done(house, service.withdrawing(_key(number), clerk))
    return await _found(house, clerk, number)


HANDLERS = (kinds, proposals, propose, proposal, try_out, approve, reject, withdraw)


async def _done(house: House, command: Command) -> Done:
    outcome = await house.commands.submit(command)
    if isinstance(outcome, Refusal):
        raise Refused.of(outcome)
    return outcome


async def _found(house: House, clerk: Clerk, number: str) -> ProposalTold:
    key = _key(number)
    async with house.database.reader(None) as connection:
        return _told(await service.find(connection, house.vault, key, clerk))


def _key(number: str) -> PoolKey:
    key = parse_pool_key(number)
    if key is None:
        raise _unknown(number)
    return key


def _unknown(number: str) -> Refused:
    return Refused(RefusalCode.PROPOSAL_UNKNOWN, f"没有业务单 {number}", "proposal")


def _told(one: Proposal) -> ProposalTold:
    return ProposalTold(
        one.key.text(),
        one.kind,
        dict(one.content),
        one.reason,
        one.proposed_by,
        one.proposed_at,
        one.state.value,
        one.decided_by,
        one.decided_at,
        one.remark,
        None if one.result is None else dict(one.result),
        one.refused,
    )
