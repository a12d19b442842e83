"""The interface as an ASGI application: every POST is answered 200 with an envelope."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from yibao.gateway import (  # noqa: F401
    audit,
    catalogue,
    catalogue_queries,
    clearing,
    clinical,
    directory,
    dispensing,
    files,
    filing,
    inpatient,
    institutions,
    inventory,
    mapping,
    mobile_payment,
    outpatient,
    person,
    pharmacy,
    prescriptions,
    queries,
    reconciliation,
    reversal,
    self_paid,
    session,
    settlement_list,
)
from yibao.gateway.authentication import Headers, locked_out
from yibao.gateway.context import Call, Context, FileAnswer, Progress
from yibao.gateway.dialects.adaption import adaption_of
from yibao.gateway.dispatch import Transaction, find_transaction
from yibao.gateway.envelope import Answer, Envelope, write_answer
from yibao.gateway.exchange import Exchange
from yibao.gateway.names import clerk_text, official_path
from yibao.gateway.reception import read_request
from yibao.gateway.reply import write_reply
from yibao.gateway.seeing import is_recorded, seen_in, viewer_of
from yibao.gateway.tokens import PATHS as TOKEN_PATHS
from yibao.gateway.tokens import answer_token_request
from yibao.kernel.areas import Pool

# Imported for their decorators: each module offers its family of transactions.
from yibao.kernel.frozen import replace
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import OUTCOME_UNKNOWN, RefusalCode, Refused
from yibao.platform.access.sight import watching
from yibao.platform.admission.service import Caller, Reason
from yibao.platform.commands.service import OutcomeUnknown
from yibao.registry.institutions.model import Directory, Institution, InstitutionTerm, Sender
from yibao.registry.service import Reference

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = structlog.get_logger()


class Gateway:
    """Answers the institution interface."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._references = _RecentReference(context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request; what is no message of the interface is refused in an envelope too."""
        turnstile = self.context.turnstile
        if turnstile is None:
            await self._receive(scope, receive, send)
            return
        caller = turnstile.caller(scope)
        reason = turnstile.refusal(caller, scope)
        if reason is Reason.CROWDED and _is_short(scope):
            receive = await _read_ahead(receive)
            if turnstile.is_let_in_all_the_same(caller, (await receive()).get("body", b"")):
                reason = None
        if reason is not None:
            await turn_away(send, self.context.clock.now(), turnstile.turned_away(reason))
            return
        turnstile.enter(caller)
        try:
            await self._receive(scope, receive, send, caller)
        finally:
            turnstile.leave(caller)

    async def _receive(
        self, scope: Scope, receive: Receive, send: Send, caller: Caller | None = None
    ) -> None:
        headers = _headers(scope)
        if scope["method"] == "POST":
            body = await _read_body(headers, receive, self.context.body_limit)
        else:
            body = None
        path, query = scope["path"], scope.get("query_string", b"").decode("latin-1")
        if self.context.tokens is not None and body is not None and path.endswith(TOKEN_PATHS):
            await _respond(send, _JSON, *await self._issue_token(headers, body, caller))
            return
        exchange = Exchange(self.context.clock.now(), scope["method"], path, headers, body, query)
        exchange.caller = caller
        answer = await self.answer(exchange)
        kind = _JSON if exchange.file_name is None else _FILE
        faults = self.context.faults
        if faults is not None and faults.reply_is_lost(exchange):
            raise ConnectionAbortedError("the reply is lost on purpose")
        await _respond(send, kind, answer)

    async def _issue_token(
        self, headers: Headers, body: bytes, caller: Caller | None
    ) -> tuple[bytes, int]:
        tokens, now = self.context.tokens, self.context.line_now()
        assert tokens is not None
        guesser = ("token endpoint", "" if caller is None else caller.address)
        lockout = self.context.lockout
        if caller is not None and lockout.pause(*guesser):
            return msgspec.json.encode({"error": "slow_down"}), 429
        senders = (await self._references.current()).directory
        status, content = answer_token_request(headers, body, senders, tokens, now)
        if status == 401:
            lockout.failed(*guesser)
        elif status == 200:
            lockout.proved(*guesser)
        return msgspec.json.encode(content), status

    async def answer(self, exchange: Exchange) -> bytes:
        """The answer to one message, noted in the exchange as well."""
        started = time.perf_counter()
        progress = Progress(exchange=exchange)
        output = None
        try:
            output = await self._run(exchange, progress)
        except Exception as failure:  # noqa: BLE001 - whatever it was, the caller gets an envelope
            exchange.code, exchange.error = _failure(failure, progress, exchange)
        if isinstance(output, FileAnswer):
            exchange.file_name, exchange.answer = output.name, output.content
        else:
            exchange.answer = self._envelope(exchange, progress, output)
        exchange.seconds = time.perf_counter() - started
        self.context.observe(progress.transaction, exchange.code, exchange.seconds)
        if self.context.record is not None:
            self.context.record(exchange)
        return exchange.answer

    def _envelope(self, exchange: Exchange, progress: Progress, output: Any) -> bytes:
        answer = Answer(
            exchange.code,
            exchange.received,
            progress.division,
            exchange.error,
            output,
            progress.warning,
        )
        now = self.context.clock.now()
        return write_reply(answer, progress.message_id, now, progress.manner)

    async def _run(self, exchange: Exchange, progress: Progress) -> Any:
        reference = await self._references.current()
        sender, envelope = self._proved_request(exchange, reference.directory, progress)
        exchange.number = progress.number = envelope.number
        exchange.message_id = progress.message_id = envelope.message_id
        exchange.institution = envelope.institution
        found = find_transaction(envelope.number)
        progress.transaction = found.number
        if self.context.faults is not None:
            await self.context.faults.before(exchange)
        welcome = self.context.welcome
        if welcome is not None and reference.directory.institution(envelope.institution) is None:
            await welcome.institution(envelope)
            reference = await self._references.fresh()
        received = self.context.clock.now()
        day = business_date(received)
        institution, term = _institution(reference, sender, envelope, day)
        progress.division = term.division
        if not envelope.care_division:  # a form without an envelope: its own place
            envelope = replace(envelope, care_division=term.division)
        dialect = progress.manner.dialect
        if welcome is not None:
            dialect = welcome.dialect(dialect)
        adaption = adaption_of(dialect, found.number)
        read = exchange.read = found.reader.read(adaption.adapt(envelope.input))
        adaption.settle_amounts(read)
        guest_pools: Mapping[str, Pool] = {}
        if welcome is not None:
            guest_pools = await welcome.people(envelope, found.number, read)
            reference = await self._references.fresh()
        return await self._handled(
            found,
            Call(
                context=self.context,
                envelope=envelope,
                sender=sender,
                institution=institution,
                term=term,
                reference=reference,
                received=received,
                day=day,
                input=read,
                progress=progress,
                guest_pools=guest_pools,
                dialect=dialect,
            ),
        )

    async def _handled(self, found: Transaction, call: Call) -> Any:
        """What the transaction answers; whom it shows is written down before."""
        access = self.context.access
        if access is None or not is_recorded(found.number):
            return await found.handle(call)
        done = False
        with watching() as sight:
            try:
                output = await found.handle(call)
                done = True
            finally:
                seen = seen_in(found.number, call.input, sight, done=done)
                await access.note(viewer_of(call.envelope, found.number), seen)
        return output

    def _proved_request(
        self, exchange: Exchange, senders: Directory, progress: Progress
    ) -> tuple[Sender, Envelope]:
        turnstile, caller = self.context.turnstile, exchange.caller
        if turnstile is None or caller is None:
            return read_request(exchange, self.context, senders, progress)
        lockout = self.context.lockout
        pause = lockout.pause(caller.account, caller.address)
        if pause:
            raise locked_out(pause)
        try:
            sender, envelope = read_request(exchange, self.context, senders, progress)
        except Refused as refused:
            if turnstile.failed(caller, refused) and caller.account:
                lockout.failed(caller.account, caller.address)
            raise
        lockout.proved(caller.account, caller.address)
        turnstile.proved(caller, sender.id, envelope.message_id)
        return sender, envelope


