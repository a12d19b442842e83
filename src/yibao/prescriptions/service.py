"""The door of the room: issue, sign, upload, review, take, dispense and withdraw prescriptions.

Each use case reads the prescription with its life so far, asks the rules, and appends one event at
the next turn; the turn is unique, so of two that race one starts over and sees the other.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.prescriptions import codes, rules, signing, store
from yibao.prescriptions.model import (
    Dispense,
    Event,
    EventKind,
    Issue,
    Prescription,
    Report,
    Sign,
    State,
    Take,
    Upload,
)
from yibao.registry.people.service import load_members
from yibao.registry.service import Reference, ReferenceCache
from yibao.settlement.model import VisitState
from yibao.settlement.service import visit

if TYPE_CHECKING:
    from asyncpg import Connection

state = rules.state
holder = rules.holder
remaining = rules.remaining
check_taker = rules.check_taker
unknown = rules.unknown

trace_code = codes.trace_code
read_trace_code = codes.read_trace_code
scan_text = codes.scan_text
authorisation = codes.authorisation
token = codes.token
granted = codes.granted
download_code = codes.download_code

SIGNATURE, FILE = "signature", "file"
"""Details of a signing: the signature's text, what the file is recognised by."""


class _Desk:
    """One batch's way through the use cases."""

    def __init__(self, unit: Unit, vault: Vault, reference: Reference) -> None:
        self.unit = unit
        self.vault = vault
        self.reference = reference

    # -------------------------------------------------------------------------------------- issue

    async def issue(self, request: Issue) -> Prescription:
        """Issue a prescription; one without a visit of its person and hospital is refused."""
        now = self.unit.now
        rules.check_content(request.prescribed_at, request.valid_until, request.drugs, now)
        self._check_listed(request)
        await self._check_visit(request)
        await self._check_person(request.member, request.patient_name, request.document_number)
        edition = await self._next_edition(request)
        key = PoolKey(self.unit.pool, self.unit.numbers.next(now))
        written = Prescription(
            key=key,
            institution=request.institution,
            member=request.member,
            visit=request.visit,
            hospital_number=request.hospital_number,
            edition=edition,
            addressee=request.addressee,
            prescribed_at=request.prescribed_at,
            valid_until=request.valid_until,
            drugs=request.drugs,
            recorded_at=now,
        )
        scan_key = codes.scan_key(self.vault, codes.scan_text(self.vault, key))
        await store.insert(self.unit.connection, written, scan_key, self._sealed(request.content))
        for kind in request.events:
            rules.check_move(written, kind, now)
            written = await self._append(written, Event(kind, request.institution, now))
        return written

    def _check_listed(self, request: Issue) -> None:
        for drug in request.drugs:
            if drug.item not in self.reference.catalogue.items:
                raise Refused(
                    RefusalCode.CODE_UNKNOWN,
                    f"药品 {drug.item} 不在医保目录中",
                    "prescribed_drugs",
                )
        addressee = request.addressee
        if addressee is not None and self.reference.directory.institution(addressee) is None:
            raise Refused(
                RefusalCode.INSTITUTION_UNKNOWN, f"流转药店 {addressee} 不存在", "addressee"
            )

    async def _check_visit(self, request: Issue) -> None:
        found = await visit(self.unit.connection, request.visit)
        if found is None or found.institution != request.institution:
            raise Refused(
                RefusalCode.VISIT_UNKNOWN,
                f"就诊ID {request.visit.text()} 不存在或不属于本机构",
                "visit",
            )
        if found.member != request.member:
            raise Refused(RefusalCode.PERSON_DIFFERS, "人员编号与就诊登记的人员不一致", "member")
        if found.state is VisitState.CANCELLED:
            raise Refused(RefusalCode.VISIT_CANCELLED, "该就诊的挂号已撤销", "visit")

    async def _check_person(
        self, member: str, name: str | None, document_number: str | None
    ) -> None:
        """The patient that is named must be the member; what is not sent is not compared."""
        members = await load_members(self.unit.connection, self.vault, self.unit.pool, [member])
        if member not in members:
            raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {member} 不存在", "member")
        identity = members[member].identity
        if name is not None and name != identity.name:
            raise Refused(
                RefusalCode.PERSON_DIFFERS, "患者姓名与人员编号不是同一人", "patient_name"
            )
        if (
            document_number is not None
            and document_number.upper() != identity.document_number.upper()
        ):
            raise Refused(
                RefusalCode.PERSON_DIFFERS, "证件号码与人员编号不是同一人", "document_number"
            )

    async def _next_edition(self, request: Issue) -> int:
        known = await store.latest_of_number(
            self.unit.connection, self.unit.pool, request.institution, request.hospital_number
        )
        if known is None:
            return 1
        if rules.state(known, self.unit.now) not in (State.WITHDRAWN, State.REJECTED):
            raise Refused(
                RefusalCode.PRESCRIPTION_EXISTS,
                f"处方编号 {request.hospital_number} 已有处方 {known.key.text()}",
                "hospital_number",
            )
        return known.edition + 1

    # ------------------------------------------------------------------------------ sign, upload

    async def sign(self, request: Sign) -> Prescription:
        """Sign the file; a second signing replaces the first as long as nothing is uploaded."""
        held = await self._told_by(request.institution, request.prescription, EventKind.SIGNED)
        made = signing.sign(self.vault, request.institution, request.value, request.file)
        details = {
            SIGNATURE: made.text,
            FILE: made.file_digest,
            "certificate_number": made.certificate_number,
            "certificate_name": made.certificate_name,
        }
        event = Event(EventKind.SIGNED, request.institution, self.unit.now, details=details)
        return await self._append(held, event)

    async def upload(self, request: Upload) -> Prescription:
        """Upload the signed file with the hospital pharmacist's review: then it is valid."""
        held = await self._told_by(request.institution, request.prescription, EventKind.UPLOADED)
        if request.visit not in (None, held.visit.text()):
            raise Refused(RefusalCode.FIELD_INVALID, "就诊ID与处方预核验时不一致", "visit")
        await self._check_person(held.member, request.patient_name, request.document_number)
        signed = signature_of(held)
        if (request.signature, signing.file_digest(request.file)) != (
            signed[SIGNATURE],
            signed[FILE],
        ):
            raise Refused(
                RefusalCode.PRESCRIPTION_SIGNATURE,
                "处方原件或签名值与医保电子签名（D002）的不一致，请重新签名后上传",
                "sign_digest",
            )
        uploaded = Event(EventKind.UPLOADED, request.institution, self.unit.now)
        held = await self._append(held, uploaded, request.content)
        reviewed = Event(EventKind.REVIEW_PASSED, request.institution, self.unit.now)
        return await self._append(held, reviewed)

    # ------------------------------------------------------------------------- report, take, give

    async def report(self, request: Report) -> Prescription:
        """Note a review, withdrawal, bill, payment or delivery."""
        held = await self._told_by(request.institution, request.prescription, request.kind)
        if request.hospital_number not in (None, held.hospital_number):
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"处方编号应为 {held.hospital_number}",
                "hospital_number",
            )
        event = Event(
            request.kind, request.institution, self.unit.now, details=dict(request.details)
        )
        return await self._append(held, event, request.content)

    async def take(self, request: Take) -> Prescription:
        """Take a prescription; its holder may download it again."""
        held = await self._found(request.prescription)
        rules.check_taker(held, request.institution)
        if rules.holder(held) == request.institution:
            return held
        rules.check_move(held, EventKind.TAKEN, self.unit.now)
        event = Event(EventKind.TAKEN, request.institution, self.unit.now)
        return await self._append(held, event)

    async def dispense(self, request: Dispense) -> Prescription:
        """Hand out drugs, never more than is left of them."""
        held = await self._found(request.prescription)
        rules.check_teller(held, EventKind.DISPENSED, request.institution)
        expected = codes.download_code(self.vault, held.key, request.institution)
        if request.download_code not in (None, expected):
            raise Refused(
                RefusalCode.FIELD_INVALID, "下载处方时的识别码与本机构下载的不一致", "download_code"
            )
        event = rules.dispensed(held, request.institution, request.drugs, self.unit.now)
        event = replace(event, details=dict(request.details))
        return await self._append(held, event, request.content)

    # ------------------------------------------------------------------------------------ private

    async def _found(self, key: PoolKey) -> Prescription:
        held = await store.prescription(self.unit.connection, key)
        if held is None:
            raise rules.unknown(key.text())
        return held

    async def _told_by(self, institution: str, key: PoolKey, kind: EventKind) -> Prescription:
        held = await self._found(key)
        rules.check_teller(held, kind, institution)
        rules.check_move(held, kind, self.unit.now)
        return held

    async def _append(
        self, held: Prescription, event: Event, content: Mapping[str, Any] | None = None
    ) -> Prescription:
        sealed = self._sealed(content) if content else None
        turn = len(held.events)
        await store.insert_event(self.unit.connection, held.key, turn, event, sealed)
        return replace(held, events=(*held.events, event))

    def _sealed(self, content: Mapping[str, Any]) -> bytes:
        return self.vault.seal(msgspec.json.encode(content).decode())


