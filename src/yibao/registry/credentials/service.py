"""Issue cards, show codes, exchange a code for a token, and find whose voucher was shown.

Codes and tokens exist in clear only with their holders; here they are found by keyed hash. The
numbers of cards are kept sealed as well, so that their hashes can be made anew with a new key.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry.credentials import store
from yibao.registry.credentials.model import DecodeCode, Holder, TokenFacts

if TYPE_CHECKING:
    from asyncpg import Connection

CODE_LIFE = timedelta(minutes=1)
"""How long a QR code may be exchanged."""
TOKEN_LIFE = timedelta(hours=4)
"""How long a token stands for its holder: a visit from registration to the last bill."""
REMEMBERED = timedelta(days=30)
"""How long an expired code or token is still known: a message that came before may come again and
name it, and who shows an old one is told so."""

_RANDOM_BYTES = 18
_CARD, _SERIAL, _CODE, _TOKEN = "card", "card serial", "credential code", "credential token"


# ------------------------------------------------------------------------------------------- issue


async def issue_card(
    connection: "Connection[Any]",
    vault: Vault,
    identity: int,
    number: str,
    serial: str,
    period: Period,
    *,
    now: datetime,
) -> None:
    """Record a social-security card (社会保障卡) with its identification code (卡识别码)."""
    await issue_cards(connection, vault, [(identity, number, serial)], period, now=now)


async def issue_cards(
    connection: "Connection[Any]",
    vault: Vault,
    cards: Iterable[tuple[int, str, str]],
    period: Period,
    *,
    now: datetime,
) -> None:
    """Record many cards at once: (identity, number, identification code)."""
    rows = [
        (identity, *_keys_of_card(vault, number, serial), period)
        for identity, number, serial in cards
    ]
    await store.insert_cards(connection, rows, now)


async def reissue_card(
    connection: "Connection[Any]", vault: Vault, number: str, serial: str, *, now: datetime
) -> bool:
    """Give a card another identification code, as a new card has it; False: there is no such."""
    return await store.replace_serial(
        connection, _possible(vault, _CARD, number), _keys_of_card(vault, number, serial), now
    )


async def show_code(
    connection: "Connection[Any]", vault: Vault, identity: int, *, now: datetime
) -> str:
    """The text of a fresh QR code of the person's e-credential (医保电子凭证二维码)."""
    text = secrets.token_urlsafe(_RANDOM_BYTES)
    await store.insert_code(
        connection, vault.fingerprint(_CODE, text), identity, now, now + CODE_LIFE
    )
    return text


async def accept_code(
    connection: "Connection[Any]",
    vault: Vault,
    identity: int,
    text: str,
    *,
    now: datetime,
    until: datetime,
) -> None:
    """Let a code that another platform showed stand for a person."""
    await store.insert_code(
        connection, vault.fingerprint(_CODE, text.strip()), identity, now, until
    )


async def accept_token(
    connection: "Connection[Any]",
    vault: Vault,
    identity: int,
    institution: str,
    token: str,
    *,
    now: datetime,
    until: datetime,
) -> None:
    """Let a token that another platform gave an institution stand for a person."""
    token_key = _token_key(vault, institution, token)
    code_key = vault.fingerprint(_CODE, f"of token {token.strip()} at {institution}")
    await store.insert_code(connection, code_key, identity, now, until)
    await store.insert_token(connection, token_key, code_key, institution, now, until)


