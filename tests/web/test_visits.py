"""The page of a visit: lines, settlement, entries, messages."""

from tests.web.builders import Sandbox, text_of


async def test_a_settled_visit_is_told_to_the_ledger(sandbox: Sandbox) -> None:
    counter = sandbox.counter
    member = await counter.town.insure(account="500")
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "100.00"), ("XC01", "8.50"))
    await counter.done("2207", counter.settlement(member, visit, priced))
    await sandbox.newest()
    text = text_of(await sandbox.page(f"/ui/visits/{visit}"))
    assert "108.50" in text
    assert "自费药" in text
    assert "institution:H11000000001:claimed" in text
    assert "门诊结算" in text
    assert visit in await sandbox.page("/ui/visits")


async def test_a_visit_is_found_by_its_number(sandbox: Sandbox) -> None:
    answer = await sandbox.browser.get("/ui/visits?mdtrt_id=1100001")
    assert answer.headers["location"] == "/ui/visits/1100001"


async def test_an_unknown_visit_is_told(sandbox: Sandbox) -> None:
    assert "没有这次就诊" in await sandbox.page("/ui/visits/1100001", 404)
    assert "没有这次就诊" in await sandbox.page(f"/ui/visits/110000{7:019d}", 404)
