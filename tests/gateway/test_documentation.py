"""``docs/interface.md`` says what the code does."""

import re
from pathlib import Path

import yibao.gateway.asgi  # noqa: F401 - offers the transactions
from yibao.gateway.authentication import csb_signature, tif_signature
from yibao.gateway.dispatch import offered
from yibao.gateway.tables import tables
from yibao.kernel.refusals import RefusalCode

PAGE = (Path(__file__).parents[2] / "docs" / "interface.md").read_text(encoding="utf-8")


def test_every_refusal_is_listed_with_its_meaning_and_no_other() -> None:
    listed = re.findall(r"^\| (\d{4}) \| ([A-Z_]+) \| (\S.*) \|$", PAGE, re.MULTILINE)
    assert [(int(number), name) for number, name, _ in listed] == [
        (code.value, code.name) for code in RefusalCode
    ]


def test_every_offered_transaction_is_listed_and_no_other() -> None:
    section = PAGE.split("## Transactions")[1].split("## Refusals")[0]
    listed = re.findall(r"^\| (\d{4}) \| (\S+) \| (\w+) \|$", section, re.MULTILINE)
    assert listed == [
        (number, tables().transactions[number].title, tables().transactions[number].kind)
        for number in offered()
    ]


def test_the_worked_signatures_are_right() -> None:
    assert tif_signature("1784088000", "not-a-secret", "7f3a") in PAGE
    signed = {
        "_api_access_key": "vendor-1",
        "_api_name": "2207",
        "_api_timestamp": "1784088000000",
        "_api_version": "1.0.0",
    }
    assert csb_signature(signed, "not-a-secret") in PAGE
    assert "&".join(f"{name}={value}" for name, value in sorted(signed.items())) in PAGE
