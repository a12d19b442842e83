"""The Python client of the institution interface (医药机构接口). It uses the kernel alone.

    endpoint = Endpoint(base_url, institution="H11010599001", ...)
    async with Client(endpoint) as client:
        answer = await client.call("1101", {"data": {"mdtrt_cert_type": "02", ...}})
        if answer.outcome is CallOutcome.DONE:
            ...

A call ends in one of three ways, told apart as values: done, refused, unknown. ``call`` never
repeats anything by itself; ``make_sure`` goes on from an unknown outcome by asking, and undoes by
reversal what nobody can find. ``BlockingClient`` does the same without an event loop.
"""

from yibao.client.blocking import BlockingClient
from yibao.client.connection import Client, follow
from yibao.client.model import Answer, CallOutcome, Endpoint, Family, NotDone
from yibao.client.numbers import MessageNumbers
from yibao.client.recovery import CAREFUL, REPEATING, Care, Ending, Resolution, Send, made_sure

__all__ = [
    "CAREFUL",
    "REPEATING",
    "Answer",
    "BlockingClient",
    "CallOutcome",
    "Care",
    "Client",
    "Ending",
    "Endpoint",
    "Family",
    "MessageNumbers",
    "NotDone",
    "Resolution",
    "Send",
    "follow",
    "made_sure",
]
