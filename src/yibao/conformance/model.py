"""What is tried on a server, and what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from yibao.client import Endpoint

COMMON_COLD = ("J06.900", "急性上呼吸道感染")


class Verdict(StrEnum):
    """How a transaction did."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_OFFERED = "not offered"
    """The server said so in its own words; no fault."""
    NOT_TRIED = "not tried"
    """The target names nothing to try it with, or an earlier step of its story failed."""


@dataclass(frozen=True, slots=True)
class Person:
    """An insured person of the server that may be treated."""

    voucher_type: str
    voucher: str
    scheme: str
    """``insutype``."""
    number: str = ""
    """``psn_no``; "": found by 1101."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the server's catalogue that may be billed."""

    code: str
    price: str
    """Decimal text, in yuan."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and what to try it with."""

    hospital: Endpoint
    person: Person
    items: tuple[Item, ...]
    pharmacy: Endpoint | None = None
    diagnosis: tuple[str, str] = COMMON_COLD
    """An insurance ICD-10 code and its name."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    number: str
    """The transaction."""
    what: str
    passed: bool
    detail: str = ""
    """What was wrong: expected and got."""


@dataclass(slots=True)
class Report:
    """Everything that was tried."""

    checks: list[Check] = field(default_factory=list)
    not_offered: dict[str, str] = field(default_factory=dict)
    """What the server said, by transaction."""
    not_tried: dict[str, str] = field(default_factory=dict)
    """Why, by transaction."""

    def verdict(self, number: str) -> Verdict:
        """How a transaction did, all its checks together."""
        found = [check for check in self.checks if check.number == number]
        if any(not check.passed for check in found):
            return Verdict.FAILED
        if number in self.not_offered:
            return Verdict.NOT_OFFERED
        return Verdict.PASSED if found else Verdict.NOT_TRIED

    def numbers(self) -> list[str]:
        """The transactions that were tried or could not be."""
        tried = {check.number for check in self.checks}
        return sorted(tried | self.not_offered.keys() | self.not_tried.keys())

    def failures(self, number: str) -> Iterable[Check]:
        """What went wrong with a transaction."""
        return (check for check in self.checks if check.number == number and not check.passed)

    @property
    def passed(self) -> bool:
        """Whether nothing that was tried failed."""
        return all(check.passed for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "passed": self.passed,
            "transactions": {
                number: {
                    "verdict": self.verdict(number).value,
                    "checks": sum(check.number == number for check in self.checks),
                    "failures": [
                        {"what": check.what, "detail": check.detail}
                        for check in self.failures(number)
                    ],
                    "said": self.not_offered.get(number) or self.not_tried.get(number, ""),
                }
                for number in self.numbers()
            },
        }