def _failure(failure: Exception, progress: Progress, exchange: Exchange) -> tuple[int, str]:
    """Code and text of an answer that is not a success.

    After a commit nothing may be told as "not done", be it a refusal or a fault of ours: the caller
    sends the same message again and is answered from what was written.
    """
    about = {"number": progress.number, "message_id": progress.message_id}
    if isinstance(failure, OutcomeUnknown):
        log.error("outcome_unknown", **about, exc_info=failure)
        return OUTCOME_UNKNOWN, (
            "数据库未答复，本次请求是否生效不明：请用原报文编号重发，或发起冲正（2601）"
        )
    if isinstance(failure, Refused) and not progress.took_effect:
        refusal = failure.refusal
        log.info("refused", **about, code=refusal.code.name, field=refusal.field)
        exchange.rule = refusal.code.name
        exchange.refused_field = official_path(refusal.field) if refusal.field else ""
        return int(refusal.code), clerk_text(refusal)
    reference = secrets.token_hex(4)
    log.error("call_failed", **about, reference=reference, exc_info=failure)
    if progress.took_effect:
        return OUTCOME_UNKNOWN, (
            f"请求已受理但答复失败：请用原报文编号重发以取得结果；故障编号 {reference}"
        )
    return int(RefusalCode.FAILED), (
        f"系统处理失败，本次请求未生效，请用原报文编号重发；故障编号 {reference}"
    )


