"""What personal accounts pay, the own one and relatives': rules as a law tells them."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from yibao.policy.parameters import Parameter


class PersonalPart(StrEnum):
    """Parts of what the person pays, as far as the personal account's rules tell them apart."""

    DEDUCTIBLE = "deductible"
    CO_PAY = "co_pay"
    FIRST_PAY = "first_pay"
    OVER_LIMIT = "over_limit"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class AccountRules:
    """What the own personal account (个人账户) may pay, and which of its parts in which order."""

    may_pay: Parameter[frozenset[PersonalPart]]
    """May differ by ``part`` of the account."""
    parts: Parameter[tuple[str, ...]]
    spent_first: Parameter[tuple[str, ...]] | None = None
    """Parts that pay in-scope cost before the deductible begins (old style of Shanghai)."""
    interest: Parameter[Fraction] | None = None
    """Yearly rate on what an account holds when its year ends (利息); None: no interest is paid."""


@dataclass(frozen=True, slots=True)
class FamilyRules:
    """What a relative's personal account may pay (家庭共济).

    ``relations`` and ``premiums`` are asked of the law of the account's owner, ``parts`` and
    ``may_pay`` of the law of the person whose bill is paid.
    """

    relations: Parameter[frozenset[str]]
    """Whom an owner may pay for: ``spouse``, ``parent``, ``child`` …"""
    parts: Parameter[tuple[str, ...]]
    """Parts of the owner's account that may pay, in this order: ``carried`` alone, or both."""
    may_pay: Parameter[frozenset[PersonalPart]] | None = None
    """None: what the own account may pay, part by part."""
    premiums: Parameter[frozenset[str]] | None = None
    """Schemes of relatives whose premium the account may pay; None: no premium."""
