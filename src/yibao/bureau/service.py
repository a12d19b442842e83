"""What clerks do with proposals: propose, try, approve, reject, withdraw; and reading them.

``handlers`` are the commands' handlers; each works inside the one transaction of its unit. What
approving comes to is written with the decision, so a repeat of it finds the first result.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from yibao.bureau import store
from yibao.bureau.clerks.model import Clerk
from yibao.bureau.clerks.service import is_suspended
from yibao.bureau.fields import read_content
from yibao.bureau.kinds import kinds
from yibao.bureau.model import Kind, Office, Proposal, ProposalState
from yibao.bureau.people import people_in
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.access.sight import saw_number
from yibao.platform.commands.model import Command, Done, Handler, MessageKey, Outcome, Unit
from yibao.platform.crypto import Vault

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = [
    "Approve",
    "Propose",
    "Reject",
    "Withdraw",
    "approving",
    "find",
    "handlers",
    "kind_named",
    "kinds",
    "listed",
    "proposing",
    "rejecting",
    "tried",
    "withdrawing",
]

SENDER = "bureau"
"""The institution in the message keys of clerks' commands; no institution has this code."""

_LISTED = 200


@dataclass(frozen=True, slots=True)
class Propose:
    """A clerk's wish, its content already read by the fields of its kind."""

    kind: str
    content: Mapping[str, Any]
    reason: str
    clerk: str


@dataclass(frozen=True, slots=True)
class _Decide:
    proposal: PoolKey
    clerk: str
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Approve(_Decide):
    """A clerk's agreement: the proposal is carried out."""


@dataclass(frozen=True, slots=True)
class Reject(_Decide):
    """Another clerk's no, with the reason in ``remark``."""


@dataclass(frozen=True, slots=True)
class Withdraw(_Decide):
    """The proposer thinks better of it."""


# ---------------------------------------------------------------------------------------- commands


def kind_named(name: str) -> Kind:
    """The kind of this name. Refused when there is none."""
    found = kinds().get(name)
    if found is None:
        near = _near(name)
        which = f"，是否指 {'、'.join(near)}？" if near else "，见 yibao bureau kinds 或 GET /kinds"
        raise Refused(RefusalCode.KIND_UNKNOWN, f"没有经办业务 {name}{which}", "kind")
    return found


def _near(name: str) -> list[str]:
    """Kinds that may have been meant: written alike, or of the same subject."""
    alike = get_close_matches(name, kinds(), 3)
    subject = name.partition(".")[0]
    return alike or [kind for kind in sorted(kinds()) if kind.partition(".")[0] == subject]


def proposing(
    name: str, given: Mapping[str, str], reason: str, clerk: Clerk, message_id: str
) -> Command:
    """The command of a proposal. Refused with every fault of its content at once."""
    kind = kind_named(name)
    content = read_content(kind, given)
    reason = _needed(reason, "reason", "须写明办理事由")
    pool = kind.pool_of(content)
    _check_pool(clerk, pool)
    request = Propose(name, content, reason, clerk.code)
    told = _canonical([name, content, reason, clerk.code])
    return _command(pool, message_id, "propose", told, request)


def approving(proposal: PoolKey, clerk: Clerk, remark: str | None = None) -> Command:
    """The command of an approval; whoever repeats it gets the first result."""
    _check_pool(clerk, proposal.pool)
    return _decision(Approve(proposal, clerk.code, remark), "approve")


def rejecting(proposal: PoolKey, clerk: Clerk, remark: str) -> Command:
    """The command of a rejection. Refused without a reason."""
    _check_pool(clerk, proposal.pool)
    remark = _needed(remark, "remark", "驳回须写明原因")
    return _decision(Reject(proposal, clerk.code, remark), "reject")


def withdrawing(proposal: PoolKey, clerk: Clerk) -> Command:
    """The command of a withdrawal."""
    _check_pool(clerk, proposal.pool)
    return _decision(Withdraw(proposal, clerk.code), "withdraw")


def _decision(request: Approve | Reject | Withdraw, verb: str) -> Command:
    told = request.proposal.text()
    return _command(request.proposal.pool, told, verb, told.encode(), request)


def _command(pool: Pool, message_id: str, verb: str, told: bytes, request: Any) -> Command:
    key = MessageKey(SENDER, verb, message_id)
    return Command(pool, f"{SENDER} {message_id}", key, sha256(told).digest(), request)


