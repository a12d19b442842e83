"""An outpatient visit from registration to cancellation, a reply lost on the way, a reversal."""

from collections.abc import Mapping
from typing import Any

from yibao.conformance.judge import difference_faults, mirror_faults
from yibao.conformance.probe import Probe
from yibao.conformance.stories.bills import lines, priced_faults, sums

NUMBERS = (
    *("2201", "2202", "2203", "2204", "2205", "2206", "2207", "2208"),
    *("5201", "5202", "5203", "5204", "2601"),
)


async def outpatient(probe: Probe) -> None:
    """One bill settled and cancelled, one reversed; nothing is left of either."""
    with probe.story(*NUMBERS):
        outpatient_number = probe.serial("M")
        visit = await _open(probe, outpatient_number)
        bill = await _upload(probe, visit)
        settled = await _settle(probe, bill)
        await _query(probe, visit, settled)
        mirror = await probe.done(
            "2208",
            {"data": {"psn_no": probe.psn_no, "mdtrt_id": visit, "setl_id": settled["setl_id"]}},
        )
        probe.check("2208", "is the exact mirror", mirror_faults(settled, mirror["setlinfo"]))
        await _reverse(probe, bill)
        await probe.done(
            "2205",
            {"data": {"psn_no": probe.psn_no, "mdtrt_id": visit, "chrg_bchno": bill["chrg_bchno"]}},
        )
        await probe.done(
            "2202",
            {
                "data": {
                    "psn_no": probe.psn_no,
                    "mdtrt_id": visit,
                    "ipt_otp_no": outpatient_number,
                }
            },
        )


async def _open(probe: Probe, outpatient_number: str) -> str:
    output = await probe.done(
        "2201",
        {
            "data": {
                **probe.person,
                "begntime": probe.now(),
                "ipt_otp_no": outpatient_number,
                "atddr_no": "D990000000001",
                "dr_name": "测试医生",
                "dept_code": "A03",
                "dept_name": "内科",
                "caty": "A03",
            }
        },
    )
    visit = str(output["data"]["mdtrt_id"])
    await probe.done(
        "2203",
        {
            "mdtrtinfo": {
                "mdtrt_id": visit,
                "psn_no": probe.psn_no,
                "med_type": "11",
                "begntime": probe.now(),
                "main_cond_dscr": "测试",
            },
            "diseinfo": [probe.diagnosis()],
        },
    )
    return visit


async def _upload(probe: Probe, visit: str) -> dict[str, Any]:
    """Lines in a batch; ``data`` of the settlement that would settle it."""
    batch = probe.serial("B")
    sent = lines(probe, visit, batch)
    output = await probe.done("2204", {"feedetail": sent})
    probe.check("2204", "prices each line", priced_faults(sent, output["result"]))
    return {
        **probe.person,
        "med_type": "11",
        "psn_setlway": "01",
        "mdtrt_id": visit,
        "chrg_bchno": batch,
        "acct_used_flag": "0",
        **sums(output["result"]),
    }


async def _settle(probe: Probe, bill: Mapping[str, Any]) -> Mapping[str, Any]:
    wrong = {**bill, "medfee_sumamt": "999999.99"}
    await probe.refused("2207", {"data": wrong}, "refuses a total that is not that of the lines")
    trial = (await probe.done("2206", {"data": bill}))["setlinfo"]
    message_id = probe.hospital.new_message_id()
    output = await probe.done("2207", {"data": bill}, message_id=message_id)
    settled: Mapping[str, Any] = output["setlinfo"]
    amounts = {name: settled.get(name) for name in trial if name.endswith(("_pay", "_sumamt"))}
    tried = {name: trial[name] for name in amounts}
    probe.check("2207", "is what its trial said", difference_faults(tried, amounts))
    again = await probe.done("2207", {"data": bill}, message_id=message_id)
    probe.check("2207", "answers a repeated message alike", difference_faults(output, again))
    await probe.refused("2207", {"data": bill}, "does not settle a batch twice")
    return settled


async def _query(probe: Probe, visit: str, settled: Mapping[str, Any]) -> None:
    person = {"psn_no": probe.psn_no, "mdtrt_id": visit}
    span = {"begntime": f"{probe.today(1)} 00:00:00", "endtime": f"{probe.today()} 23:59:59"}
    listed = await probe.done("5201", {"data": {**person, **span, "med_type": "11"}})
    found = [row for row in listed.get("mdtrtinfo", []) if row.get("mdtrt_id") == visit]
    probe.check("5201", "lists the visit", () if found else ["the visit is not listed"])
    await probe.done("5202", {"data": person})
    shown = await probe.done("5203", {"data": {**person, "setl_id": settled["setl_id"]}})
    total = shown["setlinfo"].get("medfee_sumamt")
    probe.check("5203", "shows the bill", difference_faults(settled["medfee_sumamt"], total))
    rows = await probe.done("5204", {"data": {**person, "setl_id": settled["setl_id"]}})
    count = len(rows) if isinstance(rows, list) else 0
    probe.check(
        "5204",
        "lists the lines",
        () if count == len(probe.target.items) else [f"{count} lines"],
    )


async def _reverse(probe: Probe, bill: Mapping[str, Any]) -> None:
    """Settle again, reverse it twice; a message that never came; one that comes late."""
    message_id = probe.hospital.new_message_id()
    await probe.done("2207", {"data": bill}, message_id=message_id)
    reversal = {"psn_no": probe.psn_no, "omsgid": message_id, "oinfno": "2207"}
    await probe.done("2601", {"data": reversal})
    await probe.done("2601", {"data": reversal})
    lost = probe.hospital.new_message_id()
    await probe.done("2601", {"data": {**reversal, "omsgid": lost}})
    await probe.refused(
        "2207", {"data": bill}, "refuses a reversed message that comes late", message_id=lost
    )
