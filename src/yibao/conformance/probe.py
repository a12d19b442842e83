"""Sends a message, judges the answer, and keeps both in the report."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from yibao.client import Answer, CallOutcome, Client
from yibao.conformance.judge import envelope_faults, identity_faults, output_faults
from yibao.conformance.model import Check, Report, Target
from yibao.kernel.periods import local_time

NOT_OFFERED_WORDS = ("未开放", "未开通", "不支持", "不存在", "not offered", "not supported")
"""What servers say of a transaction that they do not have."""


class Broken(Exception):  # noqa: N818 - a story cannot go on
    """A step of a story did not do what the next ones need."""


class Probe:
    """One institution's way in, and the facts that stories share."""

    def __init__(self, target: Target, hospital: Client, pharmacy: Client | None) -> None:
        self.target = target
        self.report = Report()
        self.hospital = hospital
        self.pharmacy = pharmacy
        self.insured_division: str | None = None
        self.facts: dict[str, str] = {}
        """What an earlier story found: ``psn_no`` …"""
        self._serial = 0

    # ------------------------------------------------------------------------------ messages

    async def done(
        self,
        number: str,
        content: Mapping[str, Any],
        *,
        client: Client | None = None,
        message_id: str | None = None,
        as_listed: bool = True,
    ) -> Any:
        """The output of a message that a correct server does. Raises Broken when it does not.

        ``as_listed``: nodes and required fields of the answer are compared with the table.
        """
        answer = await self._send(number, content, client, message_id)
        if answer.outcome is not CallOutcome.DONE:
            if says_not_offered(answer):
                self.report.not_offered.setdefault(number, answer.message)
            else:
                self.check(number, "is done", [f"infcode {answer.code}: {answer.message}"])
            raise Broken(f"{number} was not done")
        self.check(number, "is done", ())
        output = answer.envelope.get("output")
        if as_listed:
            self.check(number, "answers what its table lists", output_faults(number, output))
        if isinstance(output, Mapping) and isinstance(output.get("setlinfo"), Mapping):
            self.check(number, "keeps the identities", identity_faults(output["setlinfo"]))
        return output

    async def refused(
        self,
        number: str,
        content: Mapping[str, Any],
        what: str,
        *,
        client: Client | None = None,
        message_id: str | None = None,
    ) -> str:
        """The text of a message that a correct server refuses."""
        answer = await self._send(number, content, client, message_id)
        faults = []
        if answer.outcome is CallOutcome.DONE:
            faults.append("it was done")
        elif answer.code is None or answer.outcome is CallOutcome.UNKNOWN:
            faults.append(f"no clear answer: {answer.message}")
        elif not answer.message:
            faults.append("err_msg is empty")
        self.check(number, what, faults)
        return answer.message

    async def _send(
        self,
        number: str,
        content: Mapping[str, Any],
        client: Client | None,
        message_id: str | None,
    ) -> Answer:
        client = client or self.hospital
        answer = await client.call(
            number, content, message_id=message_id, insured_division=self.insured_division
        )
        if answer.code is None:
            self.check(number, "answers readably", [answer.message])
        else:
            self.check(number, "answers in an envelope", envelope_faults(answer.envelope))
        return answer

    def check(self, number: str, what: str, faults: Iterable[str]) -> None:
        """Keep a check; without faults it passed."""
        found = "; ".join(faults)
        self.report.checks.append(Check(number, what, not found, found))

    @contextmanager
    def story(self, *numbers: str) -> Iterator[None]:
        """A story that goes over these transactions; those after a broken step are not tried."""
        reason = ""
        try:
            yield
        except Broken as broken:
            reason = str(broken)
        tried = {check.number for check in self.report.checks} | self.report.not_offered.keys()
        for number in numbers:
            if number not in tried:
                self.report.not_tried.setdefault(number, reason or "no story came by")

    # --------------------------------------------------------------------------------- facts

    @property
    def person(self) -> Mapping[str, str]:
        """``psn_no`` and the voucher, as most messages carry them."""
        person = self.target.person
        return {
            "psn_no": self.facts.get("psn_no", person.number),
            "insutype": person.scheme,
            "mdtrt_cert_type": person.voucher_type,
            "mdtrt_cert_no": person.voucher,
        }

    @property
    def psn_no(self) -> str:
        """The person's number."""
        return self.person["psn_no"]

    def serial(self, prefix: str) -> str:
        """A number of the hospital's own that it has not used."""
        self._serial += 1
        return f"{prefix}{datetime.now(UTC):%y%m%d%H%M%S%f}{self._serial:03d}"[:30]

    def now(self, back: timedelta = timedelta()) -> str:
        """Civil time, ``back`` ago."""
        return f"{local_time(datetime.now(UTC) - back):%Y-%m-%d %H:%M:%S}"

    def today(self, back: int = 0) -> str:
        """The civil day, ``back`` days ago."""
        return f"{local_time(datetime.now(UTC) - timedelta(days=back)):%Y-%m-%d}"

    def diagnosis(self, kind: str = "1") -> dict[str, Any]:
        """A ``diseinfo`` row."""
        code, name = self.target.diagnosis
        return {
            "diag_type": kind,
            "diag_srt_no": 1,
            "diag_code": code,
            "diag_name": name,
            "diag_dept": "A03",
            "dise_dor_no": "D990000000001",
            "dise_dor_name": "测试医生",
            "diag_time": self.now(),
            "vali_flag": "1",
            "maindiag_flag": "1",
            "psn_no": self.psn_no,
        }


def says_not_offered(answer: Answer) -> bool:
    """Whether a server refuses because it does not have the transaction."""
    return any(word in answer.message for word in NOT_OFFERED_WORDS) and answer.code != 0
