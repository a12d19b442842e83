"""``docs/interface`` says what the code does."""

from pathlib import Path

from yibao.gateway.authentication import csb_signature, tif_signature
from yibao.gateway.cures import CURES
from yibao.gateway.dispatch import find_transaction, offered
from yibao.gateway.reference import pages
from yibao.kernel.refusals import RefusalCode

FOLDER = Path(__file__).parents[2] / "docs" / "interface"
CALLS = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_kept_pages_are_what_the_code_says() -> None:
    stale = [
        name
        for name, text in pages().items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    assert not stale, "run `make reference`"


def test_every_refusal_has_a_cause_and_a_cure_in_both_languages() -> None:
    assert set(CURES) == set(RefusalCode)
    assert all(text.strip() for cure in CURES.values() for text in cure)


def test_every_transaction_says_what_it_does() -> None:
    assert all((find_transaction(number).handle.__doc__ or "").strip() for number in offered())


def test_the_worked_signatures_are_right() -> None:
    assert tif_signature("1784088000", "not-a-secret", "7f3a") in CALLS
    signed = {
        "_api_access_key": "vendor-1",
        "_api_name": "2207",
        "_api_timestamp": "1784088000000",
        "_api_version": "1.0.0",
    }
    assert csb_signature(signed, "not-a-secret") in CALLS
    assert "&".join(f"{name}={value}" for name, value in sorted(signed.items())) in CALLS
