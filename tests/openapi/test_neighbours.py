"""Strangers try to reach a person's and a pool's data by every call that there is.

The list of calls makes itself: a new one is tried with all names that the person has, without
anybody writing a test for it.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.bureau.builders import FIRST, kind_for_tests
from tests.openapi.builders import App, signed_in
from tests.openapi.test_application import offered
from tests.settlement.builders import POOL, RESIDENT, key_of
from yibao.bureau.clerks.model import Clerk
from yibao.kernel.areas import Pool

pytestmark = pytest.mark.database

ELSEWHERE = Clerk("elsewhere", "测试经办丁", (Pool("430100"),))
OPENING = {"POST /sessions", "POST /clerk-sessions"}
"""Who opens a session has proved another right: an app's, a clerk's key."""


@dataclass
class Life:
    """What a person and a pool have, by which they might be reached."""

    person: str
    owner_session: str
    names: dict[str, str]
    """What stands in a path, by what it is."""

    def wish(self) -> dict[str, Any]:
        """A body with every field that any call reads, naming the person wherever one is named."""
        return {
            "account": self.person,
            "link": int(self.names["link"]),
            "scheme": RESIDENT,
            "since": "2026-01-01",
            "until": "2027-01-01",
            "amount": "1.00",
            "reason": "测试",
        }


@pytest.fixture
async def life(app: App) -> Life:
    """A person with a bill, an account that pays for a child, somebody who acts; a proposal."""
    person, child = await app.town.insure(account="100"), await app.town.insure("1501", RESIDENT)
    settled = await app.town.bill(person, "30")
    session, clerk = await app.session(person), await signed_in(app, FIRST)
    relative = {"document_number": app.town.documents[child], "name": "测试"}

    async def made(path: str, token: str, body: Any) -> Any:
        answer = await app.call("POST", path, body, token=token, idempotency=app.fresh_key())
        assert answer.status == 201, answer
        return answer.body["number"]

    links = {"account": person, "relative": relative, "relation": "child"}
    link = await made("/me/family-links", session, links)
    acts = {"representative": relative, "acts": ["inquire"]}
    acting = await made("/me/representatives", session, acts)
    with kind_for_tests() as kind:
        wish = {"kind": kind, "content": {"pool": POOL, "word": "私"}, "reason": "测试"}
        proposal = await made("/proposals", clerk, wish)
    names = {
        "number": person,
        "id": key_of(settled).text(),
        "link": str(link),
        "representation": str(acting),
        "proposal": proposal,
    }
    return Life(person, session, names)


async def everything(app: App) -> dict[str, str]:
    """Digests of all tables that a stranger might change."""
    async with app.town.database.owner() as connection:
        names = await connection.fetch(
            """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
               WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public', 'safety')
                 AND tablename NOT IN ('message', 'writer', 'sign_in')"""
        )
        rows = await connection.fetch(
            " UNION ALL ".join(
                f"SELECT '{name}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS sum"
                f" FROM {name} AS t"
                for (name,) in names
            )
        )
    return {row["name"]: row["sum"] for row in rows}


@pytest.mark.parametrize("who", ["a stranger", "a clerk of another pool", "an app", "nobody"])
async def test_nobody_reaches_what_is_anothers(app: App, life: Life, who: str) -> None:
    token = {
        "a stranger": await app.session(await app.town.insure(account="10")),
        "a clerk of another pool": await signed_in(app, ELSEWHERE),
        "an app": app.key,
        "nobody": None,
    }[who]
    before = await everything(app)
    for call in sorted(offered() - OPENING):
        method, path = call.split(" ")
        for name in life.names.values() if "{" in path else ("",):
            filled = re.sub(r"\{[^}]*\}", name, path)
            body = None
            if method == "POST":
                body = {} if path.endswith("withdrawal") else life.wish()
                body = {"remark": "不同意"} if path.endswith(("approval", "rejection")) else body
            answer = await app.call(
                method, filled, body, token=token, idempotency=app.fresh_key(), number=life.person,
                start="2020-01-01", end="2030-01-01", decided="true",
            )  # fmt: skip
            told = json.dumps(answer.body, ensure_ascii=False)
            asked = (call, filled, answer)
            assert answer.status < 500, asked
            if answer.status >= 400:
                assert "100.00" not in told, asked
                assert "私" not in told, asked
                continue
            for mine in (life.person, life.names["id"], life.names["proposal"], "私"):
                assert mine not in told, asked
    assert await everything(app) == before


async def test_the_person_reaches_what_is_the_persons_own(app: App, life: Life) -> None:
    """Else the test above would be true of an interface that refuses everything."""
    for path, query in (
        ("/me/bills", {"number": life.person}),
        (f"/me/bills/{life.names['id']}", {}),
        (f"/me/accounts/{life.person}", {}),
        ("/me/family-links", {}),
        ("/me/representatives", {}),
    ):
        answer = await app.call("GET", path, token=life.owner_session, **query)
        assert answer.status == 200, (path, answer)
        assert len(json.dumps(answer.body)) > 60, path
