"""What keeps a month of bills in the database: what somebody still has to do about it.

A batch that was never settled keeps no month: whoever settles it after years names its visit, and
that comes back.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.identifiers import first_number_of
from yibao.kernel.periods import instant_of
from yibao.ledger.archiving import service as ledger
from yibao.platform.archive.model import Stay
from yibao.platform.archive.service import Archive, archive_of, archived_before
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.settings import Settings
from yibao.settlement.archiving import store
from yibao.settlement.clearing.model import clearing_class

if TYPE_CHECKING:
    from asyncpg import Connection


def archive_of_bills(settings: Settings, vault: Vault, database: Database) -> Archive:
    """The installation's archive, with all that the rooms have to say about what leaves."""
    return archive_of(settings, vault, database.owner, [reasons], [ledger.carry])


async def reasons(connection: "Connection[Any]", before: date) -> Sequence[Stay]:
    """Why what is older than a day has to stay, and how much of it it is."""
    end = first_number_of(instant_of(datetime.combine(before, datetime.min.time())))
    return [
        Stay("stays that have not ended (在院)", await store.open_stays(connection, end)),
        Stay("institutions with bills not cleared (未清算)", await _not_cleared(connection, end)),
        Stay("bills to be settled again (待重新结算)", await store.open_flags(connection, end)),
        Stay("sums on the way (在途资金)", await ledger.on_the_way_since(connection, before)),
    ]


async def _not_cleared(connection: "Connection[Any]", end: int) -> int:
    """Institutions that have bills of a day and class of which nobody approved the clearing."""
    cleared: dict[tuple[str, str], list[tuple[date, date]]] = {}
    for institution, kind, first, last in await store.cleared_days(connection):
        cleared.setdefault((institution, kind), []).append((first, last))
    return len(
        {
            one.institution
            for one in await store.claimed(connection, await archived_before(connection), end)
            if not any(
                first <= one.settled_on <= last
                for first, last in cleared.get((one.institution, clearing_class(one.care_kind)), ())
            )
        }
    )
