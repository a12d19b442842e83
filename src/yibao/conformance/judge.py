"""What an answer must look like: envelope, nodes and fields, identities of amounts. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from yibao.gateway.tables import Node, tables

FUNDS = ("hifp", "cvlserv", "hifes", "hifmi", "hifob", "hifdm", "maf", "oth")
_FOUR_PARTS = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")


def envelope_faults(envelope: Mapping[str, Any]) -> Iterator[str]:
    """What is missing or misshapen in an answer's envelope (SPEC of the interface, section 3)."""
    if "infcode" not in envelope:
        yield "infcode is absent"
    if "output" not in envelope:
        yield "output is absent; it is null when there is nothing"
    message = envelope.get("inf_refmsgid")
    if not isinstance(message, str) or not message:
        yield "inf_refmsgid is absent"
    elif len(message) > 30:
        yield f"inf_refmsgid has {len(message)} characters, at most 30"
    for name in ("refmsg_time", "respond_time"):
        value = envelope.get(name)
        if value and not (isinstance(value, str) and value.isdigit() and len(value) == 17):
            yield f"{name} is {value!r}, not yyyyMMddHHmmssSSS"


def output_faults(number: str, output: Any) -> Iterator[str]:
    """Nodes and fields of the transaction's table that a successful answer lacks."""
    table = tables().find(number)
    for node in () if table is None else table.output:
        if "(" in node.name:  # a list or fields directly below output, or a name that is not sure
            continue
        found = output.get(node.name) if isinstance(output, Mapping) else None
        if found is None and not node.many:
            yield f"output.{node.name} is absent"
        rows = found if isinstance(found, list) else [found]
        for row in rows[:1]:
            if isinstance(row, Mapping):
                yield from _field_faults(node, row)


def _field_faults(node: Node, row: Mapping[str, Any]) -> Iterator[str]:
    for field in node.fields:
        if not field.enforced:
            continue
        if row.get(field.name) in (None, ""):
            yield f"output.{node.name}.{field.name} ({field.label}) is empty"
        elif field.kind == "N" and _decimal(row[field.name]) is None:
            yield f"output.{node.name}.{field.name} is {row[field.name]!r}, no number"


def identity_faults(settlement: Mapping[str, Any]) -> Iterator[str]:
    """Identities of a settlement's amounts that do not hold; absent amounts count as nothing.

    Whether the personal account counts into the funds differs by province, and either is right.
    """
    value = {name: _decimal(raw) or Decimal(0) for name, raw in settlement.items()}

    def amount(*names: str) -> Decimal:
        return next((value[name] for name in names if name in value), Decimal(0))

    total, funds = amount("medfee_sumamt"), amount("fund_pay_sumamt")
    account, cash = amount("acct_pay"), amount("psn_cash_pay", "cash_payamt", "pdn_cash_pay")
    family = amount("acct_mulaid_pay")
    hospital = amount("hosp_part_amt", "ownpay_hosp_part")
    parts = sum((amount(name) for name in _FOUR_PARTS), Decimal(0))
    if total != parts:
        yield f"medfee_sumamt {total} is not the sum of its four parts {parts}"
    paid = sum((amount(f"{fund}_pay") for fund in FUNDS), Decimal(0)) + (
        amount("othfund_pay") if "oth_pay" not in value else Decimal(0)
    )
    if funds not in (paid, paid + account):
        yield f"fund_pay_sumamt {funds} is not the sum of the funds {paid}"
    if total != paid + account + family + cash + hospital:
        yield f"medfee_sumamt {total} is not what all who pay pay together"
    for name in ("fund_pay_sumamt", "acct_pay"):
        if value.get(name, Decimal(0)) * total < 0:
            yield f"{name} {value[name]} has another sign than the total {total}"


def mirror_faults(settlement: Mapping[str, Any], mirror: Mapping[str, Any]) -> Iterator[str]:
    """Amounts of a cancellation that are not the negative of its settlement's."""
    for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "inscp_scp_amt", "hifp_pay"):
        one, other = _decimal(settlement.get(name)), _decimal(mirror.get(name))
        if one is not None and other is not None and one != -other:
            yield f"{name} is {other}, not {-one}"
    if settlement.get("setl_id") == mirror.get("setl_id"):
        yield "setl_id of the cancellation is that of the settlement"


def difference_faults(one: Any, other: Any, where: str = "output") -> Iterator[str]:
    """Values in which two answers differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in one.keys() | other.keys():
            yield from difference_faults(one.get(name), other.get(name), f"{where}.{name}")
    elif one != other:
        yield f"{where} was {one!r} and is {other!r}"


def _decimal(raw: Any) -> Decimal | None:
    if raw is None or isinstance(raw, bool):
        return None
    try:
        return Decimal(str(raw))
    except InvalidOperation:
        return None
