"""A neighbour with a key of its own tries to reach a hospital's data, by every transaction.

Both lists, of transactions and of what a hospital has, make themselves: a new transaction is tried
with all names that its example has, without anybody writing a test for it.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

import yibao.gateway.asgi  # noqa: F401 - offers the transactions
from tests.gateway.builders import Counter, Json
from tests.gateway.life import Life, life_of
from tests.gateway.test_every_transaction import naming
from tests.settlement.builders import ALWAYS, OTHER_TERTIARY, TERTIARY
from yibao.gateway.authentication import tif_signature
from yibao.gateway.dispatch import offered
from yibao.gateway.examples import example
from yibao.kernel.refusals import RefusalCode
from yibao.registry.institutions import service as institutions
from yibao.registry.institutions.model import HeaderFamily, Sender

NEIGHBOUR, KEY = "vendor-2", "another-secret"
FOREIGN_POOL = "430100"
FAMILIES = sorted({number[0] for number in offered()})
TECHNICAL = frozenset({-1, RefusalCode.BUSY, RefusalCode.FAILED})
UNPROVED = frozenset(
    {RefusalCode.NOT_AUTHENTICATED, RefusalCode.SIGNATURE_WRONG, RefusalCode.REPLAYED}
)
"""A neighbour that is not even let in would prove nothing."""
BEYOND_ITS_OWN = {
    "1101": "a person's voucher is shown: who it is and what insurances there are",
    "1162": "a person's QR code is shown",
    "2001": "what a person who is about to be treated may use",
    "5206": "a person's counters of the year: ceilings and deductibles are shared by all hospitals",
    "5301": "a person's chronic-disease filings: they count at every institution",
    "5302": "the institutions that a person has chosen",
    "5303": "of a named person's stay elsewhere its first day, and nothing else",
    "5304": "a person's referrals: they name the institution that is to treat",
    "7201": "a prescription's QR text is shown by the person",
    "7202": "a person's voucher is shown: the prescriptions that may be taken",
    "7203": "a prescription, with the token that its QR text gave",
    "2101": "opens something of its own with a person's voucher",
    "2102": "opens something of its own with a person's voucher",
    "2201": "opens something of its own with a person's voucher",
    "2401": "opens something of its own with a person's voucher",
    "2501": "declares something of its own for a person",
    "2503": "declares something of its own for a person",
    "2505": "declares something of its own for a person",
    "2507": "declares something of its own for a person",
    "6201": "registers an order of its own for a person",
}
"""Transactions in which an institution reaches a person beyond its own data, and why it may.

A caller sees and changes its own institution's data in every other one.
"""

ABOUT_NOBODY = (
    *("12", "13", "19", "33", "34", "35", "9", "51"),
    *("31", "3201", "4105", "420", "43", "44", "45", "46", "47"),
)
"""Families in which a neighbour records or reads what is its own or everybody's: a hospital's own
visits are named by its own numbers, and its books are compared with its own bills."""
OWN_ID = re.compile(r"(?:110000)\d{19}")
"""Ids of visits, settlements, files, prescriptions, orders, declarations."""


_nonces = count(1)


@dataclass
class Neighbour(Counter):
    """A counter with the key of a sender that may speak for one other hospital alone."""

    def message_id(self) -> str:
        """One that no neighbour has used."""
        return f"{OTHER_TERTIARY}20260715120000{next(_nonces):04d}"

    def headers(self) -> dict[str, str]:
        """Signed by the neighbour."""
        timestamp = str(int(self.town.clock.now().timestamp()))
        nonce = f"neighbour{next(_nonces)}"
        return {
            "x-tif-paasid": NEIGHBOUR,
            "x-tif-timestamp": timestamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": tif_signature(timestamp, KEY, nonce),
        }


@pytest.fixture
async def life(counter: Counter) -> Life:
    """A hospital's day, and a neighbour that has a key."""
    now = counter.town.clock.now() - timedelta(days=1)
    async with counter.town.database.writer() as connection, connection.transaction():
        sender = Sender(NEIGHBOUR, HeaderFamily.TIF, KEY, ((OTHER_TERTIARY, ALWAYS),))
        await institutions.give_key(connection, counter.town.vault, sender, now=now)
    return await life_of(counter)


@pytest.fixture
async def contents(life: Life) -> AsyncIterator["Contents"]:
    """What stands in the tables."""
    async with life.counter.town.database.owner() as connection:
        yield Contents(connection)


def neighbour(life: Life) -> Neighbour:
    """The neighbour's counter."""
    return Neighbour(life.counter.gateway, life.counter.town, OTHER_TERTIARY)


