"""Pages of transactions come from the program itself."""

import pytest

from tests.web.builders import Sandbox, text_of
from yibao.gateway.dispatch import offered
from yibao.gateway.tables import tables


async def test_all_transactions_are_listed(sandbox: Sandbox) -> None:
    page = await sandbox.page("/ui/transactions")
    for number in tables().transactions:
        assert f'href="/ui/transactions/{number}"' in page
    fewer = await sandbox.page("/ui/transactions?offered_only=true")
    assert fewer.count("<tr>") == len(offered()) + 1


async def test_each_has_a_page(sandbox: Sandbox) -> None:
    for number, table in tables().transactions.items():
        text = text_of(await sandbox.page(f"/ui/transactions/{number}"))
        assert number in text
        for node in table.input:
            assert node.name in text


async def test_a_page_tells_fields_codes_and_an_example(sandbox: Sandbox) -> None:
    text = text_of(await sandbox.page("/ui/transactions/2201"))
    assert "mdtrt_cert_type 就诊凭证类型" in text
    assert "居民身份证" in text
    assert "已开放" in text
    assert "BALANCE_SHORT" in text


@pytest.mark.parametrize("number", ["nope", "9999999", "<b>"])
async def test_an_unknown_one_is_told(sandbox: Sandbox, number: str) -> None:
    await sandbox.page(f"/ui/transactions/{number}", 404)
