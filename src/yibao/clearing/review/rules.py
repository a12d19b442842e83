"""How a claim is divided. Pure."""

from collections.abc import Mapping, Sequence

from yibao.clearing.review.model import Deduction, Granted, ReviewApplication
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, Rate, share, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.model import (
    Entry,
    advanced_account,
    claimed_account,
    deducted_account,
    payable_account,
    withheld_account,
)
from yibao.settlement.clearing.model import Application, ClaimedFigures
from yibao.settlement.reconciliation.model import Booking


def granted(
    request: ReviewApplication, figures: ClaimedFigures, rate: Rate, outstanding: Fen
) -> Granted:
    """The claim less deductions and retention; ``outstanding`` is the advance not taken back.

    The retention is a share of the funds that are granted: what personal accounts paid is the
    people's money and is never kept back. Refused when there is not that much to deduct or set off.
    """
    deducted = sum(deduction.amount for deduction in request.deductions)
    if deducted > 0 and deducted > max(0, figures.claimed):
        raise _exceeds("扣款合计", deducted, "申报应付", figures.claimed, "deductions")
    withheld = share(max(0, figures.funds - deducted), rate)
    payable = figures.claimed - deducted - withheld
    if request.set_off > max(0, payable):
        raise _exceeds("冲抵预付金", request.set_off, "审核应付", payable, "set_off")
    if request.set_off > outstanding:
        raise _exceeds("冲抵预付金", request.set_off, "未冲抵预付金余额", outstanding, "set_off")
    return Granted(figures.claimed, deducted, withheld, payable, request.set_off, rate)


def claims(bills: Sequence[Booking]) -> dict[str, Fen]:
    """What each bill claims, by number; one that is cancelled beside it claims nothing."""
    found = {bill.settlement: bill.claimed for bill in bills}
    for bill in bills:
        original = None if bill.mirrors is None else bill.mirrors.text()
        if bill.refund and original in found:
            found[original] += bill.claimed
    return found


def given_back(bills: Sequence[Booking], deducted: Mapping[PoolKey, Fen]) -> tuple[Deduction, ...]:
    """What was deducted of bills that these cancel, taken off again: nothing was paid of it."""
    return tuple(
        Deduction(-deducted[bill.mirrors], GIVEN_BACK, bill.key)
        for bill in bills
        if bill.refund and bill.mirrors is not None and deducted.get(bill.mirrors)
    )


GIVEN_BACK = "原结算已撤销，退还审核扣款"
"""Reason of a deduction that is taken off again."""


def check_deductions(deductions: Sequence[Deduction], claims: Mapping[str, Fen]) -> None:
    """Every deduction names a bill of the application, and takes no more than it claims.

    ``claims``: what each of the application's bills claims, by the text of its number.
    """
    taken: dict[str, Fen] = {}
    for deduction in deductions:
        if deduction.settlement is None:
            continue
        settlement = deduction.settlement.text()
        if settlement not in claims:
            raise Refused(
                RefusalCode.SETTLEMENT_UNKNOWN,
                f"扣款所指结算{settlement}不在该清算申请之内",
                "deductions",
            )
        taken[settlement] = taken.get(settlement, 0) + deduction.amount
        if taken[settlement] > claims[settlement]:
            raise _exceeds(
                f"结算{settlement}的扣款",
                taken[settlement],
                "该笔应付",
                claims[settlement],
                "deductions",
            )


def check_unchanged(application: Application, figures: ClaimedFigures) -> None:
    """What is booked now must be what was applied for: a late reversal may have changed it."""
    if figures != application.figures:
        raise Refused(
            RefusalCode.FIGURES_DIFFER,
            f"申请后账目有变：申请时应付{yuan(application.figures.claimed)}、"
            f"{application.figures.visits}人次，现为{yuan(figures.claimed)}、{figures.visits}人次；"
            "请退回，由机构重新申请",
            "application",
        )


def entries(institution: str, granted: Granted) -> tuple[Entry, ...]:
    """The claim is over: it is payable, kept back or deducted; an advance is taken back of it."""
    return tuple(
        entry
        for entry in (
            Entry(claimed_account(institution), -granted.claimed),
            Entry(deducted_account(institution), granted.deducted),
            Entry(withheld_account(institution), granted.withheld),
            Entry(advanced_account(institution), granted.set_off),
            Entry(payable_account(institution), granted.due),
        )
        if entry.amount
    )


def _exceeds(what: str, amount: Fen, limit: str, available: Fen, field: str) -> Refused:
    return Refused(
        RefusalCode.AMOUNT_EXCEEDS, f"{what}{yuan(amount)}超过{limit}{yuan(available)}", field
    )
