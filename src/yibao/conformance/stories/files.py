"""A file up and down, a catalogue, and the day's books."""

import base64
import io
import zipfile
from collections.abc import Mapping
from typing import Any

from yibao.client import Answer
from yibao.conformance.probe import Broken, Probe

CATALOGUES = (
    *("1301", "1302", "1303", "1305", "1306", "1307", "1308", "1309", "1310", "1311"),
    *("1313", "1314", "1315"),
)
NUMBERS = ("9101", "9102", *CATALOGUES, "3201")


async def files(probe: Probe) -> None:
    """What comes down is a ZIP with one TAB-separated text."""
    with probe.story("9101"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("lines.txt", "a\tb\n")
        await probe.done(
            "9101",
            {
                "fsUploadIn": {
                    "in": base64.b64encode(packed.getvalue()).decode(),
                    "filename": "lines.zip",
                    "fixmedins_code": probe.target.hospital.institution,
                }
            },
        )
        await probe.refused(
            "9101",
            {
                "fsUploadIn": {
                    "in": base64.b64encode(packed.getvalue()).decode(),
                    "filename": "../../lines.zip",
                    "fixmedins_code": probe.target.hospital.institution,
                }
            },
            "refuses a path in a file's name",
        )
    for number in CATALOGUES:
        with probe.story(number, "9102"):
            output = await probe.done(number, {"data": {"ver": "0"}}, as_listed=False)
            if output.get("file_qury_no"):
                await _fetch(probe, output)
    with probe.story("3201"):
        await probe.done(
            "3201",
            {
                "data": {
                    "insutype": probe.target.person.scheme,
                    "clr_type": "11",
                    "setl_optins": probe.target.hospital.division,
                    "stmt_begndate": probe.today(1),
                    "stmt_enddate": probe.today(1),
                    "medfee_sumamt": "0.00",
                    "fund_pay_sumamt": "0.00",
                    "acct_pay": "0.00",
                    "fixmedins_setl_cnt": "0",
                }
            },
        )


async def _fetch(probe: Probe, found: Mapping[str, Any]) -> None:
    answer: Answer = await probe.hospital.call(
        "9102",
        {
            "fsDownloadIn": {
                "file_qury_no": found["file_qury_no"],
                "filename": found.get("filename") or "plc",
                "fixmedins_code": probe.target.hospital.institution,
            }
        },
    )
    if answer.file is None:
        probe.check("9102", "answers the file", [f"infcode {answer.code}: {answer.message}"])
        raise Broken("9102 answered no file")
    probe.check("9102", "answers a ZIP with one text", _zip_faults(answer.file, found))


def _zip_faults(packed: bytes, found: Mapping[str, Any]) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            (name,) = archive.namelist()
            rows = archive.read(name).decode("utf-8").splitlines()
    except (zipfile.BadZipFile, ValueError, UnicodeDecodeError) as error:
        return [f"{type(error).__name__}: {error}"]
    count = found.get("data_cnt")
    if count not in (None, "") and int(count) != len(rows):
        return [f"the file has {len(rows)} rows, data_cnt is {count}"]
    return [] if len({row.count("\t") for row in rows}) <= 1 else ["rows differ in columns"]
