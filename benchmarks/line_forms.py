"""How a bill's fee lines are kept: as rows, arrays, JSON of several kinds, or packed.

    python -m benchmarks.line_forms            (--bills 4000)

The same bills of 20 lines are written in each form by the product's driver, a batch of 32 bills a
transaction, fsync on, into tables of an embedded PostgreSQL, in turn, several times. Writing counts
the encoding as well. Reading is what the product does with lines: all lines of a bill for a
writer, lines named by their serials in a stay of 2,000, an auditor's SQL over all bills, and the
new split of a bill's lines. CPU of this process and of its PostgreSQL process, in microseconds a
bill, median of the rounds; bytes are those of the table with its index, and of the log.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import asyncpg
import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.machine import named_machine, versions
from yibao.platform.postgres import EmbeddedPostgres

LINES = 20
PORTION = 32
STAY_UPLOADS = 100
POOL = "430100"
AT = "2026-03-05T10:00:00+08:00"

COLUMNS = {
    "line": "integer", "serial": "text", "item": "text", "institution_item": "text",
    "amount": "bigint", "price": "bigint", "quantity": "bigint", "charged": "bigint",
    "approval": "text", "item_class": "text", "first_pay_rate": "integer", "ceiling": "bigint",
    "restricted": "boolean", "bucket": "text", "own": "bigint", "over_limit": "bigint",
    "first_pay": "bigint", "in_scope": "bigint", "details": "jsonb", "returns": "text",
    "approved": "boolean", "first_pay_of": "integer", "over_limit_way": "text",
    "hospital": "bigint",
}  # fmt: skip
NAMES = list(COLUMNS)
SERIAL, ITEM, IN_SCOPE = NAMES.index("serial"), NAMES.index("item"), NAMES.index("in_scope")
DETAILS = NAMES.index("details")

Connection = asyncpg.Connection
Lines = list[list[Any]]


def bill(number: int) -> Lines:
    """Twenty lines as an outpatient's upload leaves them."""
    return [
        [
            line, f"B{number}-{line:02d}", f"XA02BC{line:03d}A{number % 7}", f"H{line:05d}",
            1250 + line, 12_500_000 + 10_000 * line, 10_000, 1_772_676_000, "1", "B", 1000, 0,
            False, "drug-b", 0, 0, 125, 1125 + line,
            {
                "rx_circ_flag": "0", "bilg_dept_codg": "A03", "bilg_dept_name": "内科",
                "bilg_dr_codg": "D110000000001", "bilg_dr_name": "演示医生",
            },
            None, None, 10_000, "own", 0,
        ]
        for line in range(LINES)
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------- the forms


class Form(Protocol):
    """One way of keeping lines."""

    name: str

    async def create(self, connection: Connection) -> None:
        """Its table."""

    async def write(self, connection: Connection, bills: Sequence[tuple[int, Lines]]) -> None:
        """Append the lines of bills."""

    async def lines(self, connection: Connection, number: int) -> Lines:
        """All lines of a bill."""

    async def named(
        self, connection: Connection, bills: Sequence[int], serials: list[str]
    ) -> list[Any]:
        """The lines of several uploads that have these serials."""

    audit: str
    """SQL: sum in scope by item; "" where SQL cannot read it."""

    async def split(self, connection: Connection, number: int, lines: Lines) -> None:
        """Write other parts of every line of a bill."""


class Rows(Form):
    name = "rows"
    audit = "SELECT item, sum(in_scope) FROM forms.rows GROUP BY item"

    async def create(self, connection: Connection) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        await connection.execute(
            f"CREATE TABLE forms.rows (pool text, batch bigint, {columns},"
            " PRIMARY KEY (pool, batch, line))"
        )

    async def write(self, connection: Connection, bills: Sequence[tuple[int, Lines]]) -> None:
        await connection.copy_records_to_table(
            "rows",
            schema_name="forms",
            columns=["pool", "batch", *NAMES],
            records=[(POOL, number, *line) for number, lines in bills for line in lines],
        )

    async def lines(self, connection: Connection, number: int) -> Lines:
        rows = await connection.fetch(
            f"SELECT {', '.join(NAMES)} FROM forms.rows WHERE pool = $1 AND batch = $2"
            " ORDER BY line", POOL, number,
        )  # fmt: skip
        return [list(row) for row in rows]

    async def named(
        self, connection: Connection, bills: Sequence[int], serials: list[str]
    ) -> list[Any]:
        return await connection.fetch(
            "SELECT * FROM forms.rows WHERE pool = $1 AND batch = ANY ($2::bigint[])"
            " AND serial IN (SELECT unnest($3::text[]))", POOL, bills, serials,
        )  # fmt: skip

    async def split(self, connection: Connection, number: int, lines: Lines) -> None:
        await connection.execute(
            """UPDATE forms.rows AS line SET in_scope = new.in_scope, first_pay = new.first_pay
               FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS new (line, in_scope, first_pay)
               WHERE line.pool = $1 AND line.batch = $2 AND line.line = new.line""",
            POOL, number, [line[0] for line in lines], [line[IN_SCOPE] for line in lines],
            [line[IN_SCOPE - 1] for line in lines],
        )  # fmt: skip


class Arrays(Form):
    name = "arrays"
    audit = """SELECT line.item, sum(line.in_scope) FROM forms.arrays AS kept,
               unnest(kept.item, kept.in_scope) AS line (item, in_scope) GROUP BY 1"""

    async def create(self, connection: Connection) -> None:
        columns = ", ".join(
            f"{name} {'text' if kind == 'jsonb' else kind}[]" for name, kind in COLUMNS.items()
        )
        await connection.execute(
            f"CREATE TABLE forms.arrays (pool text, batch bigint, {columns},"
            " PRIMARY KEY (pool, batch))"
        )

    async def write(self, connection: Connection, bills: Sequence[tuple[int, Lines]]) -> None:
        records = []
        for number, lines in bills:
            columns = list(zip(*lines, strict=True))
            columns[DETAILS] = tuple(msgspec.json.encode(one).decode() for one in columns[DETAILS])
            records.append((POOL, number, *columns))
        await connection.copy_records_to_table(
            "arrays", schema_name="forms", columns=["pool", "batch", *NAMES], records=records
        )

    async def lines(self, connection: Connection, number: int) -> Lines:
        (row,) = await connection.fetch(
            f"SELECT {', '.join(NAMES)} FROM forms.arrays WHERE pool = $1 AND batch = $2",
            POOL, number,
        )  # fmt: skip
        columns = list(row)
        columns[DETAILS] = [msgspec.json.decode(one) for one in columns[DETAILS]]
        return [list(line) for line in zip(*columns, strict=True)]

    async def named(
        self, connection: Connection, bills: Sequence[int], serials: list[str]
    ) -> list[Any]:
        return await connection.fetch(
            f"""SELECT kept.batch, line.serial FROM forms.arrays AS kept,
                unnest({", ".join(f"kept.{name}" for name in NAMES)}) AS line ({", ".join(NAMES)})
                WHERE kept.pool = $1 AND kept.batch = ANY ($2::bigint[])
                  AND line.serial IN (SELECT unnest($3::text[]))""",
            POOL, bills, serials,
        )  # fmt: skip

    async def split(self, connection: Connection, number: int, lines: Lines) -> None:
        await connection.execute(
            "UPDATE forms.arrays SET in_scope = $3, first_pay = $4 WHERE pool = $1 AND batch = $2",
            POOL, number, [line[IN_SCOPE] for line in lines],
            [line[IN_SCOPE - 1] for line in lines],
        )  # fmt: skip


def _folded(lines: Lines) -> tuple[dict[str, Any], Lines]:
    """What all lines say alike, once, and the rest of each."""
    first = lines[0][DETAILS]
    alike = {
        name: value
        for name, value in first.items()
        if all(line[DETAILS].get(name) == value for line in lines)
    }
    return alike, [
        [
            *line[:DETAILS],
            {name: value for name, value in line[DETAILS].items() if name not in alike},
            *line[DETAILS + 1 :],
        ]
        for line in lines
    ]


class Json(Form):
    name = "jsonb"
    kind = "jsonb"
    audit = f"""SELECT line ->> {ITEM}, sum((line ->> {IN_SCOPE})::bigint)
                FROM forms.jsonb AS kept, jsonb_array_elements(kept.lines) AS line GROUP BY 1"""

    async def create(self, connection: Connection) -> None:
        await connection.execute(
            f"""CREATE TABLE forms.{self.name} (pool text, batch bigint, alike {self.kind},
                lines {self.kind}, PRIMARY KEY (pool, batch))"""
        )

    def record(self, number: int, lines: Lines) -> tuple[Any, ...]:
        """One row."""
        return (POOL, number, *_folded(lines))

    async def write(self, connection: Connection, bills: Sequence[tuple[int, Lines]]) -> None:
        await connection.copy_records_to_table(
            self.name,
            schema_name="forms",
            columns=["pool", "batch", "alike", "lines"],
            records=[self.record(number, lines) for number, lines in bills],
        )

    def read(self, row: Any) -> Lines:
        """The lines of one row."""
        alike, lines = row["alike"], row["lines"]
        for line in lines:
            line[DETAILS] = alike | line[DETAILS]
        return list(lines)

    async def lines(self, connection: Connection, number: int) -> Lines:
        return self.read(
            await connection.fetchrow(
                f"SELECT alike, lines FROM forms.{self.name} WHERE pool = $1 AND batch = $2",
                POOL, number,
            )
        )  # fmt: skip

    async def named(
        self, connection: Connection, bills: Sequence[int], serials: list[str]
    ) -> list[Any]:
        rows = await connection.fetch(
            f"""SELECT alike, lines FROM forms.{self.name}
                WHERE pool = $1 AND batch = ANY ($2::bigint[])""", POOL, bills,
        )  # fmt: skip
        wanted = set(serials)
        return [line for row in rows for line in self.read(row) if line[SERIAL] in wanted]

    async def split(self, connection: Connection, number: int, lines: Lines) -> None:
        await connection.execute(
            f"UPDATE forms.{self.name} SET lines = $3 WHERE pool = $1 AND batch = $2",
            POOL, number, self.record(number, lines)[3],
        )  # fmt: skip


class JsonText(Json):
    name = "json"
    kind = "json"
    audit = f"""SELECT line ->> {ITEM}, sum((line ->> {IN_SCOPE})::bigint)
                FROM forms.json AS kept, json_array_elements(kept.lines) AS line GROUP BY 1"""


class Folded(Json):
    name = "folded"
    kind = "json"
    audit = f"""SELECT kept.lines -> 'item' ->> place,
                    sum((kept.lines -> 'in_scope' ->> place)::bigint)
                FROM (SELECT lines::jsonb AS lines FROM forms.folded OFFSET 0) AS kept,
                     generate_series(0, {LINES - 1}) AS place GROUP BY 1"""

    def record(self, number: int, lines: Lines) -> tuple[Any, ...]:
        alike, rest = _folded(lines)
        each: dict[str, Any] = {}
        for name, values in zip(NAMES, zip(*rest, strict=True), strict=True):
            if values.count(values[0]) < LINES:
                each[name] = values
            elif values[0] is not None:
                alike[name] = values[0]
        return (POOL, number, alike, each)

    def read(self, row: Any) -> Lines:
        alike, each = row["alike"], row["lines"]
        columns = [each.get(name) or [alike.get(name)] * LINES for name in NAMES]
        return [list(line) for line in zip(*columns, strict=True)]


class Packed(Json):
    name = "packed"
    kind = "bytea"
    audit = ""

    def record(self, number: int, lines: Lines) -> tuple[Any, ...]:
        alike, rest = _folded(lines)
        return (POOL, number, msgspec.msgpack.encode(alike), msgspec.msgpack.encode(rest))

    def read(self, row: Any) -> Lines:
        alike = msgspec.msgpack.decode(row["alike"])
        lines: Lines = msgspec.msgpack.decode(row["lines"])
        for line in lines:
            line[DETAILS] = alike | line[DETAILS]
        return lines


FORMS: tuple[Form, ...] = (Rows(), Arrays(), Json(), JsonText(), Folded(), Packed())


# --------------------------------------------------------------------------------------- measuring


@dataclass
class Figures:
    """What one form took: CPU microseconds a bill, here and in PostgreSQL, by round."""

    here: dict[str, list[float]] = field(default_factory=dict)
    there: dict[str, list[float]] = field(default_factory=dict)
    size: float = 0.0
    log: float = 0.0


class Meter:
    """CPU of this process and of the connection's PostgreSQL process."""

    def __init__(self, backend: int) -> None:
        self._backend = psutil.Process(backend)

    async def take(self, figures: Figures, what: str, work: Callable[[], Awaitable[int]]) -> None:
        """``work`` tells with how many bills."""
        there, here = self._there(), time.process_time()
        bills = await work()
        here, there = time.process_time() - here, self._there() - there
        figures.here.setdefault(what, []).append(1e6 * here / bills)
        figures.there.setdefault(what, []).append(1e6 * there / bills)

    def _there(self) -> float:
        times = self._backend.cpu_times()
        return float(times.user + times.system)


class Tasks:
    """What is done with one form, and with how many bills."""

    def __init__(self, connection: Connection, form: Form, made: dict[int, Lines]) -> None:
        self._connection = connection
        self._form = form
        self._made = made

    async def write(self) -> int:
        """All bills, a batch a transaction."""
        numbers = list(self._made)
        for at in range(0, len(numbers), PORTION):
            async with self._connection.transaction():
                portion = [(number, self._made[number]) for number in numbers[at : at + PORTION]]
                await self._form.write(self._connection, portion)
        return len(numbers)

    async def read(self) -> int:
        """A quarter of the bills, one after the other."""
        some = range(0, len(self._made), 4)
        for number in some:
            assert len(await self._form.lines(self._connection, number)) == LINES
        return len(some)

    async def find(self) -> int:
        """Two lines of a stay of many uploads, twenty times."""
        stay = list(range(STAY_UPLOADS))
        named = [f"B{upload}-05" for upload in range(0, STAY_UPLOADS, 50)]
        for _ in range(20):
            assert len(await self._form.named(self._connection, stay, named)) == len(named)
        return 20

    async def audit(self) -> int:
        """One statement over all bills."""
        await self._connection.fetch(self._form.audit)
        return len(self._made)

    async def split(self) -> int:
        """An eighth of the bills is split anew."""
        some = range(0, len(self._made), 8)
        for number in some:
            await self._form.split(self._connection, number, self._made[number])
        return len(some)


async def measure(dsn: str, bills: int, rounds: int) -> dict[str, Figures]:
    """Each form in turn, several times."""
    connection = await asyncpg.connect(dsn)
    await _set_codecs(connection)
    await connection.execute("CREATE SCHEMA forms")
    meter = Meter(connection.get_server_pid())
    found = {form.name: Figures() for form in FORMS}
    made = {number: bill(number) for number in range(bills)}
    for _ in range(rounds):
        for form in FORMS:
            await connection.execute(f"DROP TABLE IF EXISTS forms.{form.name}")
            await form.create(connection)
            figures, tasks = found[form.name], Tasks(connection, form, made)
            before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
            await meter.take(figures, "write", tasks.write)
            (sizes,) = await connection.fetch(
                """SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::text::pg_lsn),
                          pg_total_relation_size($2::text::regclass)""",
                before, f"forms.{form.name}",
            )  # fmt: skip
            figures.log, figures.size = (float(size) / bills for size in sizes)
            await connection.execute(f"VACUUM ANALYZE forms.{form.name}")
            await meter.take(figures, "lines of a bill", tasks.read)
            await meter.take(figures, "2 serials of 2,000", tasks.find)
            if form.audit:
                await meter.take(figures, "audit by item", tasks.audit)
            await meter.take(figures, "new split", tasks.split)
    await connection.close()
    return found


async def _set_codecs(connection: Connection) -> None:
    for kind, version in (("json", b""), ("jsonb", b"\x01")):

        def encode(value: Any, version: bytes = version) -> bytes:
            return version + msgspec.json.encode(value)

        def decode(value: bytes, version: bytes = version) -> Any:
            return msgspec.json.decode(value[len(version) :])

        await connection.set_type_codec(
            kind, schema="pg_catalog", format="binary", encoder=encode, decoder=decode
        )


def show(console: Console, found: dict[str, Figures]) -> None:
    """The table."""
    table = Table("form", title="CPU µs a bill: here + PostgreSQL", title_justify="left")
    tasks = list(next(iter(found.values())).here)
    for heading in (*tasks, "bytes", "log bytes"):
        table.add_column(heading, justify="right")
    for name, figures in found.items():
        cells = [
            f"{median(figures.here[task]):,.0f} + {median(figures.there[task]):,.0f}"
            if task in figures.here
            else "not by SQL"
            for task in tasks
        ]
        table.add_row(name, *cells, f"{figures.size:,.0f}", f"{figures.log:,.0f}")
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bills", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    console = Console(width=140)
    console.print(f"machine: {named_machine()}, load {os.getloadavg()[0]:.1f}")
    console.print(f"versions: {versions()}")
    with (
        tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder,
        EmbeddedPostgres(Path(folder)) as dsn,
    ):
        show(console, asyncio.run(measure(dsn, options.bills, options.rounds)))


if __name__ == "__main__":
    main()
