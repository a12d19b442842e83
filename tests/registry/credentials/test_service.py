"""Vouchers: whose they are, for how long, and for whom they are good."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from tests.registry.builders import person
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, MessageKey, Unit
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.credentials import service as credentials
from yibao.registry.credentials.model import DecodeCode, Holder, TokenFacts
from yibao.registry.people import service as people

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)
HERE, ELSEWHERE = "H11010599001", "H11010599002"
CARD, SERIAL = "C99000001", "A1B2C3"


@dataclass
class Holdings:
    """Somebody, and the connection and vault to ask about their vouchers."""

    connection: asyncpg.Connection
    vault: Vault
    identity: int

    async def code(self) -> str:
        return await credentials.show_code(self.connection, self.vault, self.identity, now=NOW)

    async def token(self, code: str, *, now: datetime = NOW) -> TokenFacts:
        unit = Unit(NO_PERSON_POOL, self.connection, now, NumberSource(1))
        return await credentials.exchange_code(unit, self.vault, DecodeCode(HERE, code))

    async def holder(
        self, token: str, *, institution: str = HERE, now: datetime = NOW
    ) -> Holder | None:
        return await credentials.holder_of_token(
            self.connection, self.vault, institution, token, now=now
        )

    async def card_holder(self, number: str, serial: str | None, day: date) -> Holder | None:
        return await credentials.holder_of_card(
            self.connection, self.vault, number, serial, day=day
        )


@pytest.fixture
async def holdings(writer: asyncpg.Connection, vault: Vault) -> Holdings:
    """A person with a card of 2026."""
    async with writer.transaction():
        (admitted,) = await people.admit(writer, vault, [person()], now=NOW)
        year = Period(date(2026, 1, 1), date(2027, 1, 1))
        await credentials.issue_card(writer, vault, admitted.identity, CARD, SERIAL, year, now=NOW)
    return Holdings(writer, vault, admitted.identity)


async def test_a_token_stands_for_its_holder_until_it_expires(holdings: Holdings) -> None:
    facts = await holdings.token(await holdings.code())
    assert facts.identity == holdings.identity
    assert await holdings.holder(facts.token) == Holder(holdings.identity, valid=True)
    late = facts.expires_at
    assert await holdings.holder(facts.token, now=late) == Holder(holdings.identity, valid=False)


async def test_a_token_is_good_where_it_was_issued(holdings: Holdings) -> None:
    facts = await holdings.token(await holdings.code())
    assert await holdings.holder(facts.token, institution=ELSEWHERE) is None
    assert await holdings.holder("an-invented-token") is None


async def test_a_code_is_exchanged_once_and_soon(holdings: Holdings) -> None:
    used, old = await holdings.code(), await holdings.code()
    await holdings.token(used)
    for code, when in ((used, NOW), (old, NOW + credentials.CODE_LIFE), ("nonsense", NOW)):
        with pytest.raises(Refused) as refused:
            await holdings.token(code, now=when)
        assert refused.value.refusal.code is RefusalCode.VOUCHER_INVALID
        assert refused.value.refusal.field == "credential_code"


async def test_no_clear_text_of_a_voucher_lies_in_the_database(holdings: Holdings) -> None:
    code = await holdings.code()
    token = (await holdings.token(code)).token
    for table in ("card", "credential_code", "credential_token"):
        rows = await holdings.connection.fetch(f"SELECT * FROM registry.{table}")
        assert rows
        text = str([tuple(row) for row in rows])
        assert not any(secret in text for secret in (code, token, CARD, SERIAL))


async def test_a_card_is_its_holders_in_its_time(holdings: Holdings) -> None:
    day = date(2026, 7, 15)
    good = Holder(holdings.identity, valid=True)
    assert await holdings.card_holder(CARD, SERIAL, day) == good
    assert await holdings.card_holder(CARD.lower(), None, day) == good
    assert await holdings.card_holder(CARD, "another", day) is None
    assert await holdings.card_holder("C99000002", SERIAL, day) is None
    ended = await holdings.card_holder(CARD, SERIAL, date(2027, 1, 1))
    assert ended == Holder(holdings.identity, valid=False)


async def test_a_repeated_message_is_answered_with_the_same_token(holdings: Holdings) -> None:
    (handle,) = credentials.handlers(holdings.vault).values()
    unit = Unit(NO_PERSON_POOL, holdings.connection, NOW, NumberSource(1))
    commands = [
        Command(NO_PERSON_POOL, HERE, MessageKey(HERE, "1162", str(i)), b"", DecodeCode(HERE, code))
        for i, code in enumerate([await holdings.code(), "nonsense"])
    ]
    done, refused = await handle(unit, commands)
    assert isinstance(done, Done)
    assert not isinstance(refused, Done)
    assert credentials.recall_token(holdings.vault, done.reference) == done.result
    assert done.result.token not in str(done.reference)
    assert done.result.expires_at - NOW == credentials.TOKEN_LIFE > timedelta(0)


async def test_codes_and_tokens_are_forgotten_long_after_they_expired(
    database: Database, vault: Vault
) -> None:
    async with database.writer() as writer, writer.transaction():
        (admitted,) = await people.admit(writer, vault, [person()], now=NOW)
        holdings = Holdings(writer, vault, admitted.identity)
        facts = await holdings.token(await holdings.code())
        unused = await holdings.code()
    forgotten = facts.expires_at + credentials.REMEMBERED
    async with database.owner() as owner:
        soon = forgotten - timedelta(seconds=1)
        assert await credentials.remove_expired(owner, soon) == 1, "the code that nobody took"
        assert not await credentials.code_is_known(owner, vault, unused)
        async with database.writer() as writer:
            known = await credentials.holder_of_token(writer, vault, HERE, facts.token, now=soon)
            assert known == Holder(admitted.identity, valid=False)
            assert await credentials.remove_expired(owner, forgotten) == 2, "the token and its code"
            gone = await credentials.holder_of_token(writer, vault, HERE, facts.token, now=soon)
            assert gone is None
