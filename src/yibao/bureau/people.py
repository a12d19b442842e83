"""Which people a proposal names, so that the access record can say who was shown. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from yibao.bureau.model import Proposal

NUMBERS = frozenset(
    {
        *("member", "owner", "relative", "represented", "representative", "consented_by"),
        *("kept", "gone", "to_member", "number", "payee"),
    }
)
"""Names under which contents and results of all kinds keep persons' numbers (人员编号)."""


def people_in(proposal: Proposal) -> list[str]:
    """The persons' numbers in a proposal's content and result, each once."""
    return list(dict.fromkeys(_numbers([proposal.content, proposal.result])))


def _numbers(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name in NUMBERS and isinstance(part, str):
                if part[:1].isdigit():  # a payee may be an institution; its code begins otherwise
                    yield part
            else:
                yield from _numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part)
