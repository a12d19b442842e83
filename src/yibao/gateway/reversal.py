"""Reversal (冲正, 2601): undo whatever an earlier message did, if it did anything."""

from typing import Any

from yibao.gateway.context import Call
from yibao.gateway.dispatch import transaction
from yibao.gateway.pools import pool_of_member
from yibao.settlement.model import Reverse


@transaction("2601")
async def reverse(call: Call) -> Any:
    """Done also when sent twice, or for a message that never came."""
    data = call.input["data"]
    pool = pool_of_member(call, data["psn_no"])
    await call.perform(
        pool,
        data["psn_no"],
        Reverse(
            institution=call.institution.code,
            member=data["psn_no"],
            original_transaction=data["oinfno"][:4],
            original_message=data["omsgid"],
            message_id=call.envelope.message_id,
        ),
    )
