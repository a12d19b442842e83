"""The law's own rules of fee lines (``[lines]``), where the catalogue's row leaves it to them."""

from typing import Any, NamedTuple

from yibao.adjudication.case import (
    Class,
    Facts,
    case_of,
    class_of_words,
    facts_of,
)
from yibao.adjudication.model import GENERAL_BUCKET, Bill, ItemTerms
from yibao.kernel.money import NO_CEILING, ZERO_RATE, Price, Rate
from yibao.policy.model import Fact, Law, OverLimit
from yibao.policy.parameters import Parameter
from yibao.policy.terms import ItemClass

CLASS_LETTERS = {ItemClass.A: "A", ItemClass.B: "B", ItemClass.C: "C"}
"""The classes of the dimension ``item_class``."""


class RawTerms(NamedTuple):
    """What the catalogue's row says of an item; None is left to the law."""

    item_class: ItemClass
    kind: str | None = None
    """A word of the catalogue (``item_kind``): drug, service, implant_imported …"""
    first_pay: Rate | None = None
    ceiling: Price = NO_CEILING
    restricted: bool = False
    bucket: str | None = None
    over_limit: OverLimit | None = None


def terms_under(law: Law, bill: Bill, raw: RawTerms) -> ItemTerms:
    """An item's terms for a line of a bill; the bill's sums are not looked at.

    Without a rule of the law there is no first pay, the excess over a ceiling is the person's, and
    the line is in the general bucket. Refused: PARAMETER_MISSING when the law has a rule and it
    does not say.
    """
    rules = law.lines
    facts = facts_of(bill, law)
    case = case_of(facts, law) | _classes_of_line(law, raw)
    first_pay = raw.first_pay
    if first_pay is None and raw.item_class is not ItemClass.C:
        share = _found(rules.first_pay, facts, case)
        first_pay = None if share is None else Rate(share.numerator, share.denominator)
    over_limit = raw.over_limit
    if over_limit is None and raw.ceiling != NO_CEILING:
        over_limit = _found(rules.over_limit, facts, case)
    return ItemTerms(
        item_class=raw.item_class,
        first_pay=first_pay or ZERO_RATE,
        ceiling=raw.ceiling,
        restricted=raw.restricted,
        bucket=raw.bucket or _found(rules.bucket, facts, case) or GENERAL_BUCKET,
        over_limit=over_limit or OverLimit.OWN,
    )


def _found(rule: Parameter[Any] | None, facts: Facts, case: dict[str, Class]) -> Any:
    return None if rule is None else rule.find(facts.day, case).value


def _classes_of_line(law: Law, raw: RawTerms) -> dict[str, Class]:
    words = {
        Fact.ITEM_CLASS: (CLASS_LETTERS[raw.item_class],),
        Fact.ITEM_KIND: () if raw.kind is None else (raw.kind,),
    }
    return {
        name: class_of_words(classes, words[classes.fact])
        for name, classes in law.classes.items()
        if classes.fact in words
    }
