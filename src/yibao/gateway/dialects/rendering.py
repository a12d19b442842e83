"""From the tables' spelling of ``output`` to a province's.

One step at the edge: transactions write every answer in the tables' spelling and know no dialect.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Raw

from yibao.gateway.dialects.adaption import camel
from yibao.gateway.dialects.model import AnswerForm, Casing, Dialect, FamilyPay
from yibao.gateway.writing import amount

Render = Callable[[Any], Any]

_FUNDS, _ACCOUNT, _FAMILY = "fund_pay_sumamt", "acct_pay", "acct_mulaid_pay"
_COUNTED_IN: Mapping[FamilyPay, tuple[str, ...]] = {
    FamilyPay.SEPARATE: (),
    FamilyPay.IN_ACCOUNT: (_ACCOUNT,),
    FamilyPay.IN_CASH: ("psn_cash_pay", "pdn_cash_pay", "cash_payamt"),
}


class _Renderer:
    """Spells the rows of any depth; remembers each name's spelling."""

    def __init__(self, form: AnswerForm) -> None:
        self._form = form
        self._spelled: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        if type(value) is dict:
            return self._row(value)
        if type(value) is list or type(value) is tuple:
            return [self(one) for one in value]
        return value

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        form, spelled = self._form, {}
        for name, value in row.items():
            kind = type(value)
            inner = self(value) if kind is dict or kind is list or kind is tuple else value
            spelled[self._spelled.get(name) or self._spell(name)] = inner
        if form.account_in_funds and _FUNDS in row and _ACCOUNT in row:
            name = self._spell(_FUNDS)
            spelled[name] = _sum(row[_FUNDS], row[_ACCOUNT])
        for name in _COUNTED_IN[form.family_pay]:
            if name in row and _FAMILY in row:
                spelled[self._spell(name)] = _sum(row[name], row[_FAMILY])
        for name, other in form.added.items():
            if name in row and other not in spelled:
                spelled[other] = spelled[self._spell(name)]
        return spelled

    def _spell(self, name: str) -> str:
        other = self._form.renamed.get(name, name)
        if self._form.casing is Casing.CAMEL:
            other = camel(other)
        self._spelled[name] = other
        return other


_renderers: dict[str, Render | None] = {}


def renderer_of(dialect: Dialect) -> Render | None:
    """How a dialect spells answers; None when it does as the tables do."""
    if dialect.name not in _renderers:
        form = dialect.answers
        spells = (
            form.renamed
            or form.added
            or form.account_in_funds
            or form.family_pay is not FamilyPay.SEPARATE
            or form.casing is Casing.CAMEL
        )
        _renderers[dialect.name] = _Renderer(form) if spells else None
    return _renderers[dialect.name]


def _sum(one: Any, other: Any) -> Any:
    """The sum of two written amounts; what is not both an amount stays as it is."""
    if type(one) is Raw and type(other) is Raw:
        return amount(_fen(one) + _fen(other))
    return one


def _fen(written: Raw) -> int:
    return int(bytes(written).decode().replace(".", ""))
