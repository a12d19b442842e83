"""Sign-in, sign-out, code tables."""

from tests.gateway.builders import Counter
from tests.settlement.builders import OTHER_TERTIARY

SIGN_IN = {"signIn": {"opter_no": "0001", "mac": "00-00-00-00-00-00", "ip": "10.0.0.1"}}


async def test_an_operator_signs_in_and_out(counter: Counter) -> None:
    signed = (await counter.done("9001", SIGN_IN))["signinoutb"]
    assert signed["sign_time"] == "2026-07-15 12:00:00"
    assert 0 < len(signed["sign_no"]) <= 30
    content = {"signOut": {"sign_no": signed["sign_no"], "opter_no": "0001"}}
    output = await counter.done("9002", content)
    assert output["sign_time"] == output["signoutoutb"]["sign_time"] == "2026-07-15 12:00:00"
    assert (await counter.refused("9002", content))[0] == 1012


async def test_a_repeated_sign_in_gets_the_same_number(counter: Counter) -> None:
    message = counter.message_id()
    first = await counter.done("9001", SIGN_IN, message=message)
    assert await counter.done("9001", SIGN_IN, message=message) == first
    assert await counter.done("9001", SIGN_IN) != first


async def test_the_sign_in_number_may_stand_in_the_envelope(counter: Counter) -> None:
    signed = (await counter.done("9001", SIGN_IN))["signinoutb"]
    assert await counter.done("9002", {}, sign_no=signed["sign_no"])


async def test_the_trials_node_of_a_sign_in_is_understood(counter: Counter) -> None:
    trial = {"userid": "1", "password": "x", "currenttime": "2026-07-15 12:00:00"}
    signed = await counter.done("9001", {"data": SIGN_IN["signIn"] | trial})
    number = signed["signinoutb"]["sign_no"]
    await counter.done("9002", {"data": {"sign_no": number, "opter_no": "0001"}})


async def test_nobody_signs_out_another_institutions_operator(counter: Counter) -> None:
    signed = (await counter.done("9001", SIGN_IN))["signinoutb"]
    counter.institution = OTHER_TERTIARY
    for number in (signed["sign_no"], "nonsense", "110000" + "0" * 19):
        code, text = await counter.refused("9002", {"signOut": {"sign_no": number}})
        assert code == 1012, number
        assert "sign" in text


async def test_code_tables_are_answered_by_name(counter: Counter) -> None:
    content = {"data": {"type": "insutype", "valiFlag": "1"}}
    rows = (await counter.done("1901", content))["list"]
    assert {"310", "390"} <= {row["value"] for row in rows}
    employee = next(row for row in rows if row["value"] == "310")
    assert employee["label"] == "职工基本医疗保险"
    assert [row["sort"] for row in rows] == list(range(1, len(rows) + 1))
    invalid = {"data": {"type": "insutype", "valiFlag": "0"}}
    assert (await counter.done("1901", invalid))["list"] == []
    assert (await counter.refused("1901", {"data": {"type": "x", "valiFlag": "1"}}))[0] == 4010
