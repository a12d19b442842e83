"""Persons whose bills the scalar engine decides, in their order and with counters carried on."""

from yibao.adjudication.bands import rounded
from yibao.adjudication.benefit import decide
from yibao.adjudication.columns.cases import name_of
from yibao.adjudication.columns.model import BillColumns
from yibao.adjudication.columns.rounds import Answer
from yibao.adjudication.columns.rows import bill_at
from yibao.adjudication.model import CounterKey
from yibao.kernel.refusals import Refused
from yibao.policy.model import Law


def decide_person(law: Law, bills: BillColumns, rows: range, answer: Answer) -> dict[int, str]:
    """Decide a person's bills, whatever stood in their rows of the answer; the rows refused."""
    history: dict[CounterKey, int] = {}
    refused: dict[int, str] = {}
    for row in rows:
        answer.clear(row)
        try:
            decision = decide(bill_at(bills, row, law.scheme), law, history, ())
        except Refused as refusal:
            refused[row] = name_of(refusal)
            continue
        statement = decision.statement
        answer.deductible[row] = statement.deductible
        answer.in_scope[row] = statement.sums.in_scope
        answer.hospital[row] = statement.hospital_part
        for payer in decision.payers:
            answer.payments[payer.found.path][row] = payer.amount
            answer.bases[payer.found.path][row] = rounded(payer.base)
        for key, moved in statement.counters:
            history[key] = history.get(key, 0) + moved
    return refused