def of_family(life: Life, family: str) -> Iterator[tuple[str, Json]]:
    """What the hospital sent, then each transaction's example with the hospital's names."""
    known = set()
    for sent in life.sent:
        text = json.dumps(sent.content, default=str)
        if sent.number.startswith(family) and (sent.number, text) not in known:
            known.add((sent.number, text))
            yield sent.number, sent.content
    for number in (one for one in offered() if one.startswith(family)):
        content = naming(example(number), life.named)
        if number in life.named:  # a withdrawal names what was declared
            content = naming(content, {"trt_dcla_detl_sn": life.named[number]})
        yield number, content


def as_own(content: Any) -> Any:
    """The content in which the neighbour names itself where the hospital had named itself."""
    text = json.dumps(content, default=str, ensure_ascii=False)
    return json.loads(text.replace(TERTIARY, OTHER_TERTIARY))


@dataclass
class Contents:
    """Digests of all tables with rows, looked at again only when anything was written."""

    connection: Any
    """Held open: a new one would have to read the whole catalogue each time."""
    written_to: str = ""
    digests: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """By table: of all rows, and of those in which the hospital's code stands."""

    async def now(self) -> dict[str, tuple[str, str | None]]:
        """The digests of this moment; what is remembered of messages is not asked."""
        position = await self.connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
        if position == self.written_to:
            return self.digests
        self.written_to = position
        names = await self.connection.fetch(
            """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
               WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public')
                 AND tablename NOT IN ('message', 'writer')
                 AND pg_relation_size(format('%I.%I', schemaname, tablename)::regclass) > 0"""
        )
        found = await self.connection.fetch(
            " UNION ALL ".join(
                f"SELECT '{name}' AS name, sum(hash)::text AS whole,"
                f" (sum(hash) FILTER (WHERE row LIKE '%{TERTIARY}%'))::text AS theirs"
                " FROM (SELECT hashtextextended(row, 7) AS hash, row"
                f" FROM (SELECT t::text AS row FROM {name} AS t OFFSET 0) AS r) AS s"
                for (name,) in names
            )
        )
        self.digests = {row["name"]: (row["whole"], row["theirs"]) for row in found if row["whole"]}
        return self.digests


async def tried(life: Life, contents: Contents, number: str, content: Any) -> Json:
    """The answer to a neighbour's message; whatever it was, the hospital's rows are as before."""
    other = neighbour(life)
    before = await contents.now()
    message = other.envelope(number, content)
    kind, body = await other.exchange(json.dumps(message, default=str).encode())
    if kind != "application/json; charset=utf-8":
        raise AssertionError(f"{number} sent a file of {len(body)} bytes")
    answer: Json = json.loads(body)
    told = (number, answer["infcode"], answer["err_msg"])
    assert answer["infcode"] not in TECHNICAL | UNPROVED, told
    after = await contents.now()
    if answer["infcode"] != 0:
        assert after == before, told
    for table, (_, theirs) in before.items():
        assert after[table][1] == theirs, (table, *told)
    return answer


def leaked(life: Life, content: Any, answer: Json) -> set[str]:
    """What of the hospital stands in an answer and was not in the question."""
    asked, told = json.dumps(content, default=str), json.dumps(answer["output"], default=str)
    made = {
        one for sent in life.sent for one in OWN_ID.findall(json.dumps(sent.output, default=str))
    }
    return {one for one in made | {TERTIARY} if one in told and one not in asked}


@pytest.mark.parametrize("family", FAMILIES)
async def test_nobody_speaks_for_another_institution(
    life: Life, contents: Contents, family: str
) -> None:
    other = neighbour(life)
    other.institution = TERTIARY
    before = await contents.now()
    for number, content in of_family(life, family):
        code, text = await other.refused(number, content)
        assert code == RefusalCode.INSTITUTION_NOT_ALLOWED, (number, text)
        assert TERTIARY in text
    assert await contents.now() == before


@pytest.mark.parametrize("family", FAMILIES)
async def test_nobody_reaches_what_another_institution_has(
    life: Life, contents: Contents, family: str
) -> None:
    for number, content in of_family(life, family):
        for sent in (content, as_own(content)):
            answer = await tried(life, contents, number, sent)
            told = (number, sent, answer)
            if answer["infcode"] != 0 or not anything(answer["output"]):
                continue
            assert number[:4] in BEYOND_ITS_OWN or number.startswith(ABOUT_NOBODY), told
            if number[:4] not in TELLS_WHERE:
                assert leaked(life, sent, answer) == set(), told


TELLS_WHERE = frozenset({"1201", "5301", "5302", "5304", "7201", "7202", "7203"})
"""What a person has filed, chosen or been prescribed names the institution; 1201 is a directory."""


