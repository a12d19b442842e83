"""Facts as nodes of an answer, in the interface's names, shaped by the field tables.

One builder a subject makes every field that the facts can fill; ``shaped`` then keeps what the
transaction's table lists and writes null for the rest, so that a client finds each field it knows.
The amounts keep the identities of ``docs/interface/README.md``: funds exclude the personal
account, and ``setldetail`` lists every payer but cash.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

from msgspec import Raw

from yibao.gateway.tables import tables
from yibao.gateway.writing import amount, flag, moment, price, quantity, ratio
from yibao.gateway.writing import day as written_day
from yibao.kernel.money import FULL_RATE, Rate, unscaled
from yibao.kernel.periods import age_on, business_date
from yibao.policy.terms import ItemClass
from yibao.registry.dictionaries.service import label
from yibao.registry.people.model import Insured
from yibao.registry.service import Reference
from yibao.settlement.clearing.service import clearing_class, clearing_office
from yibao.settlement.model import (
    Diagnosis,
    LineFacts,
    PaymentFacts,
    SettlementFacts,
    SettlementKind,
    VisitFacts,
    VisitKind,
)

Node = dict[str, Any]

POOLED_FUND = "hifp"
FUND_FIELDS = ("hifp", "cvlserv", "hifes", "hifmi", "hifob", "maf", "oth")
"""Amount fields of the funds that every settlement answer carries (``hifp_pay`` …)."""
SERVICEMEN_FUND = "hifdm"
"""Newer tables only; written when such a payment is there."""
_KNOWN_FUND_FIELDS = frozenset({*FUND_FIELDS, SERVICEMEN_FUND})
PERSONAL_ACCOUNT = "310200"
HOSPITAL_PART = "999996"

_PER_ITEM = "1"


# ------------------------------------------------------------------------------------------ shape


@cache
def _empty(number: str, node: str, *extra: str) -> Node:
    """The node with all its fields null."""
    table = tables().transactions[number]
    (found,) = (output for output in table.output if output.name == node)
    return dict.fromkeys((*(field.name for field in found.fields), *extra))


def shaped(number: str, node: str, values: Mapping[str, Any], *extra: str) -> Node:
    """The fields of a transaction's output node, and ``extra`` ones that clients are known to read.

    A field without a value is null.
    """
    empty = _empty(number, node, *extra)
    if values.keys() <= empty.keys():
        return {**empty, **values}
    return {name: values.get(name) for name in empty}


# ----------------------------------------------------------------------------------------- person


def person_fields(insured: Insured, day: date) -> Node:
    """Who the person is, with the age in completed years on ``day``."""
    identity = insured.identity
    return {
        "psn_no": insured.membership.number,
        "psn_cert_type": identity.document_type,
        "certno": identity.document_number,
        "psn_name": identity.name,
        "gend": identity.gender,
        "naty": identity.ethnicity,
        "brdy": written_day(identity.birth_date),
        "age": _age(identity.birth_date, day),
    }


def _age(birth: date, day: date) -> Raw:
    return Raw(unscaled(age_on(birth, day) * 10, 1))


# ------------------------------------------------------------------------------------------- line


def priced_fields(facts: LineFacts) -> Node:
    """What pricing made of a fee line: ceiling, self-pay ratio, class and the four parts."""
    line = facts.line
    own_expense = facts.item_class is ItemClass.C
    return {
        "feedetl_sn": line.serial,
        "det_item_fee_sumamt": amount(line.amount),
        "cnt": quantity(line.quantity),
        "pric": price(line.price),
        "pric_uplmt_amt": price(facts.ceiling),
        "selfpay_prop": ratio(FULL_RATE if own_expense else facts.first_pay_rate),
        "fulamt_ownpay_amt": amount(facts.own),
        "overlmt_amt": amount(facts.over_limit),
        "preselfpay_amt": amount(facts.first_pay),
        "inscp_scp_amt": amount(facts.in_scope),
        "chrgitm_lv": facts.item_class.value,
        "med_chrgitm_type": facts.charge_type,
        "lmt_used_flag": flag(facts.restricted),
        "drt_reim_flag": "0",
        "list_sp_item_flag": "0",
    }


def line_fields(facts: LineFacts) -> Node:
    """A fee line as it was sent and priced."""
    line = facts.line
    return {
        **priced_fields(facts),
        "chrg_bchno": line.batch,
        "med_list_codg": line.item,
        "medins_list_codg": line.institution_item,
        "hilist_code": line.item,
        "hilist_name": facts.item_name,
        "fee_ocur_time": moment(line.time),
        "hosp_appr_flag": line.approval,
    }


# ------------------------------------------------------------------------------------- settlement


def settlement_fields(facts: SettlementFacts, reference: Reference) -> Node:
    """A settlement, its trial or its mirror: amounts, kinds and where it is cleared."""
    sums = facts.sums
    cash = amount(facts.cash)
    fields: Node = {
        "mdtrt_id": facts.visit.text(),
        "setl_id": None if facts.key is None else facts.key.text(),
        "psn_no": facts.member,
        "insutype": facts.scheme,
        "psn_type": facts.person_type,
        "cvlserv_flag": flag(facts.civil_servant),
        "setl_time": moment(facts.settled_at),
        "mdtrt_cert_type": facts.voucher_type,
        "med_type": facts.care_kind,
        "medfee_sumamt": amount(sums.total),
        "fulamt_ownpay_amt": amount(sums.own),
        "overlmt_selfpay": amount(sums.over_limit),
        "preselfpay_amt": amount(sums.first_pay),
        "inscp_scp_amt": amount(sums.in_scope),
        "act_pay_dedc": amount(facts.deductible),
        "pool_prop_selfpay": ratio(_pooled_ratio(facts)),
        "fund_pay_sumamt": amount(facts.funds),
        "psn_part_amt": amount(facts.personal),
        "psn_pay": amount(facts.personal),
        "acct_pay": amount(facts.account),
        "psn_cash_pay": cash,
        "pdn_cash_pay": cash,
        "cash_payamt": cash,
        "hosp_part_amt": amount(facts.hospital_part),
        "balc": amount(facts.balance),
        "acct_mulaid_pay": amount(facts.family),
        "medins_setl_id": facts.message_id,
        "invono": facts.invoice,
        "refd_setl_flag": flag(facts.kind is SettlementKind.CANCELLATION),
        "clr_optins": clearing_office(
            reference.directory, facts.institution, facts.day, facts.care_division
        ),
        "clr_way": _PER_ITEM,
        "clr_type": clearing_class(facts.care_kind),
    }
    fields.update(_fund_fields(facts.payments))
    return fields


def _fund_fields(payments: Iterable[PaymentFacts]) -> Node:
    paid = dict.fromkeys(FUND_FIELDS, 0)
    for payment in payments:
        name = payment.amount_field if payment.amount_field in _KNOWN_FUND_FIELDS else "oth"
        paid[name] = paid.get(name, 0) + payment.amount
    return {f"{name}_pay": amount(fen) for name, fen in paid.items()}


def _pooled_ratio(facts: SettlementFacts) -> Rate:
    """The pooled fund's ratio where one decided, else what it came to; informative only."""
    base = sum(payment.base for payment in facts.payments if payment.amount_field == POOLED_FUND)
    paid = sum(payment.amount for payment in facts.payments if payment.amount_field == POOLED_FUND)
    return Rate(abs(paid), abs(base)) if base else Rate(0)


