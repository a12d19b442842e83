"""A hospital or pharmacy of the failing world: careful software on a bad line with a wrong clock.

It writes a message into its notebook before it sends it, never sends a bill anew while the old
message's outcome is open, and once it has sent a reversal insists on it. It may click twice.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from tests.world.chronicle import Chronicle, Event
from tests.world.messages import CANCELS, SETTLES, Paper, charges_of
from tests.world.notebook import Attempt, Knowledge, Notebook
from tests.world.plan import Bill, Kind
from yibao.client import (
    Answer,
    CallOutcome,
    Care,
    Ending,
    Endpoint,
    Family,
    Send,
    follow,
    made_sure,
)
from yibao.client.envelope import read_answer, request_body, unknown
from yibao.client.recovery import REVERSAL
from yibao.client.signatures import csb_headers, tif_headers
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import RefusalCode
from yibao.sandbox.books import broken_identities, canonical
from yibao.sandbox.desk import Patient, PriceListEntry

GIVES_UP_AFTER = 4.0
"""Seconds that an institution waits for an answer."""

_REPEATING = Care(repeat=True, reverse=False, attempts=7, pause=0.1)
_LAST = Care(repeat=True, attempts=8, pause=0.1)
_WAYS = (
    Care(repeat=True, attempts=6, pause=0.1),
    Care(attempts=5, pause=0.1),
    Care(query=False, attempts=6, pause=0.1),
)
"""What is done about an unknown outcome: the message again, a query and then its reversal, or its
reversal at once."""


class LeftOpen(Exception):  # noqa: N818 - a state of knowledge
    """A message's outcome stays unknown for now: nothing more is done about the bill."""


class NotServed(Exception):  # noqa: N818 - an answer
    """The platform refused what the bill needs: it ends here, rightly or wrongly."""


