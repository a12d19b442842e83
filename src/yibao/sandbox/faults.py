"""Faults on purpose, so that a hospital can try its recovery: late, refused, unknown, cut."""

import asyncio
import os
import socket
import stat
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from yibao.gateway.exchange import Exchange
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.service import OutcomeUnknown
from yibao.sandbox.store.shared import SharedFile
from yibao.web.model import Fault, FaultWish, ToolRefused

DELAY, REFUSE, UNKNOWN = "delay", "refuse", "unknown"
LOSE_REQUEST, LOSE_REPLY = "lose_request", "lose_reply"
KINDS = (DELAY, REFUSE, UNKNOWN, LOSE_REQUEST, LOSE_REPLY)

LONGEST_DELAY = 600.0
MOST = 100_000


class InjectedFaults:
    """The faults that wait, shared by all processes; a gateway asks before each message."""

    def __init__(self, shared: SharedFile) -> None:
        self._shared = shared
        self._version = -1
        self._waiting: tuple[Fault, ...] = ()

    # ------------------------------------------------------------------------- what a tool does

    def inject(self, wish: FaultWish) -> Fault:
        """Let a fault wait for messages; ToolRefused when the wish makes no sense."""
        _check(wish)
        number = self._shared.add_fault(msgspec.json.encode(wish).decode(), wish.count)
        self._read()
        return Fault(number, wish, wish.count)

    def waiting(self) -> Sequence[Fault]:
        """The faults that will still hit something, oldest first."""
        self._read()
        return self._waiting

    def clear(self, id: int | None = None) -> None:  # noqa: A002 - the fault's id
        """Take one fault away, or all."""
        self._shared.remove_faults(id)
        self._read()

    # ---------------------------------------------------------------------- what a gateway asks

    async def before(self, exchange: Exchange) -> None:
        """Delay, refuse or cut a message that a fault waits for, or note that its reply is lost."""
        if self._shared.version() != self._version:
            self._read()
        if not self._waiting:
            return
        wish = self._take(exchange)
        if wish is None:
            return
        exchange.fault = wish.kind
        if wish.kind == DELAY:
            await asyncio.sleep(wish.seconds)
        elif wish.kind == REFUSE:
            raise Refused(RefusalCode(wish.code), wish.text or "沙箱注入的故障：按要求拒绝")
        elif wish.kind == UNKNOWN:
            raise OutcomeUnknown("沙箱注入的故障：结果不明")
        elif wish.kind == LOSE_REQUEST:
            raise Refused(RefusalCode.BUSY, "沙箱注入的故障：连接已断开，请求未处理")

    def reply_is_lost(self, exchange: Exchange) -> bool:
        """Whether the caller gets no answer at all."""
        return exchange.fault in (LOSE_REQUEST, LOSE_REPLY)

    def _take(self, exchange: Exchange) -> FaultWish | None:
        """The first fault for the message, one hit used up; other processes use them up too."""
        for fault in self._waiting:
            wish = fault.wish
            if wish.number not in ("", exchange.number, exchange.number[:4]):
                continue
            if wish.institution not in ("", exchange.institution):
                continue
            if self._shared.hit_by_fault(fault.id):
                self._read()
                return wish
        self._read()
        return None

    def _read(self) -> None:
        self._version = self._shared.version()
        self._waiting = tuple(
            Fault(id_, msgspec.json.decode(wish, type=FaultWish), remain)
            for id_, wish, remain in self._shared.faults()
        )


def _check(wish: FaultWish) -> None:
    if wish.kind not in KINDS:
        raise ToolRefused(f"kind is one of {', '.join(KINDS)}", f"故障应为{'、'.join(KINDS)}之一")
    if not 1 <= wish.count <= MOST:
        raise ToolRefused(f"count lies in 1..{MOST}", f"次数应在1至{MOST}之间")
    if not 0 <= wish.seconds <= LONGEST_DELAY:
        raise ToolRefused(
            f"seconds lie in 0..{LONGEST_DELAY:.0f}", f"秒数应在0至{LONGEST_DELAY:.0f}之间"
        )
    if wish.kind == REFUSE and wish.code not in set(RefusalCode):
        raise ToolRefused(f"{wish.code} is no refusal code", f"{wish.code}不是拒绝代码")


def cut_connection(client: Sequence[str | int] | None) -> bool:
    """Close the TCP connection to a client without a word; False when it is not one of ours.

    An ASGI application cannot ask its server for that: an exception becomes an answer, "500". So
    the socket is found among this process's descriptors by its peer and shut down under the server.
    """
    if client is None:
        return False
    host, port = str(client[0]), int(client[1])  # granian gives the port as text
    for descriptor in _descriptors():
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as found:
                if found.family in (socket.AF_INET, socket.AF_INET6) and _is(found, host, port):
                    found.shutdown(socket.SHUT_RDWR)
                    return True
    return False


def _is(found: socket.socket, host: str, port: int) -> bool:
    peer = found.getpeername()
    return bool(peer[1] == port and str(peer[0]).removeprefix("::ffff:") == host)


def _descriptors() -> list[int]:
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"  # noqa: PTH112
    return [int(name) for name in os.listdir(folder) if name.isdigit()]  # noqa: PTH208
