"""A hospital's counter that speaks the interface to a gateway over the settlement tests' town."""

import base64
import io
import json
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from tests.settlement.builders import ALWAYS, BEIJING, POOL, TERTIARY, Town, laws_of_beijing
from yibao.gateway.asgi import Gateway
from yibao.gateway.authentication import SignedDoor, tif_signature
from yibao.gateway.context import Context
from yibao.house import handlers_beside_settlement
from yibao.inventory.bills import Bills
from yibao.platform.commands.service import Commands
from yibao.platform.commands.shared_reads import SharedReads
from yibao.registry.institutions import service as institutions
from yibao.registry.institutions.model import HeaderFamily, PoolDivision, Sender
from yibao.registry.service import ReferenceCache
from yibao.settlement.elsewhere.service import AcrossPools
from yibao.settlement.service import REQUESTS

ACCOUNT, SECRET = "vendor-1", "not-a-real-secret"
SERVICE_PATH = "/fsi/api/rsfComIfsService/callService"

Json = dict[str, Any]


@dataclass
class Counter:
    """One hospital's counter: signs, sends over ASGI, reads."""

    gateway: Gateway
    town: Town
    institution: str = TERTIARY
    address: str = "10.0.0.1"
    """Where its calls come from."""
    _messages: "count[int]" = field(default_factory=lambda: count(1))

    # ------------------------------------------------------------------------------------- calls

    async def call(
        self,
        number: str,
        content: Any,
        *,
        message: str | None = None,
        path: str = SERVICE_PATH,
        **envelope: Any,
    ) -> Json:
        """Send a message and return the whole answer."""
        sent = self.envelope(number, content, message=message) | envelope
        return await self.post(json.dumps(sent, ensure_ascii=False).encode(), path=path)

    async def done(self, number: str, content: Any, **rest: Any) -> Any:
        """Send a message that must succeed, and return its output."""
        answer = await self.call(number, content, **rest)
        assert answer["infcode"] == 0, answer
        return answer["output"]

    async def refused(self, number: str, content: Any, **rest: Any) -> tuple[int, str]:
        """Send a message that must be refused; return code and text."""
        answer = await self.call(number, content, **rest)
        assert answer["infcode"] > 0, answer
        assert answer["output"] is None
        return answer["infcode"], answer["err_msg"]

    def envelope(self, number: str, content: Any, *, message: str | None = None) -> Json:
        """The envelope of a message."""
        return {
            "infno": number,
            "msgid": message or self.message_id(),
            "mdtrtarea_admvs": "110000",
            "insuplc_admdvs": "",
            "recer_sys_code": "YBXT",
            "dev_no": "",
            "dev_safe_info": "",
            "cainfo": "",
            "signtype": "",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "0001",
            "opter_name": "收费员",
            "inf_time": "2026-07-15 12:00:00",
            "fixmedins_code": self.institution,
            "fixmedins_name": "测试医院",
            "sign_no": "",
            "input": content,
        }

    def message_id(self) -> str:
        """A message id that was not used."""
        return f"{self.institution}20260715120000{next(self._messages):04d}"

    def headers(self) -> dict[str, str]:
        """Signed headers, each time with another nonce."""
        timestamp = str(int(self.town.clock.now().timestamp()))
        nonce = f"n{next(self._messages)}"
        return {
            "x-tif-paasid": ACCOUNT,
            "x-tif-timestamp": timestamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": tif_signature(timestamp, SECRET, nonce),
        }

    async def post(
        self,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        path: str = SERVICE_PATH,
        method: str = "POST",
        chunk: int = 1 << 16,
    ) -> Json:
        """One HTTP request to the ASGI application; the answer must be 200 and an envelope."""
        kind, content = await self.exchange(
            body, headers=headers, path=path, method=method, chunk=chunk
        )
        assert kind == "application/json; charset=utf-8"
        answer: Json = json.loads(content, parse_float=Decimal)
        assert {"infcode", "inf_refmsgid", "refmsg_time", "respond_time", "err_msg"} <= set(answer)
        assert "output" in answer
        return answer

    async def exchange(
        self,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        path: str = SERVICE_PATH,
        method: str = "POST",
        chunk: int = 1 << 16,
    ) -> tuple[str, bytes]:
        """One HTTP request; content type and body of the answer, which must be 200."""
        sent = [body[i : i + chunk] for i in range(0, len(body), chunk)] or [b""]
        answered: list[Any] = []

        async def receive() -> Json:
            piece = sent.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(sent)}

        async def send(message: Any) -> None:
            answered.append(message)

        given = self.headers() if headers is None else headers
        lengths = {"content-length": str(len(body))} if len(sent) == 1 else {}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "client": (self.address, 40_000),
            "headers": [
                (name.encode(), value.encode("latin-1"))
                for name, value in {**lengths, **given}.items()
            ],
        }
        await self.gateway(scope, receive, send)
        start, end = answered
        assert start["status"] == 200
        return dict(start["headers"])[b"content-type"].decode(), end["body"]

    # ------------------------------------------------------------------------------------- files

    async def upload(self, name: str, content: bytes) -> str:
        """Send a file by 9101; its ``file_qury_no``."""
        output = await self.done("9101", self.file(name, content))
        number: str = output["file_qury_no"]
        return number

    def file(self, name: str, content: bytes) -> Json:
        """``input`` of 9101."""
        sent = base64.b64encode(content).decode()
        return {"fsUploadIn": {"in": sent, "filename": name, "fixmedins_code": self.institution}}

    def wanted(self, number: str, name: str = "plc") -> Json:
        """``input`` of 9102."""
        wanted = {"file_qury_no": number, "filename": name, "fixmedins_code": self.institution}
        return {"fsDownloadIn": wanted}

    async def download(self, number: str) -> bytes:
        """Fetch a file by 9102."""
        message = self.envelope("9102", self.wanted(number))
        kind, content = await self.exchange(json.dumps(message).encode())
        assert kind == "application/octet-stream", content
        return content

    async def table(self, number: str) -> list[list[str]]:
        """Fetch a ZIP with one TXT by 9102; its rows and columns."""
        with zipfile.ZipFile(io.BytesIO(await self.download(number))) as archive:
            (name,) = archive.namelist()
            text = archive.read(name).decode()
        return [line.split("\t") for line in text.splitlines()]

    # ------------------------------------------------------------------------------------- input

    def registration(self, member: str, **changes: Any) -> Json:
        """``input`` of 2201."""
        data = {
            "psn_no": member,
            "insutype": "310",
            "begntime": "2026-07-15 12:00:00",
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self.town.documents.get(member, "990101198001010001"),
            "ipt_otp_no": "MZ0001",
            "atddr_no": "D110000001",
            "dr_name": "医师甲",
            "dept_code": "0300",
            "dept_name": "内科",
            "caty": "A03",
        }
        return {"data": data | changes}

    def description(self, member: str, visit: str) -> Json:
        """``input`` of 2203."""
        return {
            "mdtrtinfo": {
                "mdtrt_id": visit,
                "psn_no": member,
                "med_type": "11",
                "begntime": "2026-07-15 12:00:00",
                "main_cond_dscr": "咳嗽",
            },
            "diseinfo": [
                {
                    "diag_type": "1",
                    "diag_srt_no": 1,
                    "diag_code": "J06.900",
                    "diag_name": "感冒",
                    "diag_dept": "内科",
                    "dise_dor_no": "D110000001",
                    "dise_dor_name": "医师甲",
                    "diag_time": "2026-07-15 12:05:00",
                    "vali_flag": "1",
                }
            ],
        }

    def fee(
        self,
        member: str,
        visit: str,
        serial: str,
        price: str,
        *,
        item: str = "XA01",
        count_: str = "1",
        batch: str = "B1",
        **changes: Any,
    ) -> Json:
        """One row of 2204's ``feedetail``."""
        amount = (Decimal(price) * Decimal(count_)).quantize(Decimal("0.01"))
        row = {
            "feedetl_sn": serial,
            "mdtrt_id": visit,
            "psn_no": member,
            "chrg_bchno": batch,
            "rx_circ_flag": "0",
            "fee_ocur_time": "2026-07-15 12:10:00",
            "med_list_codg": item,
            "medins_list_codg": f"H-{item}",
            "det_item_fee_sumamt": str(amount),
            "cnt": count_,
            "pric": price,
            "bilg_dept_codg": "0300",
            "bilg_dept_name": "内科",
            "bilg_dr_codg": "D110000001",
            "bilg_dr_name": "医师甲",
            "hosp_appr_flag": "0",
        }
        return row | changes

    def settlement(
        self,
        member: str,
        visit: str,
        results: list[Json],
        *,
        batch: str = "B1",
        with_sums: bool = True,
        **changes: Any,
    ) -> Json:
        """``input`` of 2206 or 2207: the sums of 2204's answers handed back."""

        def total(name: str) -> str:
            return str(sum((Decimal(row[name]) for row in results), Decimal("0.00")))

        data: Json = {
            "psn_no": member,
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self.town.documents.get(member, "?"),
            "med_type": "11",
            "medfee_sumamt": total("det_item_fee_sumamt"),
            "psn_setlway": "01",
            "mdtrt_id": visit,
            "chrg_bchno": batch,
            "insutype": "310",
            "acct_used_flag": "1",
        }
        if with_sums:
            data |= {
                "fulamt_ownpay_amt": total("fulamt_ownpay_amt"),
                "overlmt_selfpay": total("overlmt_amt"),
                "preselfpay_amt": total("preselfpay_amt"),
                "inscp_scp_amt": total("inscp_scp_amt"),
            }
        return {"data": data | changes}

    # ------------------------------------------------------------------------------------ visits

    async def open_visit(self, member: str) -> str:
        """Register and describe a visit; its ``mdtrt_id``."""
        output = await self.done("2201", self.registration(member))
        visit: str = output["data"]["mdtrt_id"]
        await self.done("2203", self.description(member, visit))
        return visit

    async def charge(
        self, member: str, visit: str, *fees: tuple[str, str], batch: str = "B1"
    ) -> list[Json]:
        """Upload lines of (item, price); the priced lines."""
        rows = [
            self.fee(member, visit, f"{batch}-{place}", price, item=item, batch=batch)
            for place, (item, price) in enumerate(fees)
        ]
        output = await self.done("2204", {"feedetail": rows})
        priced: list[Json] = output["result"]
        return priced


