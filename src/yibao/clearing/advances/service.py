"""Pay an institution ahead; the next payment run takes the money along."""

from yibao.clearing.advances import store
from yibao.clearing.advances.model import Advance
from yibao.clearing.desk import own_institution, take_desk
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.ledger import service as ledger
from yibao.ledger.model import (
    Entry,
    Occasion,
    OccasionKind,
    Posting,
    advanced_account,
    payable_account,
)
from yibao.platform.commands.model import Unit
from yibao.registry.institutions.model import Directory

__all__ = ["advances", "grant"]

advances = store.of_institution
"""An institution's advances."""


async def grant(
    unit: Unit, directory: Directory, institution: str, amount: Fen, reason: str, clerk: str
) -> Advance:
    """Grant an advance (预付): it becomes payable now and is owed back by the institution."""
    assert amount > 0, amount
    own_institution(directory, unit.pool, institution)
    await take_desk(unit)
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    advance = Advance(key, institution, amount, reason, clerk, unit.now)
    await store.insert(unit.connection, advance)
    entries = (
        Entry(advanced_account(institution), -amount),
        Entry(payable_account(institution), amount),
    )
    occasion = Occasion(OccasionKind.CLEARING, {"advance": key.text()}, reason)
    await ledger.post(unit, [Posting(key.number, unit.day, entries, occasion)])
    return advance
