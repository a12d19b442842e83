"""What a stranger's client needs to start at once: institutions with keys, persons, items.

As plain data (``accounts``, ``collect``) with the interface's field names and money as decimal
text, and as tables for people (``render``).
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table

from yibao.adjudication.model import CounterKey
from yibao.kernel.money import PRICE_SCALE, Fen, Price, unscaled, yuan
from yibao.kernel.periods import business_date
from yibao.ledger import service as ledger
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.postgres import EmbeddedPostgres, running_dsn
from yibao.platform.settings import Settings, SettingsFault
from yibao.policy.law_book import LawBook
from yibao.policy.load import load_law_book
from yibao.policy.model import Scope
from yibao.policy.terms import (
    EMPLOYEE,
    GENERAL_OUTPATIENT,
    RESIDENT,
    EntitlementExtent,
    ItemClass,
    Level,
    Scheme,
)
from yibao.registry.catalogue.model import Catalogue, Item
from yibao.registry.catalogue.service import load_catalogue
from yibao.registry.family import service as family
from yibao.registry.institutions.model import Directory, Institution
from yibao.registry.institutions.service import load_directory
from yibao.registry.laws.model import LawsInForce
from yibao.registry.laws.service import load_laws
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.sandbox import clerks
from yibao.sandbox.encounters import item_names
from yibao.sandbox.places import PLACES, Place
from yibao.sandbox.population import FAMILIES, NAMED, card_of, member_number
from yibao.settlement import service as settlement

if TYPE_CHECKING:
    from asyncpg import Connection

PERSONS_AN_AREA = 80
"""How many of an area are shown unless more are asked for; an excerpt of the whole world."""

_SETTLED_SCHEMES = (EMPLOYEE, RESIDENT)


async def accounts(
    database: Database,
    vault: Vault,
    law_book: LawBook,
    *,
    base_url: str,
    now: datetime,
    persons_an_area: int = PERSONS_AN_AREA,
) -> dict[str, Any]:
    """Everything to start with, as it stands at ``now`` (aware UTC)."""
    today = business_date(now)
    async with database.reader(None) as connection:
        directory = await load_directory(connection, vault)
        catalogue = await load_catalogue(connection)
        in_force = await load_laws(connection, law_book)
        working = await clerks.told(connection, vault)
        persons: list[dict[str, Any]] = []
        related: list[dict[str, Any]] = []
        items: list[dict[str, str]] = []
        for place in PLACES:
            persons += await _persons(connection, vault, in_force, place, today, persons_an_area)
            related += await _families(connection, vault, place, today)
            items += _items(catalogue, place, today)
    return {
        "base_url": base_url,
        "institutions": [
            row
            for institution in directory.institutions.values()
            if (row := _institution(directory, institution, today)) is not None
        ],
        "clerks": working,
        "persons": persons,
        "families": related,
        "items": items,
    }


# ------------------------------------------------------------------------------------ institutions


def _institution(
    directory: Directory, institution: Institution, today: date
) -> dict[str, Any] | None:
    """An institution that may be used today and the key of who speaks for it."""
    term = institution.term_on(today)
    if term is None or term.suspended:
        return None
    sender = next(
        (
            sender
            for sender in directory.senders.values()
            if sender.may_speak_for(institution.code, today)
        ),
        None,
    )
    if sender is None:
        return None
    return {
        "fixmedins_code": institution.code,
        "fixmedins_name": term.name,
        "level": term.level.value,
        "kind": institution.kind.name.lower(),
        "admdvs": term.division,
        "pool": institution.home_pool,
        "auth": {"family": sender.family.value, "id": sender.id, "secret": sender.secret},
    }


# ----------------------------------------------------------------------------------------- persons


async def _persons(
    connection: "Connection[Any]",
    vault: Vault,
    laws: LawsInForce,
    place: Place,
    today: date,
    wanted: int,
) -> list[dict[str, Any]]:
    """Rows of persons who can be settled today, one a person and scheme; the named ones first."""
    numbers = [member_number(place.pool, index) for index in range(NAMED + 3 * wanted)]
    found = await people.load_members(connection, vault, place.pool, numbers)
    balances = await ledger.balances(connection, place.pool, list(found))
    rows: list[dict[str, Any]] = []
    for number in sorted(found):
        insured = found[number]
        schemes = _usable_schemes(insured, today)
        if not schemes:
            continue
        balance = sum(part.amount for part in balances.get(number, ()))
        counters = dict(await settlement.counters(connection, place.pool, number))
        rows += [_person(insured, scheme, balance, counters, laws, today) for scheme in schemes]
        if len(rows) >= wanted:
            break
    return rows


def _person(
    insured: Insured,
    scheme: Scheme,
    balance: Fen,
    counters: Mapping[CounterKey, int],
    laws: LawsInForce,
    today: date,
) -> dict[str, Any]:
    enrolment = insured.enrolment_on(scheme, today)
    assert enrolment is not None
    identity = insured.identity
    law = laws.law_on(enrolment.division, scheme, today)
    year = law.benefit_year(today)
    card, serial = card_of(identity.document_number)
    return {
        "psn_no": insured.membership.number,
        "psn_name": identity.name,
        "psn_cert_type": identity.document_type,
        "certno": identity.document_number,
        "card_no": card,
        "card_sn": serial,
        "gend": identity.gender,
        "brdy": identity.birth_date.isoformat(),
        "insutype": scheme,
        "psn_type": enrolment.person_type,
        "insuplc_admdvs": enrolment.division,
        "pool": insured.membership.pool,
        "balc": yuan(balance),
        "accumulated": {
            name: yuan(counters.get(CounterKey(name, year), 0))
            for name, counter in law.counters.items()
            if counter.scope is Scope.YEAR
        },
    }


async def _families(
    connection: "Connection[Any]", vault: Vault, place: Place, today: date
) -> list[dict[str, Any]]:
    """Whose account pays for whom (家庭共济) among the named: shown by ``acct_mulaid_pay``."""
    numbers = [member_number(place.pool, index) for index in range(FAMILIES, NAMED)]
    found = await people.load_members(connection, vault, place.pool, numbers)
    members = {insured.identity.id: insured for insured in found.values()}
    rows = []
    for relative in members.values():
        for link in await family.of_relative(connection, relative.identity.id):
            owner = members.get(link.owner)
            if owner is not None and link.period.holds(today):
                rows.append(
                    {
                        "link": link.number,
                        "pool": place.pool,
                        "owner": owner.membership.number,
                        "owner_name": owner.identity.name,
                        "relation": link.relation,
                        "relative": relative.membership.number,
                        "relative_name": relative.identity.name,
                    }
                )
    return rows


def _usable_schemes(insured: Insured, today: date) -> list[Scheme]:
    return [
        scheme
        for scheme in _SETTLED_SCHEMES
        if insured.membership.period.holds(today)
        and insured.enrolment_on(scheme, today) is not None
        and insured.entitlement_on(scheme, today) is EntitlementExtent.FULL
    ]


# ------------------------------------------------------------------------------------------- items


def _items(catalogue: Catalogue, place: Place, today: date) -> list[dict[str, str]]:
    """One code for each name that the hospitals here bill, with the terms at a tertiary one."""
    codes: dict[str, Item] = {}
    for item in catalogue.items.values():
        codes.setdefault(item.name, item)
    rows = (_item(catalogue, codes[name], place, today) for name in item_names() if name in codes)
    return [row for row in rows if row is not None]


def _item(catalogue: Catalogue, item: Item, place: Place, today: date) -> dict[str, str] | None:
    """An item, unless its use is restricted or its terms differ between the schemes."""
    terms = [
        catalogue.terms_on(
            item.code,
            today,
            area=place.area,
            level=Level.THIRD,
            scheme=scheme,
            care_kind=GENERAL_OUTPATIENT,
        )
        for scheme in _SETTLED_SCHEMES
    ]
    first = terms[0]
    if first is None or any(other != first for other in terms) or first.restricted:
        return None
    own = first.item_class is ItemClass.C
    return {
        "pool": place.pool,
        "med_list_codg": item.code,
        "name": item.name,
        "chrgitm_lv": first.item_class.value,
        "pric": _price(item.reference_price),
        "pric_uplmt_amt": _price(first.ceiling),
        "selfpay_prop": "1" if own else first.first_pay.text(),
    }


def _price(price: Price) -> str:
    """Decimal text with two to six decimals."""
    whole, decimals = unscaled(price, PRICE_SCALE).split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


# -------------------------------------------------------------------------------- ask and show


def collect(settings: Settings, persons_an_area: int = PERSONS_AN_AREA) -> dict[str, Any]:
    """Ask the sandbox of ``settings.data``.

    While a server runs on the folder its database is asked as it is; otherwise the embedded one is
    started for the question and stopped again. SettingsFault where there is no sandbox to ask.
    """
    dsn = settings.database_url or running_dsn(settings.data / "postgres")
    if dsn is not None:
        return asyncio.run(_ask(settings, dsn, persons_an_area))
    if not (settings.data / "postgres" / "cluster").exists():
        raise SettingsFault(
            "YIBAO_DATA",
            f"there is no sandbox in {settings.data}: make one by "
            f"`yibao serve --sandbox --data {settings.data}`",
        )
    with EmbeddedPostgres(settings.data / "postgres") as started:
        return asyncio.run(_ask(settings, started, persons_an_area))


async def _ask(settings: Settings, dsn: str, persons_an_area: int) -> dict[str, Any]:
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        return await accounts(
            database,
            Vault(load_key(settings)),
            load_law_book(settings.law),
            base_url=f"http://{settings.host}:{settings.port}",
            now=datetime.now(UTC),
            persons_an_area=persons_an_area,
        )
    finally:
        await database.close()


def render(found: Mapping[str, Any]) -> RenderableType:
    """The same as tables for people: all institutions, some persons and items of each area."""
    institutions = Table(title=f"机构 institutions · {found['base_url']}", title_justify="left")
    for heading in ("code, name", "kind, level", "place", "header family, key id, secret"):
        institutions.add_column(heading, overflow="fold")
    for row in found["institutions"]:
        auth = row["auth"]
        institutions.add_row(
            f"{row['fixmedins_code']}\n{row['fixmedins_name']}",
            f"{row['kind']}\n{row['level']}",
            row["admdvs"],
            f"{auth['family']} {auth['id']}\n{auth['secret']}",
        )
    working = Table(title="经办人员 clerks, for `yibao bureau`", title_justify="left")
    for heading in ("code", "name", "key (YIBAO_CLERK_KEY)"):
        working.add_column(heading, overflow="fold")
    for row in found["clerks"]:
        working.add_row(row["code"], row["name"], row["key"])
    persons = _excerpt(
        "参保人 insured persons",
        found["persons"],
        ("psn_no", "psn_name", "certno", "card_no", "insutype", "balc"),
    )
    families = Table(title="家庭共济 whose account pays for whom", title_justify="left")
    for heading in ("owner", "name", "pays for the", "relative", "name"):
        families.add_column(heading, overflow="fold")
    for row in found["families"]:
        families.add_row(
            row["owner"], row["owner_name"], row["relation"], row["relative"], row["relative_name"]
        )
    items = _excerpt(
        "项目 items (prices are demo data)",
        found["items"],
        ("pool", "med_list_codg", "name", "chrgitm_lv", "pric"),
    )
    return Group(institutions, working, persons, families, items)


_SHOWN_AN_AREA = 8


def _excerpt(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> Table:
    shown = [
        row
        for place in PLACES
        for row in [row for row in rows if row["pool"] == place.pool][:_SHOWN_AN_AREA]
    ]
    table = Table(
        title=f"{title} · {len(shown)} of {len(rows)}, all with --json", title_justify="left"
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in shown:
        table.add_row(*(str(row[column]) for column in columns))
    return table
