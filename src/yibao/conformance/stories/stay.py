"""A stay from admission to settlement, with a return, and everything taken back again."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from yibao.conformance.judge import difference_faults, mirror_faults
from yibao.conformance.probe import Broken, Probe
from yibao.conformance.stories.bills import lines, priced_faults, sums

NUMBERS = (
    *("2401", "2403", "2301", "2302", "5303", "2402", "2303", "2304"),
    *("2305", "2405", "2404"),
)


async def stay(probe: Probe) -> None:
    """One stay; nothing is left of it, not even when a step goes wrong."""
    with probe.story(*NUMBERS):
        visit = await _admit(probe)
        own = {"mdtrt_id": visit, "psn_no": probe.psn_no}
        try:
            await _treat(probe, visit)
            await probe.done("2405", {"data": own})
            await probe.refused("2404", {"data": own}, "refuses while lines are there")
            await probe.done("2302", {"data": [{**own, "feedetl_sn": "0000"}]})
            await probe.done("2404", {"data": own})
        except Broken:
            await _take_back(probe, own)
            raise


async def _treat(probe: Probe, visit: str) -> None:
    results = await _charge(probe, visit)
    await _show(probe, visit)
    await _discharge(probe, visit)
    settled = await _settle(probe, visit, results)
    mirror = await probe.done(
        "2305",
        {"data": {"mdtrt_id": visit, "setl_id": settled["setl_id"], "psn_no": probe.psn_no}},
    )
    probe.check("2305", "is the exact mirror", mirror_faults(settled, mirror["setlinfo"]))


async def _take_back(probe: Probe, own: Mapping[str, str]) -> None:
    """What can be undone of a broken stay, unjudged: the person must not stay in hospital."""
    for number, content in (
        ("2405", {"data": own}),
        ("2302", {"data": [{**own, "feedetl_sn": "0000"}]}),
        ("2404", {"data": own}),
    ):
        await probe.hospital.call(number, content, insured_division=probe.insured_division)


async def _admit(probe: Probe) -> str:
    admission = _admission(probe)
    output = await probe.done("2401", admission)
    visit = str(output["result"]["mdtrt_id"])
    said = await probe.refused("2401", _admission(probe), "refuses a second open stay")
    code, name = probe.target.diagnosis
    told = [word for word in (code, name) if word in said]
    probe.check("2401", "does not tell the other stay's diagnosis", told)
    info = {
        name: value
        for name, value in admission["mdtrtinfo"].items()
        if name not in ("insutype", "ipt_no", "mdtrt_cert_no")
    }
    await probe.done(
        "2403",
        {
            "adminfo": {**info, "mdtrt_id": visit, "ipt_otp_no": probe.serial("Z")},
            "diseinfo": [{**probe.diagnosis(), "mdtrt_id": visit}],
        },
    )
    return visit


def _admission(probe: Probe) -> dict[str, Any]:
    code, name = probe.target.diagnosis
    return {
        "mdtrtinfo": {
            **probe.person,
            "begntime": probe.now(),
            "med_type": "21",
            "ipt_no": probe.serial("Z"),
            "atddr_no": "D990000000001",
            "chfpdr_name": "测试医生",
            "adm_diag_dscr": name,
            "adm_dept_codg": "A03",
            "adm_dept_name": "内科",
            "adm_bed": "01",
            "dscg_maindiag_code": code,
            "dscg_maindiag_name": name,
        },
        "diseinfo": [probe.diagnosis()],
    }


async def _charge(probe: Probe, visit: str) -> list[Mapping[str, Any]]:
    sent = [{**line, "med_type": "21"} for line in lines(probe, visit, "")]
    results = (await probe.done("2301", {"feedetail": sent}))["result"]
    probe.check("2301", "prices each line", priced_faults(sent, results))
    first = sent[0]
    back = {
        **first,
        "feedetl_sn": probe.serial("R"),
        "init_feedetl_sn": first["feedetl_sn"],
        "cnt": "-1",
        "det_item_fee_sumamt": f"-{Decimal(first['pric']):.2f}",
    }
    returned = (await probe.done("2301", {"feedetail": [back]}))["result"]
    probe.check("2301", "splits a return", priced_faults([back], returned))
    beyond = {**back, "feedetl_sn": probe.serial("R"), "cnt": "-9"}
    beyond["det_item_fee_sumamt"] = f"-{Decimal(first['pric']) * 9:.2f}"
    await probe.refused("2301", {"feedetail": [beyond]}, "refuses a return beyond what was charged")
    return [*results, *returned]


async def _show(probe: Probe, visit: str) -> None:
    output = await probe.done(
        "5303",
        {
            "data": {
                "psn_no": probe.psn_no,
                "begntime": f"{probe.today(1)} 00:00:00",
                "endtime": f"{probe.today()} 23:59:59",
            }
        },
    )
    rows = output.get("data", []) if isinstance(output, Mapping) else []
    found = [row for row in rows if row.get("mdtrt_id") == visit]
    probe.check("5303", "lists the open stay", () if found else ["the stay is not listed"])


async def _discharge(probe: Probe, visit: str) -> None:
    await probe.done(
        "2402",
        {
            "dscginfo": {
                "mdtrt_id": visit,
                "psn_no": probe.psn_no,
                "insutype": probe.target.person.scheme,
                "endtime": probe.now(),
                "dscg_dept_codg": "A03",
                "dscg_dept_name": "内科",
                "dscg_bed": "01",
                "dscg_way": "1",
            },
            "diseinfo": [{**probe.diagnosis(), "mdtrt_id": visit}],
        },
    )


async def _settle(probe: Probe, visit: str, results: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    bill = {
        **probe.person,
        "psn_setlway": "01",
        "mdtrt_id": visit,
        "acct_used_flag": "0",
        "mid_setl_flag": "0",
        **sums(results),
    }
    trial = (await probe.done("2303", {"data": bill}))["setlinfo"]
    output = await probe.done("2304", {"data": bill})
    settled: Mapping[str, Any] = output["setlinfo"]
    amounts = {name: settled.get(name) for name in trial if name.endswith(("_pay", "_sumamt"))}
    tried = {name: trial[name] for name in amounts}
    probe.check("2304", "is what its trial said", difference_faults(tried, amounts))
    return settled
