"""Sign-in and sign-out of an operator (签到、签退)."""

from collections.abc import Mapping
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.writing import moment
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.institutions.model import SessionFacts, SignIn, SignOut
from yibao.registry.institutions.service import recall_session


@transaction("9001")
async def sign_in(call: Call) -> Any:
    """Sign an operator in; ``sign_no`` may go into later envelopes."""
    data = call.input["signIn"]
    request = SignIn(call.institution.code, data["opter_no"], data["ip"], data.get("mac"))
    facts = await _perform(call, request)
    return {
        "signinoutb": {
            "sign_time": moment(facts.signed_in_at),
            "sign_no": facts.key.text(),
        }
    }


@transaction("9002")
async def sign_out(call: Call) -> Any:
    """Sign an operator out; the number may stand in the node or in the envelope."""
    data = call.input["signOut"]
    number = data.get("sign_no") or call.envelope.sign_no
    if not number:
        raise missing("signOut.sign_no", "签到编号")
    key = parse_pool_key(number)
    if key is None or key.pool != NO_PERSON_POOL:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"signOut.sign_no（签到编号）{number} 不存在或不属于本机构",
            "signOut.sign_no",
        )
    operator = data.get("opter_no") or call.envelope.operator
    facts = await _perform(call, SignOut(call.institution.code, operator, key))
    time = moment(facts.signed_out_at or call.received)
    # Clients look for the time in this node or at the root; sources disagree, so both are there.
    return {"sign_time": time, "signoutoutb": {"sign_time": time}}


async def _perform(call: Call, request: SignIn | SignOut) -> SessionFacts:
    async def recall(reference: Mapping[str, Any]) -> SessionFacts:
        async with call.context.database.reader([call.institution.code]) as connection:
            return await recall_session(connection, reference)

    facts: SessionFacts = await call.perform(
        NO_PERSON_POOL, call.institution.code + request.operator, request, recall
    )
    return facts