_USE_CASES: Mapping[type, Callable[[_Desk, Any], Awaitable[Prescription]]] = {
    Issue: _Desk.issue,
    Sign: _Desk.sign,
    Upload: _Desk.upload,
    Report: _Desk.report,
    Take: _Desk.take,
    Dispense: _Desk.dispense,
}


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:
    """The handler of each kind of request of this room."""

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        desk = _Desk(unit, vault, await references.current(unit.connection))
        return [await _outcome(desk, command.request) for command in commands]

    return dict.fromkeys(_USE_CASES, handle)


async def _outcome(desk: _Desk, request: Any) -> Outcome:
    try:
        facts = await _USE_CASES[type(request)](desk, request)
    except Refused as refused:
        return refused.refusal
    return Done(facts, {"prescription": facts.key.text(), "events": len(facts.events)})


# ------------------------------------------------------------------------------------------- reads


async def prescription(connection: "Connection[Any]", key: PoolKey) -> Prescription | None:
    """A prescription that the reader wrote or has taken."""
    return await store.prescription(connection, key)


async def of_scan(connection: "Connection[Any]", vault: Vault, text: str) -> Prescription | None:
    """The prescription whose QR text was shown, if the reader may take it."""
    return await store.of_scan(connection, codes.scan_key(vault, text))


async def of_members(connection: "Connection[Any]", members: Sequence[str]) -> list[Prescription]:
    """Prescriptions of memberships, newest first, that the reader may take."""
    return await store.of_members(connection, members)


async def content(
    connection: "Connection[Any]", vault: Vault, key: PoolKey
) -> tuple[Mapping[str, Any], Mapping[EventKind, Mapping[str, Any]]]:
    """What was written, and what came with each kind of event (the latest of a kind)."""
    written: Mapping[str, Any] = {}
    came: dict[EventKind, Mapping[str, Any]] = {}
    for kind, sealed in await store.contents(connection, key):
        opened = msgspec.json.decode(vault.open(sealed))
        if kind is None:
            written = opened
        else:
            came[kind] = opened
    return written, came


async def recalled(
    connection: "Connection[Any]", key: PoolKey, reference: Mapping[str, Any]
) -> Prescription:
    """The prescription as it stood when a message was first answered."""
    facts = await store.prescription(connection, key)
    assert facts is not None, "a prescription is never deleted"
    return replace(facts, events=facts.events[: reference["events"]])


def signature_of(held: Prescription) -> Mapping[str, str]:
    """The latest signing's details."""
    return next(e.details for e in reversed(held.events) if e.kind is EventKind.SIGNED)