def _check_pool(clerk: Clerk, pool: Pool) -> None:
    if not clerk.works_in(pool):
        raise Refused(
            RefusalCode.CLERK_NOT_ALLOWED,
            f"经办人员 {clerk.code} 不经办统筹区 {pool} 的业务",
            "pool",
        )


def _needed(text: str, field: str, fault: str) -> str:
    if not text.strip():
        raise Refused(RefusalCode.FIELD_MISSING, fault, field)
    return text.strip()


# ---------------------------------------------------------------------------------------- handlers


def handlers(office: Office) -> dict[type, Handler]:
    """Who runs the clerks' commands."""
    return {
        Propose: _each(office, _propose),
        Approve: _each(office, _approve),
        Reject: _each(office, _reject),
        Withdraw: _each(office, _withdraw),
    }


def _each(office: Office, work: Callable[[Unit, Office, Any], Awaitable[Outcome]]) -> Handler:
    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        return [await work(unit, office, command.request) for command in commands]

    return handle


async def _propose(unit: Unit, office: Office, request: Propose) -> Outcome:
    if await is_suspended(unit.connection, request.clerk):
        return _suspended(request.clerk)
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    sealed = _sealed(office.vault, request.content)
    await store.insert(
        unit.connection, key, request.kind, sealed, request.reason, request.clerk, unit.now
    )
    return Done(key, {"proposal": key.text()})


async def _approve(unit: Unit, office: Office, request: Approve) -> Outcome:
    """Carry a proposal out; what refuses leaves it open, with the reason kept."""
    proposal = await _open(unit, office, request)
    if isinstance(proposal, Refusal):
        return proposal
    kind = kind_named(proposal.kind)
    if kind.four_eyes and proposal.proposed_by == request.clerk:
        return Refusal(
            RefusalCode.SECOND_CLERK_NEEDED,
            f"业务单 {proposal.key.text()} 由您提交，须由另一名经办人员复核",
            "clerk",
        )
    deciding = replace(
        proposal, decided_by=request.clerk, decided_at=unit.now, remark=request.remark
    )
    result = await _carried_out(unit, office, kind, deciding)
    if isinstance(result, Refusal):
        number = unit.numbers.next(unit.now)
        await store.record_refusal(
            unit.connection, proposal.key, number, request.clerk, int(result.code),
            result.message, unit.now,
        )  # fmt: skip
        return result
    await _decide(unit, request, ProposalState.DONE, _sealed(office.vault, result))
    return Done(result, {"proposal": proposal.key.text()})


async def _carried_out(
    unit: Unit, office: Office, kind: Kind, proposal: Proposal
) -> Mapping[str, Any] | Refusal:
    published = len(unit.outbox)
    try:
        async with unit.connection.transaction():  # a refusal undoes what came before it
            return await kind.execute(unit, office, proposal.content, proposal)
    except Refused as refused:
        del unit.outbox[published:]
        return refused.refusal


async def _reject(unit: Unit, office: Office, request: Reject) -> Outcome:
    proposal = await _open(unit, office, request)
    if isinstance(proposal, Refusal):
        return proposal
    if proposal.proposed_by == request.clerk:
        return Refusal(
            RefusalCode.SECOND_CLERK_NEEDED, "自己提交的业务单请撤回，不能自行驳回", "clerk"
        )
    await _decide(unit, request, ProposalState.REJECTED)
    return Done(None, {"proposal": proposal.key.text()})


async def _withdraw(unit: Unit, office: Office, request: Withdraw) -> Outcome:
    proposal = await _open(unit, office, request)
    if isinstance(proposal, Refusal):
        return proposal
    if proposal.proposed_by != request.clerk:
        return Refusal(
            RefusalCode.SECOND_CLERK_NEEDED,
            f"业务单由 {proposal.proposed_by} 提交，只有提交人能撤回；如不同意请驳回",
            "clerk",
        )
    await _decide(unit, request, ProposalState.WITHDRAWN)
    return Done(None, {"proposal": proposal.key.text()})


