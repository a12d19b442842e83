"""``yibao keys``: a key is made and told once, listed without secrets, rotated, revoked."""

from pathlib import Path

import pytest

from tests.cli.releasing import Office
from tests.registry.builders import BEIJING, instant, institution
from yibao.platform.database import Database
from yibao.registry.institutions import service as bureau

HOSPITAL = "H11010599001"


@pytest.fixture
async def office(tmp_path: Path, dsn: str, database: Database) -> Office:
    """A bureau with one designated hospital, and a vault's key in its folder."""
    async with database.writer() as connection, connection.transaction():
        await bureau.found_pool(connection, BEIJING, "北京市", now=instant(1))
        await bureau.designate(connection, [institution()], now=instant(1))
    office = Office(tmp_path, dsn)
    office.write("data/vault.key", "7" * 64)
    return office


async def test_a_key_lives_from_creation_over_rotation_to_revocation(office: Office) -> None:
    folder = ("--data", office.folder / "data")
    made = await office.answer(
        "keys", "create", "vendor-1", "--institution", HOSPITAL, "--dialect", "hubei", *folder
    )
    assert len(made["secret"]) == 32
    new = await office.answer("keys", "rotate", made["id"], "--overlap", "2", *folder)
    assert new["secret"] != made["secret"]
    listed = await office.run("keys", "list", "--json", *folder)
    assert made["secret"] not in listed.stdout
    keys = {key["id"]: key for key in (await office.answer("keys", "list", *folder))["keys"]}
    assert keys[made["id"]]["valid_until"] is not None
    assert keys[new["id"]]["valid_until"] is None
    assert keys[new["id"]]["institutions"] == [HOSPITAL]
    assert keys[new["id"]]["dialect"] == "hubei"
    assert await office.answer("keys", "revoke", new["id"], *folder) == {"revoked": new["id"]}
    (left,) = (await office.answer("keys", "list", *folder))["keys"]
    assert left["id"] == made["id"]
    again = await office.run("keys", "revoke", new["id"], *folder)
    assert again.returncode == 1
    assert new["id"] in again.stderr


async def test_tables_are_for_people(office: Office) -> None:
    folder = ("--data", office.folder / "data")
    made = await office.run("keys", "create", "app-1", "--kind", "sm2", "--family", "app", *folder)
    assert "shown this once" in made.stdout
    listed = await office.run("keys", "list", *folder)
    assert "app-1" in listed.stdout
    assert "valid" in listed.stdout


async def test_an_unknown_dialect_is_told_with_those_there_are(office: Office) -> None:
    ended = await office.run(
        "keys", "create", "vendor-1", "--dialect", "klingon", "--data", office.folder / "data"
    )
    assert ended.returncode == 2
    assert "guangdong" in ended.stderr
