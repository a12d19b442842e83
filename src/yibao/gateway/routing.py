"""Which transaction is meant: by the path, by the body, by the API name of a CSB gateway.

Provinces differ: one address for all, one a transaction, the number at the end of the path, or an
API name in a header. All are understood at once; what contradicts itself is refused.
"""

import re
from functools import cache, lru_cache

from yibao.gateway.tables import tables
from yibao.kernel.refusals import RefusalCode, Refused

NUMBER = re.compile(r"(?:\d{4}|D\d{3})[0-9A-Z]{0,2}", re.ASCII)
"""Four digits, or D and three (电子处方中心), with up to two characters behind."""

_MORE_PATHS = {
    "fixmedins/uploadchk": "D001",
    "fixmedins/rxfixmedinssign": "D002",
    "fixmedins/rxfileupld": "D003",
    "fixmedins/rxundo": "D004",
    "fixmedins/hosprxdetlquery": "D005",
    "fixmedins/rxchkinfoquery": "D006",
    "fixmedins/rxsetlinfoquery": "D007",
    "fixmedins/circdrugquery": "D008",
    "hos/uldfeeinfo": "6201",
    "hos/pay_order": "6202",
    "hos/refund_order": "6203",
    "hos/query_order_info": "6301",
    "hos/revoke_order": "6401",
    "outpatientsettleservice/savesettletmentv2": "2207",
    "hospsettservice/settv2": "2304",
}
"""Ends of paths, in lower case, that the field tables do not have: the e-prescription centre's, the
mobile-pay centre's, and newer ones of Hebei."""


@lru_cache(maxsize=4096)  # a hospital calls the same paths all day
def numbers_of_path(path: str) -> frozenset[str]:
    """The transactions a path may mean: its last number, else those that have this path.

    ``/hsa/hgs/2207``, ``/callService/2207A`` and ``/ebus-hsa-hgs-2207`` name one;
    ``/fsi/api/fsiPsnInfoService/queryPsnInfo`` is 1101's own; most name none.
    """
    segments = [segment for segment in path.split("/") if segment]
    for segment in reversed(segments):
        for piece in (segment, segment.rsplit("-", 1)[-1]):
            if NUMBER.fullmatch(piece.upper()):
                return frozenset({piece.upper()})
    return _paths().get("/".join(segments[-2:]).lower(), frozenset())


@cache
def _paths() -> dict[str, frozenset[str]]:
    found = {path: frozenset({number}) for path, number in _MORE_PATHS.items()}
    for number, table in tables().transactions.items():
        if table.path:
            end = "/".join(table.path.strip("/").split("/")[-2:]).lower()
            found[end] = found.get(end, frozenset()) | {number}
    return found


@lru_cache(maxsize=4096)
def number_of_api_name(name: str) -> str | None:
    """The number in a CSB gateway's API name (``2207``, ``fsi_2207``), if there is one."""
    for piece in reversed(re.split(r"[^0-9A-Za-z]+", name)):
        if NUMBER.fullmatch(piece.upper()):
            return piece.upper()
    return None


@lru_cache(maxsize=4096)  # so do its messages
def choose_number(in_body: str, of_path: frozenset[str], api_name: str = "") -> str:
    """The transaction's number as called, with its suffix letter where anyone wrote one.

    Refused when path and body disagree in more than the suffix letter, or nobody names one.
    """
    in_body = in_body.upper()
    if in_body and of_path and in_body[:4] not in {number[:4] for number in of_path}:
        raise _mismatch(in_body, f"请求路径中的交易编号 {'、'.join(sorted(of_path))}")
    named = number_of_api_name(api_name) if api_name else None
    if in_body and named == api_name.upper() and named[:4] != in_body[:4]:
        raise _mismatch(in_body, f"请求头 _api_name 中的交易编号 {named}")
    candidates = {in_body} if in_body else set(of_path)
    if in_body and len(of_path) == 1:
        candidates |= of_path
    if not candidates and named:
        candidates = {named}
    if not candidates or (len(candidates) > 1 and not in_body):
        raise Refused(RefusalCode.FIELD_MISSING, "infno（交易编号）不能为空", "infno")
    number = max(candidates, key=len)  # the suffix letter says more
    if not NUMBER.fullmatch(number):
        raise Refused(
            RefusalCode.UNKNOWN_TRANSACTION,
            f"infno（交易编号）{number} 无效，应为4位数字，可带后缀字母",
            "infno",
        )
    return number


def _mismatch(in_body: str, other: str) -> Refused:
    return Refused(
        RefusalCode.TRANSACTION_MISMATCH, f"infno（交易编号）{in_body} 与{other} 不一致", "infno"
    )
