"""The Python client of the institution interface (医药机构接口). It uses the kernel alone.

    endpoint = Endpoint(base_url, institution="H11010599001", ...)
    async with Client(endpoint) as client:
        answer = await client.call("1101", {"data": {"mdtrt_cert_type": "02", ...}})
        if answer.outcome is CallOutcome.DONE:
            ...

A call ends in one of three ways, told apart as values: done, refused, unknown. Only the caller can
know what an unknown outcome means for its books, so nothing here repeats a call by itself.
"""

from yibao.client.connection import Client
from yibao.client.model import Answer, CallOutcome, Endpoint, Family, NotDone
from yibao.client.numbers import MessageNumbers

__all__ = [
    "Answer",
    "CallOutcome",
    "Client",
    "Endpoint",
    "Family",
    "MessageNumbers",
    "NotDone",
]
