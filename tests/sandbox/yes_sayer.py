"""A platform that does whatever is asked: what a simulated institution sends can be seen there."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from aiohttp import web

from tests.sandbox.builders import mirrored, setlinfo
from yibao.sandbox.desk import Patient

PATIENT = Patient("1", "990000198001010019", "1", date(1980, 1, 1), "310", "110000")

TRIALS, SETTLEMENTS, CANCELLATIONS = ("2101", "2303"), ("2102", "2304"), ("2103", "2305")


class YesSayer:
    """Answers as a platform would that settles each bill at 100.00, and remembers what came."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Mapping[str, Any]]] = []
        self.settled: dict[str, Mapping[str, Any]] = {}
        """``setlinfo`` by ``setl_id``."""
        self.refuses: list[str] = []
        """Numbers that are refused once for each time they are named here."""

    async def answer(self, request: web.Request) -> web.Response:
        """One message."""
        message = json.loads(await request.read())
        number, content = message["infno"], message["input"]
        self.seen.append((number, content))
        if number in self.refuses:
            self.refuses.remove(number)
            return web.json_response({"infcode": 4006, "err_msg": "no"})
        return web.json_response({"infcode": 0, "output": self._output(number, content)})

    def sent(self, number: str) -> list[Mapping[str, Any]]:
        """The inputs of a transaction, in order."""
        return [content for name, content in self.seen if name == number]

    def _output(self, number: str, content: Mapping[str, Any]) -> Any:
        if number == "1101":
            return {"insuinfo": [{"insutype": PATIENT.scheme}]}
        if number == "2401":
            return {"result": {"mdtrt_id": f"v{len(self.seen)}"}}
        if number == "2301":
            amounts = [line["det_item_fee_sumamt"] for line in content["feedetail"]]
            return {"result": [{"det_item_fee_sumamt": a, "inscp_scp_amt": a} for a in amounts]}
        if number in (*TRIALS, *SETTLEMENTS):
            settled = self._settlement(content)
            if number in SETTLEMENTS:
                self.settled[settled["setl_id"]] = settled
            return {"setlinfo": settled}
        if number in CANCELLATIONS:
            mirror = mirrored(self.settled[content["data"]["setl_id"]])
            mirror["setl_id"] += "-"
            if number == "2103":  # it has a name of its own for cash
                mirror["cash_payamt"] = mirror.pop("psn_cash_pay")
            return {"setlinfo": mirror}
        return {}

    def _settlement(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """A purchase names no visit: one is made for it."""
        serial = f"s{len(self.seen)}"
        visit = content.get("data", {}).get("mdtrt_id", f"v{serial}")
        return {**setlinfo(setl_id=serial), "mdtrt_id": visit}
