"""``yibao vault`` changes the key under living data; ``yibao access`` tells who looked."""

from pathlib import Path

import pytest

from tests.cli.releasing import Office
from tests.registry.builders import BEIJING, instant, institution
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.keyring import ANNOUNCED, announce, read_ring
from yibao.registry.institutions import service as bureau

HOSPITAL = "H11010599001"


class KeyFileOffice(Office):
    """An office whose vault's keys lie in the data folder."""

    def _environment(self) -> dict[str, str]:
        own = super()._environment()
        return {name: own[name] for name in own if name != "YIBAO_VAULT_KEY"}


@pytest.fixture
async def office(tmp_path: Path, dsn: str, database: Database) -> Office:
    """A bureau with a hospital whose key lies sealed."""
    async with database.writer() as connection, connection.transaction():
        await bureau.found_pool(connection, BEIJING, "北京市", now=instant(1))
        await bureau.designate(connection, [institution()], now=instant(1))
    office = KeyFileOffice(tmp_path, dsn)
    office.write("data/vault.key", "7" * 64)
    await office.answer(
        "keys", "create", "vendor-1", "--institution", HOSPITAL, "--data", office.folder / "data"
    )
    return office


async def test_a_key_is_changed_and_the_old_one_retired(office: Office) -> None:
    folder = ("--data", office.folder / "data")
    old = Vault(b"\x77" * 32).key_id.hex()
    early = await office.run("vault", "retire", old, *folder)
    assert early.returncode == 1
    assert "rotate first" in early.stderr
    announce(read_ring(office.folder / "data" / "vault.key"), instant(1) - ANNOUNCED)
    (new, opens) = (await office.answer("vault", "status", *folder))["keys"]
    assert (new["state"], new["values"]) == ("seals", 0)
    assert (opens["id"], opens["state"], opens["values"]) == (old, "opens", 1)
    refused = await office.run("vault", "retire", old, *folder)
    assert refused.returncode == 1
    assert "registry.sender_key.sealed" in refused.stderr
    assert (await office.answer("vault", "reseal", *folder))["resealed"] == 1
    assert await office.answer("vault", "retire", old, *folder) == {"retired": old}
    (left,) = (await office.answer("vault", "status", *folder))["keys"]
    assert (left["id"], left["values"]) == (new["id"], 1)
    told = await office.run("vault", "status", *folder)
    assert "7777" not in told.stdout


async def test_a_new_key_is_announced_before_it_seals(office: Office) -> None:
    folder = ("--data", office.folder / "data")
    made = await office.answer("vault", "rotate", *folder)
    ring = read_ring(office.folder / "data" / "vault.key")
    assert next(key.id.hex() for key in ring.keys) == made["id"]
    assert len(ring.keys) == 2


async def test_the_record_is_shown_and_verified(office: Office, database: Database) -> None:
    folder = ("--data", office.folder / "data")
    nobody = await office.run("access", "show", "990101198001010001", *folder)
    assert nobody.returncode == 1
    assert (await office.answer("access", "show", "--by", HOSPITAL, *folder))["sightings"] == []
    verdict = await office.answer("access", "show", "--verify", *folder)
    assert (verdict["rows"], verdict["faults"]) == (0, [])
    assert (await office.run("access", "show", *folder)).returncode == 2
