"""The door of the room: totals and lines of institutions against ours."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.archive import missing
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.platform.files import service as files
from yibao.policy.terms import Scheme
from yibao.registry.institutions.model import Directory
from yibao.registry.service import ReferenceCache
from yibao.settlement.clearing.model import clearing_class, clearing_office, is_office_of
from yibao.settlement.model import Payee
from yibao.settlement.reconciliation import rules, store, tables
from yibao.settlement.reconciliation.model import (
    Booking,
    ComparedLine,
    CompareLines,
    CompareTotals,
    Figures,
    OurLine,
    Result,
    Span,
    Statement,
    StatementKind,
)

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = [
    "ANSWERED",
    "SENT",
    "booked",
    "booked_daily",
    "bookings",
    "bookings_by_key",
    "claimed_ever",
    "handlers",
    "is_reconciled",
    "lines_named",
    "originals",
    "our_lines",
    "read_answer",
    "read_lines",
    "recall_statement",
    "statements",
    "sum_of_lines",
    "write_lines",
]

ANSWERED = tables.ANSWERED
SENT = tables.SENT
read_lines = tables.read_lines
read_answer = tables.read_answer
write_lines = tables.write_lines
sum_of_lines = rules.sum_of_lines
bookings_by_key = store.bookings_by_key
"""Those of an institution's settlements that have these keys."""
statements = store.of_institution
"""An institution's comparisons that touch a span."""


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:
    """The handler of each kind of request of this room."""

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        directory = (await references.current(unit.connection)).directory
        outcomes: list[Outcome] = []
        for command in commands:
            request = command.request
            try:
                if isinstance(request, CompareTotals):
                    statement = await compare_totals(unit, directory, request)
                else:
                    statement = await compare_lines(unit, vault, directory, request)
            except Refused as refused:
                outcomes.append(refused.refusal)
            else:
                outcomes.append(Done(statement, {"statement": statement.key.text()}))
        return outcomes

    return {CompareTotals: handle, CompareLines: handle}


async def is_reconciled(
    connection: "Connection[Any]",
    institution: str,
    day: date,
    scheme: Scheme | None = None,
    clearing_class: str | None = None,
) -> bool:
    """Whether an institution's books of a day were found equal to ours after the day had ended.

    With ``scheme`` and ``clearing_class`` (``clr_type``) the question is about those bills alone;
    without them any equal comparison counts.
    """
    return await store.is_equal_on(connection, institution, day, scheme, clearing_class)


async def compare_totals(unit: Unit, directory: Directory, request: CompareTotals) -> Statement:
    """Compare an institution's sums with ours, and record what came of it (对总账)."""
    span = request.span
    _check(directory, request.institution, span)
    ours = Figures()
    for row in await booked(unit.connection, request.institution, span.first_day, span.last_day):
        if (
            span.scheme in (row.scheme, None)
            and span.clearing_class in (clearing_class(row.care_kind), None)
            and (span.with_refunds or not row.refund)
            and _is_paid_by(directory, request.institution, span, row.day, row.care_division)
        ):
            ours = ours.plus(Figures(row.count, row.total, row.funds, row.account))
    return await _record(
        unit,
        request.institution,
        StatementKind.TOTALS,
        span,
        request.theirs,
        ours,
        rules.compare_totals(request.theirs, ours),
        rules.describe(request.theirs, ours),
    )


async def compare_lines(
    unit: Unit, vault: Vault, directory: Directory, request: CompareLines
) -> Statement:
    """Compare an institution's settlements with ours, and keep the file that tells (对明细账)."""
    span, institution = request.span, request.institution
    _check(directory, institution, span)
    ours = await our_lines(unit.connection, directory, institution, span)
    known = {line.settlement for line in ours}
    keys = [
        key
        for line in request.lines
        if line.settlement not in known and (key := parse_pool_key(line.settlement))
    ]
    await _bring_named(unit.connection, keys)
    elsewhere = await store.lines_by_key(
        unit.connection, institution, keys, _office_on(directory, institution)
    )
    if request.account_in_funds:  # compared, and answered, as the institution tells it
        ours = [line.with_account_in_funds() for line in ours]
        elsewhere = [line.with_account_in_funds() for line in elsewhere]
    known_elsewhere = {line.settlement: line for line in elsewhere}
    text_name = f"{request.answer_name.removesuffix('.zip')}.txt"

    def compare() -> tuple[list[ComparedLine], bytes]:
        compared = rules.compare_lines(request.lines, ours, known_elsewhere, span)
        return compared, files.packed(text_name, tables.write_answer(compared))

    # a month of a large hospital takes seconds: other calls of this process go on meanwhile
    compared, content = await asyncio.to_thread(compare)
    answer = await files.keep(unit, vault, institution, request.answer_name, content)
    theirs, our_sum = rules.sum_of_lines(request.lines), rules.sum_of_lines(ours)
    if request.account_in_funds:
        theirs, our_sum = theirs.without_account_in_funds(), our_sum.without_account_in_funds()
    unequal = sum(line.result is not Result.EQUAL for line in compared)
    return await _record(
        unit,
        institution,
        StatementKind.LINES,
        span,
        theirs,
        our_sum,
        rules.result_of_lines(compared),
        f"{unequal}行不一致；{rules.describe(theirs, our_sum)}",
        answer.key,
    )


