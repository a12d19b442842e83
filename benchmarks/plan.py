"""The load's plan: which institutions, who comes to them for what, and the requests' templates."""

import argparse
import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.machine import CannotMeasure
from benchmarks.messages import (
    AT_PHARMACIES,
    JOURNEYS,
    SUMS,
    UPLOADS,
    Journey,
    Message,
    Paper,
    Row,
    taken_back,
)
from yibao.cli.serving import Running
from yibao.client import Client
from yibao.client.envelope import request_body
from yibao.kernel.money import yuan
from yibao.kernel.periods import local_time
from yibao.policy.terms import EMPLOYEE, RESIDENT
from yibao.sandbox.books import fen
from yibao.sandbox.traffic import endpoint_from

PERSONS_AN_AREA = 1_000
PREPARED = 4
"""Patients of each desk whom journeys that go over the same again and again are about."""


async def plan(
    found: Row,
    server: Running,
    journeys: Sequence[str] = ("visit",),
    *,
    connections: int = 64,
    pools: int | None = None,
) -> dict[str, Any]:
    """Institutions, patients and request templates for the generator; it lacks the windows.

    ``found`` is what the sandbox's accounts say, ``connections`` how many desks there are (as many
    again of pharmacies, where something is bought), ``pools`` in how many areas; None: in all.
    """
    there = [row for row in found["institutions"] if _may_send(row)]
    named = sorted({row["pool"] for row in there if row["kind"] == "hospital"})[:pools]
    desks: list[dict[str, Any]] = []
    for kind in ("hospital", "pharmacy"):
        wanted = [name for name in journeys if (name in AT_PHARMACIES) == (kind == "pharmacy")]
        rows = [row for row in there if row["kind"] == kind and row["pool"] in named]
        if wanted:
            desks += [_desk(found, rows[i % len(rows)], wanted) for i in range(connections)]
    people = _people(found, named, journeys)
    for pool in named:
        for journey in journeys:
            _share_out(
                people[pool, journey],
                [one for one in desks if one["pool"] == pool and journey in one["patients"]],
                journey,
            )
    await _hand_out_sums(found, [row for row in there if row["pool"] in named], desks)
    # a message's number is its second and a turn of four digits, and the generator counts its own
    await asyncio.sleep(1 - time.time() % 1)
    return {
        "host": server.settings.host,
        "port": server.settings.port,
        "pools": len(named),
        "journeys": {name: _steps(desks, name) for name in journeys},
        "desks": desks,
    }


def windows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """To warm up, then to measure; visits arrive by themselves when a rate is asked for."""
    rates = {} if options.rate is None else {"rates": {options.journey: options.rate}}
    return [
        {"name": "warm-up", "seconds": options.warm_up, **rates},
        {"name": "measured", "seconds": options.seconds, **rates},
    ]


def _may_send(row: Row) -> bool:
    """Hospitals that sign in the cheaper way, and every pharmacy."""
    return bool(row["kind"] == "pharmacy" or row["auth"]["family"] == "x-tif")


# ---------------------------------------------------------------------------------------- the desks


def _desk(found: Row, row: Row, journeys: Iterable[str]) -> dict[str, Any]:
    auth = row["auth"]
    made = {name: _journey(found, row, name) for name in journeys}
    return {
        "pool": row["pool"],
        "institution": row["fixmedins_code"],
        "family": auth["family"],
        "key_id": auth["id"],
        "secret": auth["secret"],
        "templates": {
            message.template: _template(row, message)
            for journey in made.values()
            for message in (*journey.begin, *journey.steps)
        },
        "journeys": {
            name: {
                part: [
                    {"template": message.template, "takes": dict(message.takes)}
                    for message in getattr(journey, part)
                ]
                for part in ("begin", "steps")
            }
            for name, journey in made.items()
        },
        "patients": {name: [] for name in made},
    }


def _journey(found: Row, row: Row, name: str) -> Journey:
    items = [item for item in found["items"] if item["pool"] == row["pool"]]
    return JOURNEYS[name](Paper(items, f"{local_time(datetime.now(UTC)):%Y-%m-%d %H:%M:%S}"))


def _template(row: Row, message: Message) -> str:
    body = request_body(
        endpoint_from(row, ""),
        message.number,
        message.content,
        message_id="@msgid@",
        now=datetime.now(UTC),
        insured_division="@insured@",
    )
    return body.decode()


