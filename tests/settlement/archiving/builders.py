"""Years that pass over a town, so that its July 2026 is put away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.settlement.builders import Town
from yibao.ledger.archiving import service as carried
from yibao.platform.archive import missing
from yibao.platform.archive.model import PURPOSE
from yibao.platform.archive.service import Archive
from yibao.platform.signing import signer_for

YEARS_LATER = datetime(2028, 9, 15, 4, 0, tzinfo=UTC)


@dataclass
class Years:
    """A town, and the archive that its months go to."""

    town: Town
    archive: Archive

    async def pass_by(self) -> None:
        """Two years pass, and what there is is put away."""
        self.town.clock.set(YEARS_LATER)
        assert await self.archive.put_away(YEARS_LATER) is not None
        for table in (
            "settlement.visible_visit",
            "settlement.visible_settlement",
            "ledger.entry",
        ):
            assert await self.town.rows(table) == 0, table


@asynccontextmanager
async def years_over(town: Town, folder: Path, *, hot_months: int = 24) -> AsyncIterator[Years]:
    """A town whose database has an archive in a folder."""
    archive = Archive(
        folder,
        signer_for(town.vault, PURPOSE),
        town.database.owner,
        hot_months=hot_months,
        carries=[carried.carry],
    )
    missing.use(archive.recalls(town.clock.now))
    yield Years(town, archive)
    missing.use(None)
