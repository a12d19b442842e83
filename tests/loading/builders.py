"""A bureau that files are put into, and files of artificial people."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import id_card_check_digit
from yibao.loading.kinds import KINDS
from yibao.loading.model import Fault, Options, Progress, Report
from yibao.loading.service import load
from yibao.platform.clock import SettableClock
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.registry.service import ReferenceCache

POOL = "110000"
"""The pool of the town of the settlement tests."""

SOURCE = "旧系统"


def card(number: int, birth: str = "19800101", *, woman: bool = False) -> str:
    """An identity number of a division that does not exist."""
    first = f"990101{birth}{number:02d}{2 if woman else 1}"
    return first + id_card_check_digit(first)


def person(number: int = 1, /, **changes: str) -> dict[str, str]:
    """A row of ``persons``."""
    return {
        "source": SOURCE,
        "source_key": f"P{number}",
        "pool": POOL,
        "document_number": card(number),
        "name": f"测试人{number}",
        "gender": "1",
        "birth_date": "1980-01-01",
        "from": "2020-01-01",
        **changes,
    }


def enrolment(number: int = 1, /, **changes: str) -> dict[str, str]:
    """A row of ``enrolments``: an employee of Beijing."""
    return {
        "source": SOURCE,
        "source_key": f"E{number}",
        "pool": POOL,
        "person": f"P{number}",
        "scheme": "310",
        "division": "110000",
        "person_type": "1101",
        "from": "2020-01-01",
        **changes,
    }


def write_csv(path: Path, rows: Sequence[Mapping[str, str]], encoding: str = "utf-8") -> Path:
    """A file of rows; its header are the columns that any row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass
class Bureau:
    """A database that is being put in order, and short words for loading."""

    database: Database
    vault: Vault
    references: ReferenceCache
    clock: SettableClock
    folder: Path
    told: list[Fault] = field(default_factory=list)
    """Every fault of the last load."""
    steps: list[Progress] = field(default_factory=list)

    async def load(
        self,
        kind: str,
        rows: Path | Sequence[Mapping[str, str]],
        *,
        progress: Any = None,
        **options: Any,
    ) -> Report:
        """Load rows, or a file."""
        path = rows if isinstance(rows, Path) else write_csv(self.folder / f"{kind}.csv", rows)
        self.told.clear()
        self.steps.clear()
        return await load(
            self.database,
            self.vault,
            self.references,
            self.clock,
            KINDS[kind],
            path,
            Options(**options),
            progress=progress or self.steps.append,
            tell=self.told.append,
        )

    async def insured(self, number: int = 1) -> Insured:
        """What the registry says of a person of a file."""
        async with self.database.reader(None) as connection:
            (found,) = await people.find_by_document(connection, self.vault, "01", card(number))
        return found

    async def count(self, table: str) -> int:
        """Rows of a table that count now."""
        async with self.database.reader(None) as connection:
            number: int = await connection.fetchval(
                f"SELECT count(*) FROM {table} WHERE superseded_at IS NULL"
            )
        return number

    async def registered(self, *numbers: int) -> list[Insured]:
        """Load persons with an enrolment each."""
        await self.load("persons", [person(number) for number in numbers])
        await self.load("enrolments", [enrolment(number) for number in numbers])
        return [await self.insured(number) for number in numbers]


def cells_of(faults: Iterable[Fault]) -> list[tuple[int, str]]:
    """Where the faults are."""
    return [(fault.row, fault.column) for fault in faults]


def pool() -> Pool:
    """The pool, typed."""
    return Pool(POOL)
