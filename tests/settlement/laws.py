"""Small laws for the town, and the ways by which they come to count."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from tests.policy.builders import counter, dated, document, limit, payer, toml_text
from tests.settlement.builders import EMPLOYEE, NOON, Town, laws_of_beijing
from yibao.policy.load import law_book_of
from yibao.policy.model import Law
from yibao.registry.laws import service as laws

TODAY = NOON.date()
SPENT = {"spent": counter("year", "fund", "pool")}


def capped(amount: str, rate: str = "0.5") -> dict[str, Any]:
    """One fund that pays a rate up to a yearly amount."""
    caps = {"year": limit("spent", Decimal(amount))}
    return {"pool": payer(Decimal(rate), caps=caps)}


def law_text(
    payers: Mapping[str, Any] | None = None,
    *,
    classes: Mapping[str, Any] | None = None,
    benefit: Mapping[str, Any] | None = None,
    counters: Mapping[str, Any] | None = None,
    rest: Mapping[str, Any] | None = None,
) -> str:
    """A small law of Beijing's employees as TOML; by default half of everything is paid.

    ``rest`` replaces other tables of the document.
    """
    content = document(payers or {"pool": payer(Decimal("0.5"))}, counters)
    content["law"]["area"] = "110000"
    content["classes"] |= dict(classes or {})
    content["benefits"]["outpatient"] |= dict(benefit or {})
    content |= dict(rest or {})
    return toml_text(content)


def law(payers: Mapping[str, Any] | None = None, **parts: Any) -> Law:
    """A small law of Beijing's employees."""
    book = law_book_of({"110000/employee.toml": law_text(payers, **parts)})
    return book.law_on("110000", EMPLOYEE, TODAY)


def by_class(dimension: str, **rates: str) -> dict[str, Any]:
    """One fund that pays by the classes of a dimension."""
    bands = dated({name: Decimal(rate) for name, rate in rates.items()}, unit="fund_share")
    bands["by"] = [dimension]
    return {"pool": payer(Decimal(0)) | {"bands": [bands]}}


def claim_free(amount_field: str = "hifmi") -> Law:
    """A law whose only fund looks at the years without a claim, and is reported by this field."""
    free = {"free": {"fact": "claim_free_years", "order": ["yes"], "otherwise": "no",
                     "yes": {"from": 4}}}  # fmt: skip
    rates = by_class("free", yes="0.9", no="0.1")
    rates["pool"]["reported_as"] = [dated({"fund": "330100", "amount_field": amount_field})]
    return law(rates, classes=free)


CLAIM_FREE = claim_free()
"""Critical illness pays nine tenths after four years without a claim on it, else one."""


async def let_count(town: Town, law: Law, start: date = date(2026, 1, 1)) -> int:
    """Release a law from a day on; the release's number."""
    now = town.clock.now()
    async with town.database.writer() as connection, connection.transaction():
        (release,) = await laws.propose(
            connection, [law], effective_from=start, cases=0, by="甲", reason="试验", now=now
        )
        await laws.release(connection, [release.number], laws_of_beijing(), by="乙", now=now)
    return release.number


async def withdraw(town: Town, number: int) -> None:
    """Withdraw a release."""
    async with town.database.writer() as connection, connection.transaction():
        await laws.withdraw(
            connection, [number], laws_of_beijing(), by="丙", reason="试验", now=town.clock.now()
        )
