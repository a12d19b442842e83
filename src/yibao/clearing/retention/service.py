"""Release or forfeit what was kept back of a year."""

from yibao.clearing.desk import own_institution, take_desk
from yibao.clearing.retention import store
from yibao.clearing.retention.model import Assessment
from yibao.clearing.review.service import withheld_of_year
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import (
    Entry,
    Occasion,
    OccasionKind,
    Posting,
    deducted_account,
    payable_account,
    withheld_account,
)
from yibao.platform.commands.model import Unit
from yibao.registry.institutions.model import Directory

__all__ = ["assess", "assessments"]

assessments = store.of_institution
"""An institution's assessments."""


async def assess(
    unit: Unit,
    directory: Directory,
    institution: str,
    year: int,
    forfeited: Fen,
    reason: str,
    clerk: str,
) -> Assessment:
    """Assess a year (年度考核): its retention is payable but for what is forfeited.

    What is reviewed of the year later is assessed by another one. Refused when nothing waits, or
    more is to be forfeited than waits.
    """
    own_institution(directory, unit.pool, institution)
    await take_desk(unit)
    connection = unit.connection
    waiting = await withheld_of_year(
        connection, unit.pool, institution, year
    ) - await store.assessed(connection, unit.pool, institution, year)
    if waiting <= 0:
        raise Refused(
            RefusalCode.NOTHING_TO_PAY, f"{institution}在{year}年没有未考核的质量保证金", "year"
        )
    if not 0 <= forfeited <= waiting:
        raise Refused(
            RefusalCode.AMOUNT_EXCEEDS,
            f"扣留{yuan(forfeited)}超过{year}年未考核的质量保证金{yuan(waiting)}",
            "forfeited",
        )
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    assessment = Assessment(
        key, institution, year, waiting, waiting - forfeited, forfeited, reason, clerk, unit.now
    )
    await store.insert(connection, assessment)
    entries = tuple(
        entry
        for entry in (
            Entry(withheld_account(institution), -waiting),
            Entry(payable_account(institution), assessment.released),
            Entry(deducted_account(institution), forfeited),
        )
        if entry.amount
    )
    occasion = Occasion(OccasionKind.CLEARING, {"assessment": key.text()}, reason)
    await ledger.post(unit, [Posting(key.number, unit.day, entries, occasion)])
    return assessment
