"""Where the kit is pointed: a TOML file about any server.

url = "http://127.0.0.1:8765"
family = "x-tif"                  # or "csb"
path = "/hsa/hgs/{infno}"         # optional: by the family
diagnosis = ["J06.900", "急性上呼吸道感染"]

[hospital]
code = "H11010599001"
name = "测试医院"
division = "110105"
key = "account"
secret = "secret"

[pharmacy]                        # optional, the same keys

[person]
voucher_type = "02"
voucher = "…"
scheme = "310"

[[items]]
code = "…"
price = "12.50"
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yibao.client import Endpoint, Family
from yibao.conformance.model import COMMON_COLD, Item, Person, Target


class TargetFault(Exception):  # noqa: N818 - reads as a fact
    """What describes the target lacks something; the text names it."""


def read_target(path: Path) -> Target:
    """The target that a TOML file describes. Raises TargetFault."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TargetFault(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise TargetFault(f"{path}: {error}") from None
    try:
        diagnosis = told.get("diagnosis", COMMON_COLD)
        return Target(
            hospital=_endpoint(told, told["hospital"]),
            pharmacy=_endpoint(told, told["pharmacy"]) if "pharmacy" in told else None,
            person=Person(
                str(told["person"]["voucher_type"]),
                str(told["person"]["voucher"]),
                str(told["person"]["scheme"]),
                str(told["person"].get("number", "")),
            ),
            items=tuple(Item(str(row["code"]), str(row["price"])) for row in told["items"]),
            diagnosis=(str(diagnosis[0]), str(diagnosis[1])),
        )
    except KeyError as error:
        raise TargetFault(f"{path}: {error.args[0]} is missing") from None
    except (TypeError, ValueError, IndexError) as error:
        raise TargetFault(f"{path}: {type(error).__name__} {error}") from None


def _endpoint(told: Mapping[str, Any], row: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        base_url=str(told["url"]).rstrip("/"),
        institution=str(row["code"]),
        name=str(row["name"]),
        division=str(row["division"]),
        family=Family(told["family"]),
        key_id=str(row["key"]),
        secret=str(row["secret"]),
        url_path=told.get("path"),
    )