def payer_rows(facts: SettlementFacts) -> list[Node]:
    """``setldetail``: every payer but cash; Σ = funds + personal accounts + hospital part.

    What relatives' accounts pay is a row of its own, of the same kind as the own account's.
    """
    rows = [_fund_row(facts, payment) for payment in facts.payments if payment.amount]
    if facts.account:
        rows.append(_payer_row(facts, PERSONAL_ACCOUNT, facts.account, facts.account))
    if facts.family:
        row = _payer_row(facts, PERSONAL_ACCOUNT, facts.family, facts.family)
        row["setl_proc_info"] = "家庭共济账户支付"
        rows.append(row)
    if facts.hospital_part:
        rows.append(_payer_row(facts, HOSPITAL_PART, facts.hospital_part, facts.hospital_part))
    return rows


def _fund_row(facts: SettlementFacts, payment: PaymentFacts) -> Node:
    limit = payment.base if payment.available is None else payment.available
    row = _payer_row(facts, payment.fund, payment.amount, limit)
    rate = f"，比例{payment.rate}" if payment.rate else ""
    base, paid = unscaled(payment.base, 2), unscaled(payment.amount, 2)
    row["setl_proc_info"] = f"计算基数{base}元{rate}，支付{paid}元"
    return row


def _payer_row(facts: SettlementFacts, fund: str, paid: int, limit: int) -> Node:
    return {
        "fund_pay_type": fund,
        "inscp_scp_amt": amount(facts.sums.in_scope),
        "crt_payb_lmt_amt": amount(limit),
        "fund_payamt": amount(paid),
        "fund_pay_type_name": fund_name(fund),
        "setl_proc_info": None,
    }


