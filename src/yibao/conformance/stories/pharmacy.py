"""A purchase at a pharmacy, tried, made and cancelled."""

from decimal import Decimal

from yibao.conformance.judge import mirror_faults
from yibao.conformance.probe import Probe
from yibao.conformance.stories.bills import lines

NUMBERS = ("2101", "2102", "2103")


async def pharmacy(probe: Probe) -> None:
    """One purchase; nothing is left of it."""
    shop = probe.pharmacy
    if shop is None:
        for number in NUMBERS:
            probe.report.not_tried[number] = "the target names no pharmacy"
        return
    with probe.story(*NUMBERS):
        sold = [
            {**line, "rxno": "", "tcmdrug_used_way": ""} for line in lines(probe, "", "", count=1)
        ]
        total = sum(Decimal(line["det_item_fee_sumamt"]) for line in sold)
        purchase = {
            "druginfo": {
                **probe.person,
                "begntime": probe.now(),
                "medfee_sumamt": f"{total:.2f}",
                "acct_used_flag": "1",
                "med_type": "41",
            },
            "drugdetail": sold,
        }
        await probe.done("2101", purchase, client=shop, as_listed=False)
        settled = (await probe.done("2102", purchase, client=shop))["setlinfo"]
        mirror = await probe.done(
            "2103",
            {
                "data": {
                    "setl_id": settled["setl_id"],
                    "mdtrt_id": settled["mdtrt_id"],
                    "psn_no": probe.psn_no,
                }
            },
            client=shop,
        )
        probe.check("2103", "is the exact mirror", mirror_faults(settled, mirror["setlinfo"]))