class _RecentReference:
    """Directory and catalogue, at most ``reference_age`` old.

    A key or contract that has just changed is seen by the door that much later; what is written is
    checked again, exactly, by the batch that writes it.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self._reference: Reference | None = None
        self._taken = 0.0
        self._refreshing = asyncio.Lock()

    async def current(self) -> Reference:
        if self._reference is not None and (self._is_recent() or self._refreshing.locked()):
            return self._reference
        async with self._refreshing:
            if self._reference is None or not self._is_recent():
                return await self._load()
            return self._reference

    async def fresh(self) -> Reference:
        """The reference with all that has been committed."""
        async with self._refreshing:  # not the one that somebody began to load before
            return await self._load()

    async def _load(self) -> Reference:
        taken = time.monotonic()
        async with self.context.database.reader(None) as connection:
            self._reference = await self.context.references.current(connection)
        self._taken = taken
        return self._reference

    def _is_recent(self) -> bool:
        return time.monotonic() - self._taken < self.context.reference_age


def _institution(
    reference: Reference, sender: Sender, envelope: Envelope, day: Any
) -> tuple[Institution, InstitutionTerm]:
    """The institution that the envelope names, if the sender may speak for it today."""
    code = envelope.institution
    institution = reference.directory.institution(code)
    if institution is None:
        raise Refused(
            RefusalCode.INSTITUTION_UNKNOWN,
            f"fixmedins_code（定点医药机构编号）{code} 不存在",
            "fixmedins_code",
        )
    if not sender.may_speak_for(code, day):
        raise Refused(
            RefusalCode.INSTITUTION_NOT_ALLOWED,
            f"发送方 {sender.id} 未获授权代表 fixmedins_code（定点医药机构编号）{code} 发送交易",
            "fixmedins_code",
        )
    term = institution.term_on(day)
    if term is None:
        raise Refused(
            RefusalCode.INSTITUTION_SUSPENDED,
            f"fixmedins_code（定点医药机构编号）{code} 当日不在定点协议期内",
            "fixmedins_code",
        )
    return institution, term


# ------------------------------------------------------------------------------------------- HTTP

_DRAIN_LIMIT = 64 * 1024 * 1024
"""A body over the limit is taken in and thrown away up to here, so that the sender is still there
to read why it was refused."""


def _headers(scope: Scope) -> Headers:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


async def _read_body(headers: Headers, receive: Receive, limit: int) -> bytes | None:
    """The request's body, or None when it is longer than ``limit`` bytes (then it is not kept)."""
    declared = headers.get("content-length", "")
    too_large = declared.isdigit() and int(declared) > limit
    chunks: list[bytes] = []
    size = 0
    while size <= _DRAIN_LIMIT:
        message = await receive()
        if message["type"] != "http.request":  # the caller has gone
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            too_large = True
            chunks.clear()
        elif not too_large:
            chunks.append(chunk)
        if not message.get("more_body", False):
            break
    return None if too_large else b"".join(chunks)


_LOOKED_AT = 256 * 1024
"""A longer body is not read to find out whether its call is urgent."""


def _is_short(scope: Scope) -> bool:
    declared = dict(scope["headers"]).get(b"content-length", b"")
    return scope["method"] == "POST" and declared.isdigit() and int(declared) <= _LOOKED_AT


async def _read_ahead(receive: Receive) -> Receive:
    """What gives the whole short body as one message, as often as it is asked."""
    body = await _read_body({}, receive, _LOOKED_AT)

    async def again() -> Message:
        return {"type": "http.request", "body": body or b"", "more_body": False}

    return again


async def turn_away(send: Send, now: datetime, why: str, *, close: bool = False) -> None:
    """Answer "not accepted, nothing done, send the same message again", and remember nothing.

    ``close`` ends the connection as well, so that the next message takes another way.
    """
    answer = write_answer(Answer(int(RefusalCode.BUSY), now, error=why), now)
    await _respond(send, _JSON, answer, headers=_CLOSE if close else _LATER)


_LATER = ((b"retry-after", b"1"),)
_CLOSE = (*_LATER, (b"connection", b"close"))


_JSON = b"application/json; charset=utf-8"
_FILE = b"application/octet-stream"


async def _respond(
    send: Send,
    kind: bytes,
    body: bytes,
    status: int = 200,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", kind),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
