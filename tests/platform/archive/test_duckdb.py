"""Anybody reads the files: what the documentation shows for DuckDB runs as it stands there."""

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.platform.archive.builders import NOW, POOL, Shop
from tests.settlement.builders import Town
from yibao.platform.archive.model import PURPOSE
from yibao.platform.archive.service import Archive
from yibao.platform.signing import signer_for

pytestmark = pytest.mark.database
PAGE = Path(__file__).parents[3] / "docs/operating/archive.md"
ASK = "import duckdb, json, sys; print(json.dumps(duckdb.sql(sys.argv[1]).fetchall(), default=str))"


async def test_what_the_documentation_shows_runs(town: Town, tmp_path: Path) -> None:
    await town.bill(await town.insure(account="100"), "2500")
    later = NOW.replace(year=2028, month=9)
    archive = Archive(tmp_path, signer_for(town.vault, PURPOSE), town.database.owner)
    assert await archive.put_away(later) is not None
    (shown,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    here = shown.replace("/srv/yibao/archive", str(tmp_path)).replace("2024-05", "2026-07")
    days, funds, kinds = (one for one in here.replace("2024", "2026").split(";") if one.strip())
    assert asked(days) == [["2026-07-15", 1, 2500.0, 490.0]]
    assert asked(funds) == [["fund:330100", -49_000]]
    assert asked(kinds) == [["11", None, 1]]


async def test_duckdb_and_arrow_read_the_same(shop: Shop) -> None:
    await shop.sell(date(2024, 5, 3))
    await shop.archive.put_away(NOW)
    path = shop.folder / POOL / "2024-05" / "03" / "shop.visit.parquet"
    ((*read, begun),) = asked(
        f"SELECT id, born, notes, words, counts, open, epoch_ms(begin_at) FROM '{path}'"
    )
    (same,) = pq.read_table(path, partitioning=None).to_pylist()
    same["born"] = str(same["born"])
    assert read == [same[name] for name in ("id", "born", "notes", "words", "counts", "open")]
    assert begun == int(same["begin_at"].timestamp() * 1000)


def asked(query: str) -> Any:
    """DuckDB's rows, asked in a process of its own: it complains about itself at its end."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, query], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)
