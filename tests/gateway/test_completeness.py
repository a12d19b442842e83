"""What the tables promise in an answer is there."""

from typing import Any

from tests.gateway.builders import Counter, Json
from tests.gateway.stays import admitted, purchase
from tests.settlement.builders import PHARMACY
from yibao.gateway.tables import tables

UNKNOWN_TO_US = {
    "5204.dosform_name",  # the catalogue has no dosage forms
    "1901.createUser",
    "1901.createDate",
}
UNKNOWN_TO_US_OF_STAYS = {"5204.dosform_name"}


def unfilled(number: str, output: Any) -> set[str]:
    """Required fields of the output's nodes that are null or absent."""
    found: set[str] = set()
    for node in tables().transactions[number].output:
        content = output if isinstance(output, list) else output.get(node.name, [])
        rows = content if isinstance(content, list) else [content]
        for row in rows:
            found |= {
                f"{number}.{field.name}"
                for field in node.fields
                if field.required == "Y" and row.get(field.name) is None
            }
    return found


async def test_every_required_field_of_an_answer_is_filled(counter: Counter) -> None:
    member = await counter.town.insure(account="500")
    whose: Json = {"psn_no": member}
    answers: dict[str, Any] = {}

    async def ask(number: str, content: Any) -> Any:
        answers[number] = await counter.done(number, content)
        return answers[number]

    signed = await ask("9001", {"signIn": {"opter_no": "1", "ip": "10.0.0.1"}})
    await ask("1901", {"data": {"type": "gend", "valiFlag": "1"}})
    card = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "990101198001010001"}
    await ask("1101", {"data": card})
    entitlement = {
        "insutype": "310",
        "fixmedins_code": counter.institution,
        "med_type": "11",
        "begntime": "2026-07-15 12:00:00",
    }
    await ask("2001", {"data": whose | entitlement})
    visit = (await ask("2201", counter.registration(member)))["data"]["mdtrt_id"]
    await counter.done("2203", counter.description(member, visit))
    priced = (await ask("2204", {"feedetail": counter.fee(member, visit, "1", "2000")}))["result"]
    content = counter.settlement(member, visit, priced)
    await ask("2206", content)
    settlement = (await ask("2207", content))["setlinfo"]["setl_id"]
    named = whose | {"mdtrt_id": visit, "setl_id": settlement}
    span = {"begntime": "2026-07-15", "endtime": "2026-07-16", "med_type": "11"}
    await ask("5201", {"data": whose | span})
    await ask("5202", {"data": named})
    await ask("5203", {"data": named})
    await ask("5204", {"data": named})
    await ask("5206", {"data": whose})
    await ask("2208", {"data": named})
    await ask("9002", {"signOut": {"sign_no": signed["signinoutb"]["sign_no"]}})
    missing = {name for number, output in answers.items() for name in unfilled(number, output)}
    assert missing == UNKNOWN_TO_US


async def test_every_required_field_of_a_stays_answers_is_filled(counter: Counter) -> None:
    stay = await admitted(counter)
    answers: dict[str, Any] = {}

    async def ask(number: str, content: Any) -> Any:
        answers[number] = await counter.done(number, content)
        return answers[number]

    stay.priced = (await ask("2301", {"feedetail": [stay.fee("1", "3000")]}))["result"]
    span = {"begntime": "2026-07-01", "endtime": "2026-07-31", "med_type": "21"}
    await ask("5303", {"data": span | {"psn_no": stay.member}})
    await counter.done("2402", stay.discharge())
    await ask("2303", stay.settlement())
    settlement = (await ask("2304", stay.settlement()))["setlinfo"]["setl_id"]
    named = stay.whose | {"setl_id": settlement}
    await ask("5201", {"data": span | stay.whose})
    for number in ("5202", "5203", "5204"):
        await ask(number, {"data": named})
    await ask("2305", {"data": named})
    counter.institution = PHARMACY
    bought = (await ask("2102", purchase(counter, stay.member)))["setlinfo"]
    await ask("2103", {"data": {"setl_id": bought["setl_id"]}})
    missing = {name for number, output in answers.items() for name in unfilled(number, output)}
    assert missing == UNKNOWN_TO_US_OF_STAYS