@asynccontextmanager
async def counter(town: Town) -> AsyncIterator[Counter]:
    """A gateway over the town, and the tertiary hospital's counter before it."""
    now = town.clock.now() - timedelta(days=1)
    async with town.database.writer() as connection, connection.transaction():
        await institutions.assign_divisions(
            connection, [PoolDivision(BEIJING, POOL, ALWAYS)], now=now
        )
        codes = await connection.fetch("SELECT code FROM registry.institution")
        sender = Sender(
            ACCOUNT, HeaderFamily.TIF, SECRET, tuple((code, ALWAYS) for (code,) in codes)
        )
        await institutions.give_key(connection, town.vault, sender, now=now)
    references = ReferenceCache(town.vault, laws_of_beijing())
    bills = Bills(town.room.handle, town.room.try_settlements, references)
    commands = Commands(
        town.database.writer,
        town.clock,
        town.numbers,
        dict.fromkeys(REQUESTS, bills.handle) | handlers_beside_settlement(references, town.vault),
    )
    context = Context(
        clock=town.clock,
        database=town.database,
        commands=AcrossPools(commands, town.database),
        trials=SharedReads(town.database.writer, town.clock, bills.try_settlements),
        room=town.room,
        references=references,
        vault=town.vault,
        door=SignedDoor(town.clock),
        reference_age=0,
    )
    yield Counter(Gateway(context), town)
    await commands.drain()