class Institution:
    """One institution: its key, its clock, its line, its notebook."""

    def __init__(
        self,
        endpoint: Endpoint,
        price_list: Sequence[PriceListEntry],
        chronicle: Chronicle,
        *,
        skew: int = 0,
    ) -> None:
        self.endpoint = endpoint
        self.code = endpoint.institution
        self.name = endpoint.name
        self.price_list = price_list
        self.notebook = Notebook()
        self.chronicle = chronicle
        self.skew = skew
        self._numbers: Counter[int] = Counter()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Institution":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32),
            timeout=aiohttp.ClientTimeout(total=GIVES_UP_AFTER),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def now(self) -> datetime:
        """What its clock shows, in Beijing's time."""
        return local_time(self._instant)

    @property
    def _instant(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skew)

    def message_id(self, bill: int) -> str:
        """The same for the same message of the same plan, so that its fate is too."""
        self._numbers[bill] += 1
        return f"{self.code[:12]}{bill:010d}{self._numbers[bill]:08d}"

    # ------------------------------------------------------------------------------- sending

    async def send(
        self, infno: str, content: Mapping[str, Any], patient: Patient, bill: int, message: str
    ) -> Answer:
        """Send once, and write down that it was sent and what came back."""
        self.chronicle.sent(self.code, patient.number, bill, infno, message)
        answer = await self._post_at_the_right_time(infno, content, patient.division, message)
        self.chronicle.answered(self.code, patient.number, bill, answer)
        return answer

    async def ask(self, infno: str, content: Mapping[str, Any]) -> Answer:
        """Send what is about no person, until it is answered or patience ends."""
        message = self.message_id(0)
        for pause in range(6):
            answer = await self._post_at_the_right_time(infno, content, "", message)
            if answer.outcome is not CallOutcome.UNKNOWN and not answer.nothing_done:
                break
            await asyncio.sleep(0.1 * 2**pause)
        return answer

    async def find_out(self) -> None:
        """End every open message for certain, if anything can."""
        for attempt in self.notebook.open():
            with contextlib.suppress(LeftOpen):
                await self.conclude(attempt, _LAST)

    async def _post_at_the_right_time(
        self, infno: str, content: Mapping[str, Any], division: str, message: str
    ) -> Answer:
        """Send; a clock that the platform complains of is set right, and the message sent again."""
        skew = self.skew
        answer = await self._post(infno, content, division, message)
        if answer.code == RefusalCode.TIMESTAMP_OFF and skew:
            self.skew = 0
            answer = await self._post(infno, content, division, message)
        return answer

    async def _post(
        self, infno: str, content: Mapping[str, Any], division: str, message: str
    ) -> Answer:
        assert self._session is not None
        endpoint = self.endpoint
        body = request_body(
            endpoint,
            infno,
            content,
            message_id=message,
            now=self._instant,
            insured_division=division,
        )
        headers = {"Content-Type": "application/json", **self._signature(infno)}
        url = endpoint.base_url + endpoint.path(infno)
        try:
            async with self._session.post(url, data=body, headers=headers) as response:
                read = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return unknown(infno, message, type(error).__name__)
        return read_answer(infno, message, read)

    def _signature(self, infno: str) -> dict[str, str]:
        endpoint, seconds = self.endpoint, self._instant.timestamp()
        if endpoint.family is Family.TIF:
            nonce = secrets.token_hex(16)
            return tif_headers(endpoint.key_id, endpoint.secret, seconds=int(seconds), nonce=nonce)
        return csb_headers(
            endpoint.key_id, endpoint.secret, api=infno, milliseconds=int(seconds * 1000)
        )

    # ----------------------------------------------------------------------------- concluding

    async def conclude(self, attempt: Attempt, care: Care) -> None:
        """Find out about a message, or undo it; LeftOpen when neither can be done now."""
        if attempt.known is not Knowledge.OPEN:
            return
        if attempt.reversal is None:
            await self._make_sure(attempt, care)
        else:
            await self._insist(attempt, care)
        if attempt.known is Knowledge.OPEN:
            raise LeftOpen
        paper = attempt.paper
        told = f"{attempt.known} {attempt.info.get('setl_id', '')}"
        self.chronicle.note(
            Event(
                self.chronicle.now, self.code, "concluded", paper.patient.number,
                paper.bill.number, attempt.infno, attempt.message, told,
            )
        )  # fmt: skip

    async def _make_sure(self, attempt: Attempt, care: Care) -> None:
        paper = attempt.paper

        async def send(step: Send) -> Answer:
            message = step.message_id or self.message_id(paper.bill.number)
            if step.infno == REVERSAL:
                attempt.reversal = message
            return await self.send(
                step.infno, step.content, paper.patient, paper.bill.number, message
            )

        message = Send(attempt.infno, attempt.content, attempt.message)
        end = await follow(made_sure(message, care), send)
        if end.ending is Ending.REVERSED:
            attempt.known = Knowledge.REVERSED
        elif end.ending is Ending.DONE:
            self._learn(attempt, end.answer)
        elif end.ending is Ending.REFUSED:
            attempt.known = Knowledge.REFUSED

    async def _insist(self, attempt: Attempt, care: Care) -> None:
        """Repeat the reversal under its one id until it is answered."""
        assert attempt.reversal is not None
        for pause in range(care.attempts):
            answer = await self._send_reversal(attempt, attempt.reversal)
            if answer.outcome is CallOutcome.DONE:
                attempt.known = Knowledge.REVERSED
                return
            if answer.outcome is CallOutcome.REFUSED and not answer.nothing_done:
                # it cannot be undone, so it counts as what it was
                attempt.reversal = None
                await self._make_sure(attempt, _REPEATING)
                return
            await asyncio.sleep(care.pause * 2**pause)

    async def _send_reversal(self, attempt: Attempt, message: str) -> Answer:
        paper = attempt.paper
        content = paper.reversal(attempt.infno, attempt.message)
        return await self.send(REVERSAL, content, paper.patient, paper.bill.number, message)

    def _learn(self, attempt: Attempt, answer: Answer) -> None:
        info = canonical(answer.output["setlinfo"])
        paper = attempt.paper
        if attempt.settles and (broken := broken_identities(info)):
            self._fault(paper, "; ".join(broken))
        if attempt.settles and paper.total != attempt_total(info):
            self._fault(paper, f"settled {info['medfee_sumamt']}, sent {paper.total} fen")
        attempt.known, attempt.info = Knowledge.DONE, info

    def _fault(self, paper: Paper, told: str) -> None:
        patient = paper.patient.number
        self.chronicle.fault(self.code, told, person=patient, bill=paper.bill.number)


def attempt_total(info: Mapping[str, Any]) -> int:
    """The total of a ``setlinfo`` in fen."""
    return round(float(info["medfee_sumamt"]) * 100)