async def _open(unit: Unit, office: Office, request: _Decide) -> Proposal | Refusal:
    key = request.proposal
    if await is_suspended(unit.connection, request.clerk):
        return _suspended(request.clerk)
    row = await store.find(unit.connection, key)
    if row is None:
        return _unknown(key)
    proposal = _proposal(office.vault, row)
    if proposal.state is not ProposalState.PROPOSED:
        return Refusal(
            RefusalCode.PROPOSAL_DECIDED,
            f"业务单 {key.text()} 已由 {proposal.decided_by} {_DECIDED[proposal.state]}",
            "proposal",
        )
    return proposal


async def _decide(
    unit: Unit, request: _Decide, state: ProposalState, sealed_result: bytes | None = None
) -> None:
    await store.decide(
        unit.connection, request.proposal, state.value, request.clerk, unit.now,
        request.remark, sealed_result,
    )  # fmt: skip


_DECIDED = {
    ProposalState.DONE: "办结",
    ProposalState.REJECTED: "驳回",
    ProposalState.WITHDRAWN: "撤回",
}


def _suspended(clerk: str) -> Refusal:
    """Told to a clerk who was suspended between signing in and this very transaction."""
    return Refusal(RefusalCode.CLERK_NOT_ALLOWED, f"经办人员 {clerk} 已停用", "clerk")


def _unknown(key: PoolKey) -> Refusal:
    return Refusal(RefusalCode.PROPOSAL_UNKNOWN, f"没有业务单 {key.text()}", "proposal")


# ------------------------------------------------------------------------------------------- trial


class _TrialEnds(Exception):  # noqa: N818 - no fault: it undoes what was tried
    pass


async def tried(unit: Unit, office: Office, proposal: PoolKey, clerk: Clerk) -> Mapping[str, Any]:
    """What carrying a proposal out would come to; one code path with it, and nothing stays.

    ``unit`` has an open writing transaction. Refused as the approval would be, but for four eyes.
    """
    _check_pool(clerk, proposal.pool)
    found = await _open(unit, office, _Decide(proposal, clerk.code))
    if isinstance(found, Refusal):
        raise Refused.of(found)
    result: Mapping[str, Any] = {}
    published = len(unit.outbox)
    try:
        async with unit.connection.transaction():
            result = await kind_named(found.kind).execute(unit, office, found.content, found)
            raise _TrialEnds
    except _TrialEnds:
        _note_people(replace(found, result=result))
        return result
    finally:
        del unit.outbox[published:]


# ----------------------------------------------------------------------------------------- reading


async def find(connection: "Connection[Any]", vault: Vault, key: PoolKey, clerk: Clerk) -> Proposal:
    """One proposal, shown to a clerk. Refused when there is none in the clerk's pools."""
    row = await store.find(connection, key) if clerk.works_in(key.pool) else None
    if row is None:
        raise Refused.of(_unknown(key))
    return _shown(vault, row)


async def listed(
    connection: "Connection[Any]",
    vault: Vault,
    clerk: Clerk,
    pool: Pool | None = None,
    *,
    only_open: bool = True,
    limit: int = _LISTED,
) -> list[Proposal]:
    """The latest proposals of the clerk's pools, or of one of them, the newest first."""
    pools = clerk.pools or None if pool is None else [pool] if clerk.works_in(pool) else []
    rows = await store.listed(connection, pools, only_open=only_open, limit=limit)
    return [_shown(vault, row) for row in rows]


def _shown(vault: Vault, row: store.ProposalRow) -> Proposal:
    """A proposal that somebody is about to see: the people in it are seen as well."""
    proposal = _proposal(vault, row)
    _note_people(proposal)
    return proposal


def _note_people(proposal: Proposal) -> None:
    for member in people_in(proposal):
        saw_number(proposal.key.pool, member)


def _proposal(vault: Vault, row: store.ProposalRow) -> Proposal:
    return Proposal(
        key=PoolKey(Pool(row.pool), row.number),
        kind=row.kind,
        content=json.loads(vault.open(row.sealed_content)),
        reason=row.reason,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        state=ProposalState(row.outcome or ProposalState.PROPOSED),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        remark=row.remark,
        result=None if row.sealed_result is None else json.loads(vault.open(row.sealed_result)),
        refused=row.refused,
    )


def _sealed(vault: Vault, content: Mapping[str, Any]) -> bytes:
    return vault.seal(_canonical(content).decode())


def _canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