async def our_lines(
    connection: "Connection[Any]", directory: Directory, institution: str, span: Span
) -> list[OurLine]:
    """An institution's settlements of a span, as its own file should tell them."""
    await _bring_back(connection, institution, span.first_day, span.last_day)
    found = await store.lines(
        connection,
        institution,
        span.first_day,
        span.last_day,
        _office_on(directory, institution),
    )
    return [
        line
        for line in found
        if span.scheme in (line.scheme, None)
        and span.clearing_class in (line.clearing_class, None)
        and (span.with_refunds or not line.refund)
        and is_office_of(span.office, line.office)
    ]


async def lines_named(
    connection: "Connection[Any]", directory: Directory, institution: str, keys: Sequence[PoolKey]
) -> dict[str, OurLine]:
    """Those of an institution's settlements that have these keys, by their numbers."""
    await _bring_named(connection, keys)
    found = await store.lines_by_key(
        connection, institution, keys, _office_on(directory, institution)
    )
    return {line.settlement: line for line in found}


async def originals(
    connection: "Connection[Any]", institution: str, keys: Sequence[PoolKey]
) -> dict[PoolKey, PoolKey]:
    """The bill that each of an institution's settlements is or mirrors, undone ones too."""
    await _bring_named(connection, keys)
    return await store.originals(connection, institution, keys)


# ------------------------------------------------------------------ spans, be they put away or not


async def booked(
    connection: "Connection[Any]",
    institution: str,
    first_day: date,
    last_day: date,
    pool: Pool | None = None,
) -> list[store.Booked]:
    """An institution's settlements of a span, of one pool or over all, summed."""
    await _bring_back(connection, institution, first_day, last_day)
    return await store.booked(connection, institution, first_day, last_day, pool)


async def claimed_ever(
    connection: "Connection[Any]", institution: str, pool: Pool, today: date
) -> Fen:
    """All that an institution's settlements in a pool ever claimed, what was put away too."""
    here = await store.booked(connection, institution, _EVER, today, pool)
    # what 2601 undid is in the files with what undid it: together nothing
    of_bills = {"institution": institution, "payee": Payee.INSTITUTION.value}
    away = await missing.sums(connection, pool, "settlement.settlement", of_bills, _CLAIMED)
    return sum(row.funds + row.account + row.family for row in here) + sum(away.values())


_EVER = date(2000, 1, 1)
_CLAIMED = ("funds", "account", "family")


async def booked_daily(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[store.Booked]:
    """The same over all pools by the day of settling."""
    await _bring_back(connection, institution, first_day, last_day)
    return await store.booked_daily(connection, institution, first_day, last_day)


async def bookings(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> list[Booking]:
    """An institution's settlements of a span over all pools, one by one."""
    await _bring_back(connection, institution, first_day, last_day)
    return await store.bookings(connection, institution, first_day, last_day)


async def _bring_back(
    connection: "Connection[Any]", institution: str, first_day: date, last_day: date
) -> None:
    """What was put away of an institution's bills comes back. Refused when it is too much."""
    await missing.bring_days(connection, None, first_day, last_day, {"institution": [institution]})


async def _bring_named(connection: "Connection[Any]", keys: Sequence[PoolKey]) -> None:
    """What was put away comes back by its numbers, whosever it is."""
    for pool in sorted({key.pool for key in keys}):
        numbers = [key.number for key in keys if key.pool == pool]
        await missing.came_back(connection, pool, numbers, ())


# ------------------------------------------------------------------------------------- once more


async def recall_statement(
    connection: "Connection[Any]", reference: Mapping[str, Any]
) -> Statement:
    """The comparison that a repeated message answers with again."""
    key = parse_pool_key(reference["statement"])
    assert key is not None, reference
    statement = await store.find(connection, key)
    assert statement is not None, "a recorded comparison is never deleted"
    return statement


# ----------------------------------------------------------------------------------------- private


def _check(directory: Directory, institution: str, span: Span) -> None:
    rules.check_span(span.first_day, span.last_day)
    known = directory.institution(institution)
    offices = sorted({term.area for term in known.terms}) if known else []
    if not any(is_office_of(span.office, office) for office in offices):
        raise Refused(
            RefusalCode.OFFICE_DIFFERS,
            f"{span.office} 不是本机构的结算经办机构，应为{'、'.join(offices)}",
            "office",
        )


def _is_paid_by(
    directory: Directory, institution: str, span: Span, day: date, care_division: str
) -> bool:
    return is_office_of(span.office, clearing_office(directory, institution, day, care_division))


def _office_on(directory: Directory, institution: str) -> Callable[[date, str], str]:
    def office_on(day: date, care_division: str) -> str:
        return clearing_office(directory, institution, day, care_division)

    return office_on


async def _record(
    unit: Unit,
    institution: str,
    kind: StatementKind,
    span: Span,
    theirs: Figures,
    ours: Figures,
    result: Result,
    description: str,
    answer: PoolKey | None = None,
) -> Statement:
    statement = Statement(
        PoolKey(unit.pool, unit.numbers.next(unit.now)),
        institution,
        kind,
        span,
        theirs,
        ours,
        result,
        description,
        unit.now,
        answer,
    )
    await store.insert(unit.connection, statement)
    return statement
