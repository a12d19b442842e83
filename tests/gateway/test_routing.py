"""Which transaction is meant."""

import pytest

from yibao.gateway.routing import choose_number, number_of_api_name, numbers_of_path
from yibao.kernel.refusals import RefusalCode, Refused


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/hsa/hgs/2207", "2207"),
        ("/hsa/hgs/2207A", "2207A"),
        ("/hsa/hgs/2207a/", "2207A"),
        ("/ebus/gzyb-hsa-hgs-2207", "2207"),
        ("/fsi/api/rsfComIfsService/callService/1101", "1101"),
        ("/fsi/api/fsiPsnInfoService/queryPsnInfo", "1101"),
        ("/fsi/api/fileupload/download", "9102"),
        ("/api/fsiextend/medinsmonsettlement/medinsDaySetlReconciliation", "3211"),
        ("/epc/api/fixmedins/uploadChk", "D001"),
        ("/center/epc/api/fixmedins/circDrugQuery", "D008"),
        ("/hsa/D001", "D001"),
        ("/org/local/api/hos/refund_Order", "6203"),
        ("/2026/hsa/2207", "2207"),
    ],
)
def test_a_path_names_a_transaction(path: str, number: str) -> None:
    assert numbers_of_path(path) == {number}


@pytest.mark.parametrize(
    "path",
    ["/fsi/api/rsfComIfsService/callService", "/20260715/callService", "/", "/22", "/ebus/rio_fsi"],
)
def test_most_paths_name_none(path: str) -> None:
    assert numbers_of_path(path) == frozenset()


@pytest.mark.parametrize(
    ("in_body", "path", "api_name", "number"),
    [
        ("2207", "/", "", "2207"),
        ("2207a", "/", "", "2207A"),
        ("", "/hsa/hgs/2207A", "", "2207A"),
        ("2207", "/hsa/hgs/2207", "", "2207"),
        ("2207A", "/hsa/hgs/2207", "", "2207A"),
        ("2207", "/hsa/hgs/2207A", "", "2207A"),
        ("", "/", "2207", "2207"),
        ("", "/", "fsi_2207", "2207"),
        ("2206", "/", "hssServives", "2206"),
        ("2206", "/", "release_2026", "2206"),
    ],
)
def test_body_path_and_api_name_together_name_one(
    in_body: str, path: str, api_name: str, number: str
) -> None:
    assert choose_number(in_body, numbers_of_path(path), api_name) == number


@pytest.mark.parametrize(
    ("in_body", "path", "api_name"), [("2207", "/hsa/hgs/2206", ""), ("2207", "/", "2206")]
)
def test_who_contradicts_himself_is_refused(in_body: str, path: str, api_name: str) -> None:
    with pytest.raises(Refused) as refused:
        choose_number(in_body, numbers_of_path(path), api_name)
    assert refused.value.refusal.code is RefusalCode.TRANSACTION_MISMATCH


@pytest.mark.parametrize(
    ("in_body", "code"),
    [
        ("", RefusalCode.FIELD_MISSING),
        ("22", RefusalCode.UNKNOWN_TRANSACTION),
        ("2207ABC", RefusalCode.UNKNOWN_TRANSACTION),
    ],
)
def test_what_is_no_number_is_refused(in_body: str, code: RefusalCode) -> None:
    with pytest.raises(Refused) as refused:
        choose_number(in_body, frozenset())
    assert refused.value.refusal.code is code


def test_an_api_name_without_number_names_none() -> None:
    assert number_of_api_name("queryPsnInfo") is None
