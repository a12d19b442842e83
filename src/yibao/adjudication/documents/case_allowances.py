"""Cases of allowances: a sum by formula instead of a bill."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from yibao.adjudication.allowance import allowance
from yibao.adjudication.documents.bills import read_circumstances, read_person
from yibao.adjudication.documents.values import day, fault, fen_of, word_of
from yibao.kernel.money import yuan
from yibao.policy.model import Law
from yibao.policy.table import Table, decimal_of, proposal

DAY = date(2025, 1, 1)
"""The day of a claim that does not say it."""


def allowance_figures(table: Table, law: Law) -> Mapping[str, str]:
    """What an allowance comes to, as the figure ``amount``. Raises LawError, Refused."""
    key_node, units = table.must("key"), table.node_of("units")
    key, keys = word_of(key_node), sorted(law.allowances)
    if key not in keys:
        raise fault(key_node, f"the law has no allowance{proposal(key, keys)}")
    base = fen_of(table.must("base"))
    on = day(table, "day") or DAY
    person = read_person(table, law)
    circumstances = read_circumstances(table, law)
    count = None if units is None else Fraction(decimal_of(units))
    table.done()
    decided = allowance(law, key, base, on, person, count, circumstances)
    return {"amount": yuan(decided.amount)}
