"""Everything that a hospital does in a day, as it was sent: what a neighbour may try to get at."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.gateway.builders import Counter, Json
from tests.gateway.stays import admitted
from tests.gateway.test_audit import asked as to_be_audited
from tests.gateway.test_audit import encounter, order
from tests.gateway.test_every_transaction import naming
from tests.gateway.test_filing import FILINGS, UNDO
from tests.gateway.test_institutions import uploaded as department
from tests.gateway.test_inventory import bought, goods, sold
from tests.gateway.test_mapping import row as mapping
from tests.gateway.test_mobile_payment import Order, ordered
from tests.gateway.test_prescriptions import checked, uploaded
from tests.gateway.test_reconciliation import Day
from tests.gateway.test_self_paid import asked, line, lines, visit_of
from tests.gateway.test_settlement_list import settled
from yibao.gateway.dispatch import offered
from yibao.gateway.examples import example
from yibao.platform.files.service import packed

QUERIES = ("5102", "5103", "5201", "5202", "5203", "5204", "5205", "5206", "5301", "5302", "5304")


@dataclass
class Sent:
    """A message that was done, and what it answered."""

    number: str
    content: Json
    output: Any


@dataclass
class Recording(Counter):
    """A counter that keeps what was done over it."""

    sent: list[Sent] = field(default_factory=list)

    async def call(self, number: str, content: Any, **rest: Any) -> Json:
        """Send a message; keep it when it was done."""
        answer = await super().call(number, content, **rest)
        if answer["infcode"] == 0:
            self.sent.append(Sent(number, content, answer["output"]))
        return answer


@dataclass
class Life:
    """What a hospital and its patients have, by the fields that name it."""

    counter: Recording
    named: dict[str, str]

    @property
    def sent(self) -> list[Sent]:
        """All that was done, in order."""
        return self.counter.sent


async def life_of(counter: Counter) -> Life:
    """A day at the counter's hospital, with nothing left out that it can do."""
    own = Recording(counter.gateway, counter.town, counter.institution)
    bill = await settled(own)
    member, visit = bill.member, bill.visit
    listed = await bill.upload()
    await bill.show()
    await bill.findings()
    document = own.town.documents[member]
    issued = await own.done("7101", uploaded(own, member, visit))
    signing = (await own.done("D001", checked(own, member, visit)))["data"]
    paying = Order(own, member, await own.done("6201", ordered(own, member)))
    await own.done("6202", paying.paying())
    await own.done("6301", paying.asked())
    await own.done("6203", paying.refund("2.30"))
    await own.done("4202", visit_of())
    await own.done("4201A", lines(line("1"), line("2")))
    for number in ("4207", "4208", "4209"):
        await own.done(number, asked())
    audited = (await own.done("3101", to_be_audited(encounter(own, order()))))["result"]
    filed = {
        number: (await own.done(number, content(member)))["result"]["trt_dcla_detl_sn"]
        for number, content in FILINGS.items()
    }
    await own.done("3401", department())
    await own.done("3301", {"data": [mapping()]})
    await own.done("3501", {"invinfo": goods(invdate="2026-07-14", inv_cnt="2.00")})
    await own.done("3503", {"purcinfo": bought()})
    await own.done("3505", {"selinfo": sold()})
    day = Day(own)
    await day.bill("100")
    await own.call("3201", day.totals())
    file = await own.upload("day.zip", packed("day.txt", b"of the hospital alone"))
    signed = (await own.done("9001", example("9001")))["signinoutb"]["sign_no"]
    stay = await admitted(own)
    await stay.charge(stay.fee("1", "100"))
    await own.done("5303", {"data": {"begntime": "2026-07-01", "endtime": "2026-07-31"}})
    named = {
        "psn_no": member,
        "psnNo": member,
        "mdtrt_id": visit,
        "mdtrtId": visit,
        "setl_id": bill.settlement,
        "setlId": bill.settlement,
        "certno": document,
        "mdtrt_cert_no": document,
        "idNo": document,
        "psn_name": "测试",
        "userName": "测试",
        "fixmedins_code": own.institution,
        "fixmedinsCode": own.institution,
        "orgCodg": own.institution,
        "med_list_codg": "XA01",
        "medListCodg": "XA01",
        "setl_list_id": listed,
        "hi_rxno": issued["hi_rxno"],
        "hiRxno": issued["hi_rxno"],
        "epc_qrcd": issued["epc_qrcd"],
        "rxTraceCode": signing["rxTraceCode"],
        **paying.named,
        "file_qury_no": file,
        "sign_no": signed,
        "fixmedins_mdtrt_id": "V1",
        "fixmedins_bchno": "S1",
        "trt_dcla_detl_sn": filed["2503"],
        "jr_id": audited[0]["jr_id"],
    }
    for number in QUERIES:
        with suppress(AssertionError):
            await own.done(number, naming(example(number), named))
    for number in offered():  # whatever else works with these names, as it stands in the reference
        if number not in UNDOING and number != "9102":
            await own.call(number, naming(example(number), named))
    for number, undo in UNDO.items():
        named[undo] = filed[number]
    return Life(own, named)


UNDOING = frozenset(
    {"2202", "2205", "2208", "2302", "2305", "2404", "2405", "2601", "3204", "3507", "3507A"}
    | {"4204", "4205", "4206", "6401", "7104", "D003", "D004", "9002", "2502", "2504", "2506"}
    | {"2508", "2304", "2402", "3302", "3403", "2303"}
)
"""What would take away what a neighbour is to try to get at."""
