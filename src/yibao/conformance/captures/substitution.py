"""Ids of the platform that was captured, in the words of the one that answers now.

A captured stay names the visit that *its* platform had opened. The numbers that a server gives are
learnt from its answers, field by field beside the captured ones, and put into what follows; where
no answer was captured, the newest number of the same name is taken. So are the sums that a
settlement hands back.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from yibao.conformance.captures.digits import decode, encode
from yibao.conformance.captures.sums import HandedBack

GIVEN = (
    *("psn_no", "mdtrt_id", "setl_id", "sign_no", "insuplc_admdvs", "file_qury_no"),
    *("trt_dcla_detl_sn", "clr_appy_evt_id", "payOrdId", "payToken", "hiRxno", "rxTraceCode"),
    *("ecToken", "setlListId", "setl_list_id"),
)
"""Fields whose values a platform gives."""
_MESSAGE_IDS = ("msgid", "omsgid")


class Substitution:
    """What is known of one replay."""

    def __init__(self, *, fresh_messages: bool = True) -> None:
        """``fresh_messages``: every message gets a new id, and reversals name the new one."""
        self._fresh = fresh_messages
        self._known: dict[tuple[str, str], str] = {}
        self._newest: dict[str, str] = {}
        self._sums = HandedBack()

    def apply(self, body: str, new_message: str) -> str:
        """A captured body with everything in it that is known by another value."""
        document = decode(body)
        if self._fresh and isinstance(document, dict) and "msgid" in document:
            self._known["msgid", str(document["msgid"])] = new_message
        if not isinstance(document, dict):
            return body
        inner = document.get("input")
        as_text = inner if isinstance(inner, str) and inner.lstrip().startswith("{") else None
        content = self._put(inner if as_text is None else decode(as_text))
        self._sums.put(str(document.get("infno") or ""), content)
        put = self._put({**document, "input": None})
        return encode({**put, "input": content if as_text is None else encode(content)})

    def learn(
        self, sent: str, captured: Mapping[str, Any] | None, answered: Mapping[str, Any]
    ) -> None:
        """Take note of the ids in an answer, beside the captured one where there is one."""
        self._learn_sums(sent, answered)
        then = dict(_ids(captured.get("output"))) if captured is not None else {}
        for place, (name, value) in _ids(answered.get("output")):
            self._newest[name] = value
            if place in then:
                self._known[name, then[place][1]] = value

    def _learn_sums(self, sent: str, answered: Mapping[str, Any]) -> None:
        document = decode(sent)
        if not isinstance(document, dict) or str(answered.get("infcode")) != "0":
            return
        content, output = document.get("input"), answered.get("output")
        content = decode(content) if isinstance(content, str) and content else content
        output = decode(output) if isinstance(output, str) and output else output
        self._sums.learn(str(document.get("infno") or ""), content, output)

    def _put(self, document: Any, name: str = "") -> Any:
        if isinstance(document, dict):
            return {key: self._put(value, key) for key, value in document.items()}
        if isinstance(document, list):
            return [self._put(value, name) for value in document]
        if name in _MESSAGE_IDS:
            return self._known.get(("msgid", str(document)), document)
        if name in GIVEN and document not in (None, ""):
            return self._known.get((name, str(document))) or self._newest.get(name, document)
        return document


_Place = tuple[str | int, ...]


def _ids(document: Any, place: _Place = ()) -> Iterator[tuple[_Place, tuple[str, str]]]:
    """Every id of an output with its place."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            if name in GIVEN and isinstance(value, str | int) and value != "":
                yield (*place, name), (name, str(value))
            else:
                yield from _ids(value, (*place, name))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _ids(value, (*place, index))