class Case:
    """One bill in an institution's hands, from the front desk to whatever comes after it."""

    def __init__(self, institution: Institution, bill: Bill, patient: Patient) -> None:
        self.number = bill.number
        self._at = institution
        self._bill = bill
        self._care = _WAYS[bill.care % len(_WAYS)]
        self._paper = Paper(
            bill, patient, charges_of(bill, institution.price_list), institution.now,
            f"W{bill.number:08d}",
        )  # fmt: skip
        self._content: dict[str, Any] = {}
        self._standing: Attempt | None = None
        self._is_over = False

    @property
    def left_standing(self) -> Attempt | None:
        """The settlement that stands, once all that was planned is done with the bill."""
        return self._standing if self._is_over else None

    @property
    def institution(self) -> Institution:
        """Where it is."""
        return self._at

    # ---------------------------------------------------------------------------- the bill's way

    async def prepare(self) -> None:
        """Everything before the settlement."""
        paper, kind = self._paper, self._bill.kind
        if kind is Kind.PURCHASE:
            self._content = paper.purchase()
            return
        if kind is Kind.STAY:
            admitted = await self._sure("2401", paper.admission())
            visit = str(admitted["result"]["mdtrt_id"])
            lines = await self._sure("2301", paper.lines(visit))
            await self._sure("2402", paper.discharge(visit))
        else:
            registered = await self._sure("2201", paper.registration())
            visit = str(registered["data"]["mdtrt_id"])
            await self._sure("2203", paper.description(visit))
            lines = await self._sure("2204", paper.lines(visit))
        self._content = paper.settlement(visit, lines["result"])

    async def settle(self) -> None:
        """The settlement, in the manner that was drawn."""
        await getattr(self, f"_settle_{self._bill.manner}")()

    async def follow_up(self) -> None:
        """What comes after, as long as the bill stands."""
        for sequel in self._bill.sequels:
            if self._standing is not None:
                await getattr(self, f"_then_{sequel}")(self._standing)
        self._is_over = True

    # ------------------------------------------------------------------------ manners of settling

    async def _settle_plain(self) -> None:
        attempt = self._attempt()
        await self._at.conclude(attempt, self._care)
        if attempt.known is Knowledge.REVERSED:  # the bill is open again: a new message
            attempt = self._attempt()
            await self._at.conclude(attempt, self._care)
        self._stands(attempt)

    async def _settle_double_click(self) -> None:
        attempt = self._attempt()
        await asyncio.gather(self._send(attempt), self._send(attempt))
        await self._at.conclude(attempt, self._care)
        self._stands(attempt)

    async def _settle_two_clicks(self) -> None:
        attempts = [self._attempt(), self._attempt()]
        await asyncio.gather(*(self._send(one) for one in attempts))
        for one in attempts:
            await self._at.conclude(one, self._care)
            await self._fence_if_refused(one)
        done = [one for one in attempts if one.known is Knowledge.DONE]
        if len(done) > 1:
            self._at._fault(self._paper, "both messages of one bill settled it")
        for one in done:
            self._stands(one)

    async def _settle_reverse_before(self) -> None:
        attempt = self._attempt()
        await self._reverse(attempt)
        answer = await self._send(attempt)
        if answer.outcome is CallOutcome.DONE:
            self._at._fault(self._paper, f"{attempt.message} was done after its reversal")
        await self._settle_plain()

    async def _settle_reverse_during(self) -> None:
        attempt = self._attempt()
        attempt.reversal = self._new_id()
        await asyncio.gather(
            self._send(attempt), self._at._send_reversal(attempt, attempt.reversal)
        )
        await self._at.conclude(attempt, self._care)
        await self._settle_unless(attempt)

    async def _settle_reverse_retry(self) -> None:
        attempt = self._attempt()
        await self._send(attempt)
        attempt.reversal = self._new_id()
        await asyncio.gather(
            self._send(attempt), self._at._send_reversal(attempt, attempt.reversal)
        )
        await self._at.conclude(attempt, self._care)
        await self._settle_unless(attempt)

    async def _settle_reverse_twice(self) -> None:
        attempt = self._attempt()
        await self._send(attempt)
        attempt.reversal = self._new_id()
        await asyncio.gather(
            self._at._send_reversal(attempt, attempt.reversal),
            self._at._send_reversal(attempt, self._new_id()),
        )
        await self._at.conclude(attempt, self._care)
        await self._settle_unless(attempt)

    async def _settle_reverse_nothing(self) -> None:
        await self._reverse(self._attempt())
        await self._settle_plain()

    # ------------------------------------------------------------------------------------ sequels

    async def _then_cancel(self, standing: Attempt) -> Attempt:
        attempt = self._cancellation(standing)
        await self._at.conclude(attempt, self._care)
        if attempt.known is Knowledge.DONE:
            self._cancelled(attempt, standing)
        return attempt

    async def _then_cancel_twice(self, standing: Attempt) -> None:
        attempts = [self._cancellation(standing), self._cancellation(standing)]
        await asyncio.gather(*(self._send(one) for one in attempts))
        for one in attempts:
            await self._at.conclude(one, self._care)
            await self._fence_if_refused(one)
        done = [one for one in attempts if one.known is Knowledge.DONE]
        if len(done) > 1:
            self._at._fault(self._paper, "one bill was cancelled twice")
        for one in done:
            self._cancelled(one, standing)

    async def _then_reverse_cancellation(self, standing: Attempt) -> None:
        attempt = await self._then_cancel(standing)
        if attempt.known is Knowledge.DONE:
            attempt.known = Knowledge.OPEN
            await self._reverse(attempt)
            if attempt.known is Knowledge.REVERSED:
                self._standing = standing

    async def _then_settle_again(self, standing: Attempt) -> None:
        attempt = await self._then_cancel(standing)
        if attempt.known is Knowledge.DONE:
            await self._settle_plain()

    async def _then_repeat(self, standing: Attempt) -> None:
        answer = await self._send(standing)
        if answer.outcome is CallOutcome.UNKNOWN or answer.nothing_done:
            return
        info = canonical(answer.output.get("setlinfo", {}))
        if info.get("setl_id") != standing.info["setl_id"]:
            self._at._fault(self._paper, f"{standing.message} repeated: another answer: {answer}")

    async def _then_reverse(self, standing: Attempt) -> None:
        standing.known = Knowledge.OPEN
        self._standing = None
        await self._reverse(standing)
        if standing.known is Knowledge.DONE:
            self._standing = standing

    # ------------------------------------------------------------------------------------ private

    def _attempt(self) -> Attempt:
        return self._noted(SETTLES[self._bill.kind], self._content)

    def _cancellation(self, standing: Attempt) -> Attempt:
        content = self._paper.cancellation(*standing.key)
        return self._noted(CANCELS[self._bill.kind], content)

    def _noted(self, infno: str, content: dict[str, Any]) -> Attempt:
        attempt = Attempt(self._paper, infno, content, self._new_id())
        self._at.notebook.attempts.append(attempt)
        return attempt

    def _new_id(self) -> str:
        return self._at.message_id(self._bill.number)

    async def _send(self, attempt: Attempt) -> Answer:
        return await self._at.send(
            attempt.infno, attempt.content, self._paper.patient, self._bill.number, attempt.message
        )

    async def _reverse(self, attempt: Attempt) -> None:
        attempt.reversal = self._new_id()
        await self._at.conclude(attempt, self._care)

    async def _fence_if_refused(self, attempt: Attempt) -> None:
        """Of two messages one was refused; a late copy of it must not be done one day."""
        if attempt.known is Knowledge.REFUSED:
            attempt.known = Knowledge.OPEN
            await self._reverse(attempt)

    async def _settle_unless(self, attempt: Attempt) -> None:
        """Settle anew what was reversed."""
        if attempt.known is Knowledge.REVERSED:
            await self._settle_plain()
        else:
            self._stands(attempt)

    def _stands(self, attempt: Attempt) -> None:
        if attempt.known is Knowledge.DONE:
            self._standing = attempt

    def _cancelled(self, attempt: Attempt, standing: Attempt) -> None:
        self._standing = None
        if attempt.amounts != -standing.amounts:
            told = f"{attempt.infno} is not the mirror of {standing.key.settlement}"
            self._at._fault(self._paper, told)

    async def _sure(self, infno: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """A message without money: repeated until it is answered."""

        async def send(step: Send) -> Answer:
            return await self._at.send(
                step.infno, step.content, self._paper.patient, self._bill.number,
                step.message_id or self._new_id(),
            )  # fmt: skip

        message = Send(infno, content, self._new_id())
        end = await follow(made_sure(message, _REPEATING), send)
        if end.ending is Ending.REFUSED:
            raise NotServed(end.answer.message)
        if end.ending is not Ending.DONE:
            raise LeftOpen
        return end.answer.output