def _steps(desks: Sequence[dict[str, Any]], name: str) -> Any:
    """A journey's calls: the same at every desk."""
    return next(desk["journeys"][name] for desk in desks if name in desk["journeys"])


# -------------------------------------------------------------------------------------- the people


def _people(
    found: Row, pools: Sequence[str], journeys: Sequence[str]
) -> dict[tuple[str, str], list[Row]]:
    """Each journey's own people: who lies in hospital cannot see a doctor elsewhere."""
    persons: dict[str, dict[str, Row]] = {}
    for row in found["persons"]:
        persons.setdefault(row["pool"], {}).setdefault(row["psn_no"], row)
    return {
        (pool, journey): list(persons[pool].values())[number :: len(journeys)]
        for pool in pools
        for number, journey in enumerate(journeys)
    }


def _share_out(people: Sequence[Row], desks: Sequence[dict[str, Any]], journey: str) -> None:
    """Nobody is at two desks."""
    for number, desk in enumerate(desks):
        mine = people[number :: len(desks)]
        if desk["journeys"][journey]["begin"]:
            mine = mine[:PREPARED]
        if not mine:
            raise CannotMeasure(
                f"{len(people)} people of an area are too few for its {len(desks)} desks: "
                f"take fewer --connections"
            )
        desk["patients"][journey] = [
            {
                "psn": row["psn_no"],
                "certno": row["certno"],
                "scheme": row["insutype"],
                "insured": row["insuplc_admdvs"],
            }
            for row in mine
        ]


# ---------------------------------------------------------------------------------------- the sums


async def _hand_out_sums(
    found: Row, institutions: Sequence[Row], desks: Sequence[dict[str, Any]]
) -> None:
    """Add to every patient of a hospital what the lines come to in the patient's scheme."""
    rows = {row["fixmedins_code"]: row for row in institutions if row["kind"] == "hospital"}
    of_pool = {
        (row["pool"], row["insutype"]): row
        for row in reversed(found["persons"])
        if row["insutype"] in (EMPLOYEE, RESIDENT)
    }
    sums: dict[tuple[str, str, bool], Mapping[str, str]] = {}
    for desk in desks:
        hospital = rows.get(desk["institution"])
        if hospital is None:
            continue
        for journey, people in desk["patients"].items():
            for patient in people:
                key = desk["institution"], patient["scheme"], journey == "stay"
                if key not in sums:
                    probe = of_pool[desk["pool"], patient["scheme"]]
                    sums[key] = await _sums(found, hospital, probe, stays=journey == "stay")
                patient |= sums[key]


async def _sums(found: Row, hospital: Row, patient: Row, *, stays: bool) -> dict[str, str]:
    """What an upload answers for this hospital's 20 lines: the sums that have to be handed back.

    The visit that finds out is left as it is; the stay is taken back, and its lines with it.
    """
    journey = _journey(found, hospital, "stay" if stays else "visit").steps
    messages = [*journey[:2], *taken_back()] if stays else journey[:3]
    values = {
        "@psn@": patient["psn_no"],
        "@certno@": patient["certno"],
        "@scheme@": patient["insutype"],
        "@otp@": f"PROBE{hospital['fixmedins_code']}{patient['insutype']}",
        "@now@": f"{local_time(datetime.now(UTC)):%Y-%m-%d %H:%M:%S}",
    }
    sums = dict.fromkeys(SUMS, 0)
    async with Client(endpoint_from(hospital, found["base_url"])) as client:
        for message in messages:
            text = json.dumps(message.content)
            for mark, value in values.items():
                text = text.replace(mark, value)
            answer = await client.call(
                message.number, json.loads(text), insured_division=patient["insuplc_admdvs"]
            )
            output = answer.done()
            for node in output.values():
                if isinstance(node, dict) and "mdtrt_id" in node:
                    values["@visit@"] = str(node["mdtrt_id"])
            if message.number in {"2204", "2301"}:
                for mark, name in SUMS.items():
                    sums[mark] += sum(fen(line[name]) for line in output["result"])
    return {mark: yuan(amount * (UPLOADS if stays else 1)) for mark, amount in sums.items()}