def fund_name(fund: str) -> str | None:
    """The Chinese name of a fund."""
    return label("fund_pay_type", fund)


def settlement_output(
    number: str, facts: SettlementFacts, insured: Insured | None, reference: Reference
) -> Node:
    """``output`` of a settlement transaction: ``setlinfo`` and ``setldetail``."""
    values = settlement_fields(facts, reference)
    if insured is not None:
        values.update(person_fields(insured, facts.day))
    extra = ["hifdm_pay"] if "hifdm_pay" in values else []
    if number == "2208":
        extra.append("psn_cash_pay")  # its table has the name misspelt; readers expect either
    return {
        "setlinfo": shaped(number, "setlinfo", values, *extra),
        "setldetail": payer_rows(facts),
    }


# ------------------------------------------------------------------------------------------ visit


def visit_fields(visit: VisitFacts) -> Node:
    """A visit as 5201 lists it; a stay's end is its discharge, null while the person is in."""
    is_stay = visit.kind is VisitKind.STAY
    end = visit.end if is_stay else visit.begin
    return {
        **visit.details,
        "mdtrt_id": visit.key.text(),
        "psn_no": visit.member,
        "insutype": visit.scheme,
        "begntime": moment(visit.begin),
        "endtime": None if end is None else moment(end),
        "mdtrt_cert_type": visit.voucher_type,
        "med_type": visit.care_kind,
        "ipt_otp_no": visit.outpatient_number,
        "atddr_no": visit.doctor_code,
        "chfpdr_name": visit.doctor_name,
        "adm_dept_codg": visit.department_code,
        "adm_dept_name": visit.department_name,
        "main_cond_dscr": visit.condition,
        "dise_codg": visit.disease_code,
        "dise_name": visit.disease_name,
        "otp_diag_info": None if is_stay else _named(visit.diagnoses),
        "die_date": written_day(visit.died_on),
        "inhosp_stas": flag(visit.end is None) if is_stay else None,
        "ipt_days": _days(visit) if is_stay else None,
        **visit.maternity,
    }


def _named(diagnoses: Iterable[Diagnosis]) -> str | None:
    return "；".join(diagnosis.name for diagnosis in diagnoses)[:200] or None


def _days(visit: VisitFacts) -> int | None:
    """Days in hospital: nights, and one for whoever leaves on the day of admission."""
    if visit.end is None:
        return None
    return max((business_date(visit.end) - business_date(visit.begin)).days, 1)