async def exchange_code(unit: Unit, vault: Vault, request: DecodeCode) -> TokenFacts:
    """A token for a shown code, once; Refused when the code is unknown, too old or used."""
    code_key = vault.fingerprint(_CODE, request.code.strip())
    shown = await store.code(unit.connection, code_key)
    if shown is None:
        raise _bad_code("二维码无法识别")
    if shown["used"]:
        raise _bad_code("二维码已使用，请刷新后重新扫码")
    if shown["expires_at"] <= unit.now:
        raise _bad_code("二维码已过期，请刷新后重新扫码")
    token, expires = secrets.token_urlsafe(_RANDOM_BYTES), unit.now + TOKEN_LIFE
    token_key = _token_key(vault, request.institution, token)
    if not await store.insert_token(
        unit.connection, token_key, code_key, request.institution, unit.now, expires
    ):
        raise _bad_code("二维码已使用，请刷新后重新扫码")
    return TokenFacts(token, shown["identity"], expires)


def _bad_code(why: str) -> Refused:
    return Refused(RefusalCode.VOUCHER_INVALID, why, "credential_code")


# -------------------------------------------------------------------------------------------- find


async def code_is_known(connection: "Connection[Any]", vault: Vault, text: str) -> bool:
    """Whether a code was ever shown."""
    return await store.code(connection, vault.fingerprint(_CODE, text.strip())) is not None


async def holder_of_token(
    connection: "Connection[Any]", vault: Vault, institution: str, token: str, *, now: datetime
) -> Holder | None:
    """Whose token it is; None when it was never issued to this institution."""
    token_key = _token_key(vault, institution, token)
    row = await store.token(connection, token_key, institution)
    return None if row is None else Holder(row["identity"], row["expires_at"] > now)


async def holder_of_card(
    connection: "Connection[Any]", vault: Vault, number: str, serial: str | None, *, day: date
) -> Holder | None:
    """Whose card it is; None when it is unknown, or when a serial is shown that is another's."""
    row = await store.card(connection, _possible(vault, _CARD, number), day)
    if row is None:
        return None
    if serial is not None and row["serial_key"] not in _possible(vault, _SERIAL, serial):
        return None
    return Holder(row["identity"], row["valid"])


def _token_key(vault: Vault, institution: str, token: str) -> bytes:
    """Another platform may have given two institutions the same token."""
    return vault.fingerprint(_TOKEN, f"{institution} {token.strip()}")


def _keys_of_card(vault: Vault, number: str, serial: str) -> tuple[bytes, bytes, bytes]:
    """What a card is found by, and both numbers sealed: the keys are made anew from them."""
    texts = [number.strip().upper(), serial.strip().upper()]
    sealed = vault.seal(msgspec.json.encode(texts).decode())
    return vault.look_up_key(_CARD, texts[0]), vault.look_up_key(_SERIAL, texts[1]), sealed


def _possible(vault: Vault, what: str, text: str) -> list[bytes]:
    return vault.look_up_keys(what, text.strip().upper())


# ------------------------------------------------------------------------------------------ forget


async def remove_expired(connection: "Connection[Any]", now: datetime) -> int:
    """Delete codes and tokens that expired long ago; how many. Only the owner may."""
    return await store.remove_expired(connection, now - REMEMBERED)


# ---------------------------------------------------------------------------------------- messages


def handlers(vault: Vault) -> Mapping[type, Handler]:
    """The handler of each kind of request of this room."""

    async def decode(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for command in commands:
            try:
                facts = await exchange_code(unit, vault, command.request)
            except Refused as refused:
                outcomes.append(refused.refusal)
            else:
                outcomes.append(Done(facts, _remembered(vault, facts)))
        return outcomes

    return {DecodeCode: decode}


def _remembered(vault: Vault, facts: TokenFacts) -> dict[str, Any]:
    """A repeated message gets the same token: it alone remembers it, sealed."""
    return {
        "token": vault.seal(facts.token).hex(),
        "identity": facts.identity,
        "expires_at": facts.expires_at.isoformat(),
    }


def recall_token(vault: Vault, remembered: Mapping[str, Any]) -> TokenFacts:
    """The token that a repeated message is answered with again."""
    return TokenFacts(
        vault.open(bytes.fromhex(remembered["token"])),
        remembered["identity"],
        datetime.fromisoformat(remembered["expires_at"]),
    )