@pytest.mark.parametrize("family", FAMILIES)
async def test_ids_of_another_pool_reach_nothing(
    life: Life, contents: Contents, family: str
) -> None:
    for number, content in of_family(life, family):
        text = json.dumps(as_own(content), default=str, ensure_ascii=False)
        moved = OWN_ID.sub(lambda found: FOREIGN_POOL + found[0][6:], text)
        moved = moved.replace(life.named["psn_no"], FOREIGN_POOL + life.named["psn_no"][6:])
        if moved == text:
            continue
        answer = await tried(life, contents, number, json.loads(moved))
        if answer["infcode"] == 0 and anything(answer["output"]):
            assert number.startswith((*ABOUT_NOBODY, "1101")), (number, moved, answer)
            assert leaked(life, json.loads(moved), answer) == set()


def anything(output: Any) -> bool:
    """Whether an answer tells anything; an empty list does not, nor a row that was refused."""
    if isinstance(output, list):
        return any(anything(one) for one in output)
    if isinstance(output, dict):
        if output.get("retRslt") == "0":
            return False
        return any(anything(one) for one in output.values())
    return output not in (None, "", 0, "0", "1")


async def test_a_person_is_not_shown_without_the_voucher(life: Life, contents: Contents) -> None:
    other, member = neighbour(life), life.named["psn_no"]
    wrong = "990101199001010005"
    for number, content in (
        ("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": wrong, "psn_name": "测试"}}),
        ("2201", other.registration(member, mdtrt_cert_no=wrong)),
        ("7202", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": wrong}}),
    ):
        answer = await tried(life, contents, number, naming(example(number), {}) | content)
        assert answer["infcode"] != 0, (number, answer)
        assert life.named["certno"] not in json.dumps(answer), number


async def test_the_hospital_itself_reaches_what_is_its_own(life: Life) -> None:
    """Else the tests above would be true of a gateway that refuses everything."""
    done = {sent.number for sent in life.sent}
    assert len(done) > len(offered()) / 2, sorted(set(offered()) - done)


async def test_a_row_that_changes_shows_in_the_contents(contents: Contents) -> None:
    before = await contents.now()
    async with contents.connection.transaction():
        await contents.connection.execute(
            f"UPDATE ledger.entry SET account = account || '.' WHERE account LIKE '%{TERTIARY}%'"
        )
    after = await contents.now()
    assert any(after[table][1] != theirs for table, (_, theirs) in before.items())


def test_every_exception_is_of_a_transaction_that_is_offered() -> None:
    assert set(BEYOND_ITS_OWN) <= set(offered())


# --------------------------------------------------------------------------------------------- SQL

NAMES_INSTITUTIONS = {
    "registry.institution": "who is designated is public",
    "registry.institution_term": "who is designated is public",
    "registry.designation": "the institutions that a person has chosen",
    "registry.disease_filing": "a person's filing names who found the disease",
    "registry.filing": "a person's filing names where it is for",
    "registry.referral": "a person's referral names both institutions",
    "ledger.entry": "accounts carry the codes of institutions; no person's name",
    "ledger.balance_entry": "the same, with the sums of what was put away",
    "prescriptions.presentable_prescription": "a person may present it anywhere",
    "prescriptions.visible_event": "of a prescription that may be presented anywhere",
}
"""Relations that a reader of one institution sees others' codes in, each with the reason."""


async def test_a_reader_sees_no_row_of_another_institution(life: Life) -> None:
    async with life.counter.town.database.reader([OTHER_TERTIARY]) as connection:
        relations = await connection.fetch(
            """SELECT c.oid::regclass::text AS name FROM pg_class AS c
               WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
                 AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
                 AND has_schema_privilege(c.relnamespace, 'USAGE')
                 AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1"""
        )
        seen = {
            name
            for (name,) in relations
            if await connection.fetchval(
                f"SELECT count(*) FROM {name} AS t WHERE t::text LIKE '%{TERTIARY}%'"
            )
        }
    assert len(relations) > 30
    assert seen - set(NAMES_INSTITUTIONS) == set()


async def test_a_reader_has_no_right_on_a_table_with_an_institutions_rows(life: Life) -> None:
    async with life.counter.town.database.reader([]) as connection:
        open_tables = await connection.fetch(
            """SELECT DISTINCT c.oid::regclass::text AS name
               FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
               WHERE c.relkind IN ('r', 'p') AND a.attname IN ('institution', 'sender')
                 AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
                 AND has_schema_privilege(c.relnamespace, 'USAGE')
                 AND has_any_column_privilege(c.oid, 'SELECT')"""
        )
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute("INSERT INTO registry.division VALUES ('1', '2')")
    assert {name for (name,) in open_tables} <= set(NAMES_INSTITUTIONS)
