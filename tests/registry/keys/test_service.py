"""Keys are made, told once, rotated with an overlap, revoked at once, and lie sealed."""

from datetime import timedelta

import asyncpg
import pytest

from tests.registry.builders import BEIJING, LONG_AGO, instant, institution
from yibao.kernel.refusals import Refused
from yibao.platform import crypto_sm
from yibao.platform.crypto import Vault
from yibao.registry.institutions import service as bureau
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender
from yibao.registry.keys import service as keys
from yibao.registry.keys.model import KeyState, NewKey

HOSPITAL = "H11010599001"
FAMILY = HeaderFamily.TIF


@pytest.fixture
async def designated(writer: asyncpg.Connection) -> asyncpg.Connection:
    """A writer to a registry with one pool and one hospital."""
    await bureau.found_pool(writer, BEIJING, "北京市", now=instant(1))
    await bureau.designate(writer, [institution()], now=instant(1))
    return writer


def wanted(kind: KeyKind = KeyKind.SECRET, given: str | None = None) -> NewKey:
    return NewKey(FAMILY, "paas-1", kind, ((HOSPITAL, LONG_AGO),), "hubei", given)


async def known(connection: asyncpg.Connection, vault: Vault) -> Sender:
    sender = (await bureau.load_directory(connection, vault)).sender(FAMILY, "paas-1")
    assert sender is not None
    return sender


async def test_a_created_secret_opens_the_door_for_its_institutions(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    made = await keys.create(designated, vault, wanted(), now=instant(2))
    sender = await known(designated, vault)
    assert sender.secrets(instant(2)) == (made.secret,)
    assert sender.secrets(instant(1)) == ()
    assert sender.dialect == "hubei"
    assert sender.institutions == ((HOSPITAL, LONG_AGO),)


async def test_a_rotated_secret_counts_until_the_overlap_ends(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    old = await keys.create(designated, vault, wanted(), now=instant(2))
    new = await keys.rotate(designated, vault, old.id, timedelta(days=2), instant(5))
    sender = await known(designated, vault)
    assert set(sender.secrets(instant(5) + timedelta(days=1))) == {old.secret, new.secret}
    assert sender.secrets(instant(5) + timedelta(days=2)) == (new.secret,)
    assert sender.secret == new.secret


async def test_a_rotation_without_overlap_ends_the_old_key_at_once(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    old = await keys.create(designated, vault, wanted(), now=instant(2))
    new = await keys.rotate(designated, vault, old.id, timedelta(0), instant(5))
    assert (await known(designated, vault)).secrets(instant(5)) == (new.secret,)


async def test_a_revoked_key_counts_no_more_and_cannot_be_revoked_again(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    first = await keys.create(designated, vault, wanted(), now=instant(2))
    second = await keys.create(designated, vault, wanted(), now=instant(3))
    await keys.revoke(designated, first.id, instant(4))
    assert (await known(designated, vault)).secrets(instant(4)) == (second.secret,)
    with pytest.raises(Refused, match=first.id):
        await keys.revoke(designated, first.id, instant(5))


async def test_of_the_senders_pair_only_the_public_half_is_kept(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    made = await keys.create(designated, vault, wanted(KeyKind.SM2), now=instant(2))
    assert made.secret is not None
    (key,) = (await known(designated, vault)).keys_of(KeyKind.SM2, instant(2))
    assert key.secret == ""
    point = crypto_sm.read_public_key(key.public)
    assert crypto_sm.sm2_verify(point, b"m", crypto_sm.sm2_sign(made.secret, point, b"m"))


async def test_a_given_public_key_is_kept_in_one_form(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    _, public = crypto_sm.new_key_pair()
    made = await keys.create(designated, vault, wanted(KeyKind.SM2, public[2:]), now=instant(2))
    assert (made.public_key, made.secret) == (public, None)


@pytest.mark.parametrize(
    ("kind", "given"), [(KeyKind.SM2, "nonsense"), (KeyKind.SM4, "short"), (KeyKind.SM4, "z" * 32)]
)
async def test_a_key_that_cannot_be_used_is_refused(
    designated: asyncpg.Connection, vault: Vault, kind: KeyKind, given: str
) -> None:
    with pytest.raises(Refused):
        await keys.create(designated, vault, wanted(kind, given), now=instant(2))


async def test_our_own_private_key_is_never_told(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    made = await keys.create(designated, vault, wanted(KeyKind.PLATFORM), now=instant(2))
    assert made.secret is None
    (key,) = (await known(designated, vault)).keys_of(KeyKind.PLATFORM, instant(2))
    point = crypto_sm.read_public_key(made.public_key or "")
    assert crypto_sm.sm2_verify(point, b"m", crypto_sm.sm2_sign(key.secret, point, b"m"))


async def test_keys_are_listed_without_secrets_which_lie_sealed(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    made = await keys.create(designated, vault, wanted(given="a given secret"), now=instant(2))
    (listing,) = await keys.listed(designated, vault)
    assert (listing.id, listing.institutions) == (made.id, (HOSPITAL,))
    assert listing.state(instant(2)) is KeyState.VALID
    assert listing.state(instant(1)) is KeyState.FUTURE
    assert "secret" not in repr(listing).replace("KeyKind.SECRET: 'secret'", "")
    sealed = await designated.fetchval("SELECT sealed FROM registry.sender_key")
    assert b"given" not in sealed
