"""Broken messages of every transaction, over HTTP: never a 500, never a fault of ours.

    python -m benchmarks.malformed --count 100000 --seed 1

A valid message of a transaction is made from its field table and then broken: bytes flipped, cut,
doubled, fields left out, emptied, given other types, made huge or deeply nested, written in another
encoding. The headers are signed rightly, so that the body is read. What counts is the HTTP status,
``infcode`` −1 (nobody knows) and 9002 (failed), and what the server's log says of faults.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from rich.console import Console

from benchmarks.evidence import FOLDER, Experiment, keep
from tests.world.server import Pristine, Served
from yibao.client.requests import Requests
from yibao.gateway.examples import example
from yibao.gateway.tables import tables
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import OUTCOME_UNKNOWN, RefusalCode
from yibao.sandbox.traffic import endpoint_from

AT_ONCE = 16
EXPERIMENT = Experiment(
    "malformed",
    "No message, however broken, makes the platform fail: it answers what is wrong.",
    "Of every transaction a valid message is made from its field table and then broken by "
    "seed: bytes flipped, cut or doubled, fields left out, emptied, of another type, huge or "
    "deeply nested, another encoding. Its headers are signed rightly, so that the body is "
    "read. The server is a real one with two workers, over HTTP.",
    "python -m benchmarks.malformed --count COUNT --seed SEED",
    {
        "messages": "messages that were sent",
        "seed": "of what is broken and how",
        "transactions": "kinds of messages",
        "HTTP status not 200": "answers that are none of the interface",
        "infcode −1": "answers that nobody knows what happened",
        "infcode 9002": "answers that the platform failed",
        "unreadable": "answers that are no JSON object",
        "tracebacks": "faults in the server's log",
    },
)

_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, -(10**30), 1e308, "", " ", "null", "0", "-1", "NaN",
    "1e400", "9" * 400, "A" * 70_000, "\x00", "\ud7ff", "测试" * 500, "2026-13-45",
    "2026-02-30 25:61:61", "0001-01-01", "9999-12-31 23:59:59", "' OR 1=1 --", "<script>",
    "../../etc/passwd", [], {}, [[]], [{}], {"data": {}}, [None], {"": ""},
)  # fmt: skip

Breaker = Callable[[Random, Any], bytes]


def broken(draw: Random, envelope: Any) -> bytes:
    """A message with one or several things wrong."""
    return draw.choice(_BREAKERS)(draw, envelope)


def _bytes_of(envelope: Any) -> bytes:
    return json.dumps(envelope, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _changed(draw: Random, envelope: Any) -> bytes:
    """Some values become something else."""
    for _ in range(draw.randint(1, 4)):
        holder, key = _place(draw, envelope)
        # a copy, or the next change would be made in it, for all messages to come
        holder[key] = deepcopy(draw.choice(_STRANGE))
    return _bytes_of(envelope)


def _left_out(draw: Random, envelope: Any) -> bytes:
    for _ in range(draw.randint(1, 3)):
        holder, key = _place(draw, envelope)
        del holder[key]
        if not envelope:
            break
    return _bytes_of(envelope)


def _repeated(draw: Random, envelope: Any) -> bytes:
    """A node becomes a list, a list becomes long."""
    holder, key = _place(draw, envelope)
    holder[key] = [holder[key]] * draw.choice((1, 2, 3_000))
    return _bytes_of(envelope)


def _nested(draw: Random, envelope: Any) -> bytes:
    holder, key = _place(draw, envelope)
    deep = draw.choice((50, 500, 20_000))
    mark = "MARK-OF-THE-PLACE"
    holder[key] = mark
    opening, closing = draw.choice((("[", "]"), ('{"a":', "}")))
    inner = opening * deep + "1" + closing * deep
    return _bytes_of(envelope).replace(f'"{mark}"'.encode(), inner.encode())


def _flipped(draw: Random, envelope: Any) -> bytes:
    data = bytearray(_bytes_of(envelope))
    for _ in range(draw.randint(1, 12)):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def _cut(draw: Random, envelope: Any) -> bytes:
    data = _bytes_of(envelope)
    return data[: draw.randrange(len(data))]


def _spliced(draw: Random, envelope: Any) -> bytes:
    data = _bytes_of(envelope)
    start, end = sorted(draw.randrange(len(data)) for _ in range(2))
    return data[:end] + data[start:]


def _otherwise_encoded(draw: Random, envelope: Any) -> bytes:
    encoding = draw.choice(("gbk", "utf-16", "utf-32", "utf-8-sig", "gb18030", "big5"))
    return json.dumps(envelope, ensure_ascii=False).encode(encoding, "replace")


def _noise(draw: Random, _: Any) -> bytes:
    return draw.choice((b"", b"null", b"[]", b"{}", b'"a"', b"0", draw.randbytes(200)))


_BREAKERS: Sequence[Breaker] = (
    *(_changed,) * 8,
    *(_left_out,) * 4,
    *(_flipped,) * 3,
    _repeated, _nested, _cut, _spliced, _otherwise_encoded, _noise,
)  # fmt: skip


def _place(draw: Random, envelope: Any) -> tuple[Any, Any]:
    """Some place in the message, mostly deep inside: (what holds it, its key)."""
    holder = envelope
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw.choice(keys)
        if draw.random() < 0.7 and isinstance(holder, dict) and holder.get("input"):
            key = "input"
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or draw.random() < 0.15:
            return holder, key
        holder = inner


def numbers() -> list[str]:
    """Every transaction that has a table."""
    return sorted(tables().transactions)


def made_real(content: Any, known: Mapping[str, str]) -> Any:
    """The example with a person, an item and an institution that are there."""
    if isinstance(content, dict):
        return {
            name: known[name]
            if name in known and isinstance(value, str)
            else made_real(value, known)
            for name, value in content.items()
        }
    return [made_real(one, known) for one in content] if isinstance(content, list) else content


class Sender:
    """Sends broken messages and counts the answers."""

    def __init__(self, found: Mapping[str, Any], draw: Random, port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        self._senders = [
            (Requests(endpoint_from(row, url)), row["pool"]) for row in found["institutions"]
        ]
        self._found = found
        self._numbers = numbers()
        self._draw = draw
        self.statuses: Counter[int] = Counter()
        self.codes: Counter[int] = Counter()
        self.bad: list[dict[str, Any]] = []

    async def send(self, session: aiohttp.ClientSession) -> None:
        """One broken message."""
        draw = self._draw
        number = draw.choice(self._numbers)
        requests, pool = draw.choice(self._senders)
        known = self._known(pool) | {"fixmedins_code": requests.endpoint.institution}
        content = made_real(example(number, business_date(datetime.now(UTC))), known)
        made = requests.make(number, content, insured_division=known["insuplc_admdvs"])
        body = broken(draw, json.loads(made.body))
        try:
            async with session.post(made.url, data=body, headers=made.headers) as answer:
                status, told = answer.status, await answer.read()
        except aiohttp.ClientError as error:
            self._bad(number, body, repr(error))
            self.statuses[0] += 1
            return
        self.statuses[status] += 1
        code = _code(told)
        self.codes[-2 if code is None else code] += 1
        if status != 200 or code in (None, OUTCOME_UNKNOWN, int(RefusalCode.FAILED)):
            self._bad(number, body, f"{status} {told[:300]!r}")

    def _known(self, pool: str) -> dict[str, str]:
        person = self._draw.choice([row for row in self._found["persons"] if row["pool"] == pool])
        item = self._draw.choice([row for row in self._found["items"] if row["pool"] == pool])
        named = ("psn_no", "psn_name", "certno", "insutype", "insuplc_admdvs")
        return {name: person[name] for name in named} | {
            "mdtrt_cert_no": person["certno"],
            "med_list_codg": item["med_list_codg"],
        }

    def _bad(self, number: str, body: bytes, told: str) -> None:
        if len(self.bad) < 200:
            self.bad.append({"number": number, "body": repr(body[:3_000]), "answer": told})


def _code(told: bytes) -> int | None:
    try:
        return int(json.loads(told)["infcode"])
    except (ValueError, KeyError, TypeError):
        return None


async def measure(count: int, seed: int, work: Path, pristine: Pristine) -> dict[str, Any]:
    """Send ``count`` broken messages."""
    served = Served(work / "malformed", log=work / "server.log")
    await asyncio.to_thread(pristine.copy_to, served.folder)
    await asyncio.to_thread(served.start)
    try:
        found = await asyncio.to_thread(served.accounts)
        sender, left = Sender(found, Random(seed), served.port), iter(range(count))

        async def lane(session: aiohttp.ClientSession) -> None:
            for _ in left:
                await sender.send(session)

        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session:
            await asyncio.gather(*(lane(session) for _ in range(AT_ONCE)))
    finally:
        await asyncio.to_thread(served.stop)
    log = served.log.read_text()
    return {
        "messages": count,
        "seed": seed,
        "transactions": len(numbers()),
        "HTTP status not 200": count - sender.statuses[200],
        "infcode −1": sender.codes[OUTCOME_UNKNOWN],
        "infcode 9002": sender.codes[int(RefusalCode.FAILED)],
        "unreadable": sender.codes[-2],
        "tracebacks": log.count("Traceback (most recent call last)"),
        "by infcode": {str(code): n for code, n in sorted(sender.codes.items())},
        "bad": sender.bad,
        "log": log[max(0, log.find("Traceback") - 2_000) :][:8_000] if "Traceback" in log else "",
    }


def faults(figures: Mapping[str, Any]) -> int:
    """How much of it should not be."""
    names = ("HTTP status not 200", "infcode −1", "infcode 9002", "unreadable", "tracebacks")
    return sum(figures[name] for name in names)


def main() -> int:
    """Exit code 1 when an answer was a fault of ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=Path, default=FOLDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yibao-malformed-") as folder:
        work = Path(folder)
        pristine = Pristine(work / "pristine")
        figures = asyncio.run(measure(options.count, options.seed, work, pristine))
    Console().print(figures)
    keep(EXPERIMENT, figures, options.to)
    return 1 if faults(figures) else 0


if __name__ == "__main__":
    sys.exit(main())
