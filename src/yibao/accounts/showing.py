"""An account as a clerk sees it: parts, links, events and entries in one picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yibao.accounts.events import service as events
from yibao.accounts.events.model import Event
from yibao.accounts.family import service as family
from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.ledger import service as ledger
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.model import Part, PartEntry, owed_account
from yibao.registry.family.model import FamilyLink
from yibao.registry.merging import service as merging
from yibao.registry.people import service as people

if TYPE_CHECKING:
    from asyncpg import Connection


@dataclass(frozen=True, slots=True)
class Account:
    """A personal account with all that hangs on it. Amounts in fen."""

    pool: Pool
    member: str
    parts: Sequence[Part]
    owed: Fen
    """What the insurer owes the person; negative: the person owes."""
    pays_for: Sequence[FamilyLink]
    relatives: Mapping[int, Sequence[str]]
    """Numbers, in all pools, of each human whom ``pays_for`` names."""
    paid_by: Sequence[FamilyLink]
    events: Sequence[Event]
    entries: Sequence[PartEntry]
    """Newest first."""

    @property
    def balance(self) -> Fen:
        """All that the parts hold."""
        return sum(part.amount for part in self.parts)

    @property
    def available(self) -> Fen:
        """What can be spent: nothing of what is frozen or set aside."""
        return sum(part.available for part in self.parts)


async def account_of(connection: "Connection[Any]", member: str, entries: int) -> Account | None:
    """A person's account with its latest entries; None when there is no such person."""
    found = (await people.find_by_numbers(connection, [member])).get(member)
    if found is None:
        return None
    pool, human = found
    owed = owed_account(member)
    parts = (await ledger.balances(connection, pool, [member])).get(member, [])
    pays_for, paid_by = await family.links_of(connection, human)
    return Account(
        pool,
        member,
        parts,
        (await inquiries.balances(connection, pool, [owed], None))[owed],
        pays_for,
        {
            one.relative: [
                number for _, number in await merging.numbers_of(connection, one.relative)
            ]
            for one in pays_for
        },
        paid_by,
        await events.events(connection, pool, member),
        await ledger.part_entries(connection, pool, member, entries),
    )
