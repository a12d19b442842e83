"""A changed byte, file or manifest of the archive is named."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.platform.archive.builders import NOW, POOL, Shop
from yibao.platform.archive.service import Archive
from yibao.platform.crypto import Vault

pytestmark = pytest.mark.database


@pytest.fixture
async def month(shop: Shop) -> Path:
    """The folder of a month that was put away."""
    await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    return shop.folder / POOL / "2024-05"


@pytest.mark.usefixtures("month")
async def test_an_archive_that_nobody_touched_is_whole(shop: Shop) -> None:
    assert await shop.archive.verify() == []


async def test_one_changed_byte_names_its_file(shop: Shop, month: Path) -> None:
    path = month / "03" / "shop.bill.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    ((_, fault),) = await shop.archive.verify()
    assert fault.startswith(f"{path} was changed")


async def test_a_missing_file_is_named(shop: Shop, month: Path) -> None:
    (month / "03" / "shop.bill.parquet").unlink()
    ((_, fault),) = await shop.archive.verify()
    assert "shop.bill.parquet is not there" in fault


async def test_a_changed_manifest_is_named(shop: Shop, month: Path) -> None:
    path = month / "manifest.json"
    told = json.loads(path.read_text())
    told["files"][0]["rows"] += 1
    path.write_text(json.dumps(told))
    assert await shop.archive.verify() == [
        (POOL, f"{path} is not the manifest that the database knows")
    ]


@pytest.mark.usefixtures("month")
async def test_what_the_database_says_of_a_file_cannot_be_changed_either(shop: Shop) -> None:
    await shop.value("UPDATE platform.archived_file SET row_count = 2 WHERE relation = 'shop.bill'")
    faults = await shop.archive.verify()
    assert (POOL, "the manifest of 110000 2024-05 was changed: its signature is wrong") in faults


@pytest.mark.usefixtures("month")
async def test_another_key_than_the_installations_is_named(shop: Shop) -> None:
    stranger = replace(shop, vault=Vault(b"b" * 32))
    archive: Archive = stranger.archive
    assert await archive.verify() == [
        (POOL, "the manifest of 110000 2024-05 was signed by a key that is not the archive's")
    ]
