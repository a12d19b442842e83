"""Texts of laws that were kept beside the settlements are kept on, below them."""

import asyncpg

from yibao.platform.migrations import FOLDER

SCRIPTS = sorted((FOLDER / "versions").glob("[0-9]*.sql"))


async def test_kept_texts_move_with_the_migration(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    try:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS platform")
        for script in (path for path in SCRIPTS if path.stem < "0006"):
            await connection.execute(script.read_text(encoding="utf-8"))
        kept = (b"\x01" * 32, "110000", "310", "{}")
        await connection.execute("INSERT INTO settlement.law_text VALUES ($1, $2, $3, $4)", *kept)
        (script,) = (path for path in SCRIPTS if path.stem.startswith("0006"))
        await connection.execute(script.read_text(encoding="utf-8"))
        moved = await connection.fetchrow(
            "SELECT fingerprint, area, scheme, text FROM registry.law"
        )
    finally:
        await connection.close()
    assert tuple(moved) == kept
