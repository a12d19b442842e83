"""Every load against a real server, for moments: what is measured must be what was meant."""

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import cpu_shares, http_floor, in_process, sampled_server
from benchmarks.load import measure, plan_of
from benchmarks.messages import JOURNEYS
from benchmarks.plan import PERSONS_AN_AREA, plan
from benchmarks.pools import with_pools
from benchmarks.stand import served
from tests.world.server import Pristine
from yibao.cli import serving
from yibao.cli.serving import Running
from yibao.sandbox.accounts import collect

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("benchmarks")]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


@pytest.fixture(scope="module")
def server(
    pristine: Pristine, tmp_path_factory: pytest.TempPathFactory, samples: Path
) -> Iterator[Running]:
    folder = pristine.copy_to(tmp_path_factory.mktemp("bench") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(sampled_server.FOLDER_VARIABLE, str(samples))
        patch.setattr(serving, "SERVER_MODULE", sampled_server.__name__)
        with served(Console(quiet=True), 10, data=folder, told=False) as running:
            yield running


def options(**changes: Any) -> argparse.Namespace:
    """A moment of complete visits from a few desks."""
    made = {
        "journey": "visit",
        "seconds": 1.5,
        "warm_up": 0.5,
        "rate": None,
        "connections": 4,
        "pools": None,
        "seed": 1,
    }
    return argparse.Namespace(**(made | changes))


CALLS = {
    "visit": {"2201", "2203", "2204", "2206", "2207"},
    "cancellation": {"2201", "2203", "2204", "2206", "2207", "2208"},
    "trial": {"2206"},
    "query": {"1101", "5201", "5202", "5203", "5204", "5206", "3201"},
    "purchase": {"2101", "2102"},
    "stay": {"2401", "2301", "2402", "2303", "2304"},
}


def test_every_journey_is_tried_here() -> None:
    assert CALLS.keys() == JOURNEYS.keys()


@pytest.mark.parametrize("journey", CALLS)
def test_a_load_is_its_calls_and_none_is_refused(server: Running, journey: str) -> None:
    asked = options(journey=journey, seconds=4.0 if journey == "stay" else 1.5)
    result = measure(server, plan_of(server, asked), asked)
    assert result["refusals"] == []
    assert result["times"].keys() == CALLS[journey]
    assert result["done"] > 0
    assert result["samples"].keys() == CALLS[journey]


def test_a_visit_leaves_its_bytes_in_its_tables_and_takes_time_of_both(server: Running) -> None:
    asked = options(seconds=3.0)
    taken = measure(server, plan_of(server, asked), asked)["taken"]
    assert {"settlement.settlement", "ledger.entry", "platform.message"} <= set(
        taken["bytes_by_table"]
    )
    assert taken["bytes"]["log"] > taken["bytes"]["stored"] / 4
    assert taken["cpu_ms"]["server"] > 0
    assert taken["cpu_ms"]["postgresql"] > 0
    assert taken["batch_commands"] >= 1
    assert taken["memory_bytes"]["worker_most"] > 10_000_000


def test_an_open_loop_has_as_many_as_arrive(server: Running) -> None:
    asked = options(rate=5.0, seconds=4.0)
    result = measure(server, plan_of(server, asked), asked)
    assert result["refusals"] == []
    assert 5 <= result["begun"] <= 45
    assert result["whole"]["n"] == result["begun"]


def test_the_http_floor_is_measured_with_the_visits_own_bytes(server: Running) -> None:
    asked = options()
    given = plan_of(server, asked)
    samples = measure(server, given, asked)["samples"]
    floor = http_floor.measure(given, samples, server, 1.0)
    assert floor["calls_a_second"] > 0
    assert floor["bytes_in"] == sum(one["request"] for one in samples.values()) / 5
    assert floor["workers"] == server.settings.workers


def test_settlements_without_http_are_held_against_the_copy_floor(server: Running) -> None:
    asked = argparse.Namespace(seconds=1.5, warm_up=0.2, callers=4, processes=2, prepared=16)
    phases = in_process.measured(server, asked)["phases"]
    assert phases["settlements"]["done"] == 4 * 16
    visits, bought = phases["visits"], phases["purchases of 20 lines"]
    assert visits["rows"] > phases["settlements"]["rows"] > 5
    assert bought["rows"] > 5
    assert all(one["ratio"] > 0 for one in phases.values())


def test_processor_time_is_told_apart_while_the_server_works(
    server: Running, samples: Path
) -> None:
    result = cpu_shares.measured(server, options(seconds=6.0), samples)
    assert result["samples"] > 50
    assert sum(result["parts_ms"].values()) == pytest.approx(result["cpu_ms"]["server"])
    assert all(result["parts_ms"][part] > 0 for part in cpu_shares.PARTS)
    assert result["modules_ms"]["gateway/reading.py"] > 0


def test_invented_pools_settle_like_the_others(server: Running) -> None:
    found = with_pools(server, collect(server.settings, PERSONS_AN_AREA), 4)
    asked = options(connections=8)
    given = asyncio.run(plan(found, server, connections=8))
    assert given["pools"] == 4
    windows = [{"name": "warm-up", "seconds": 0.5}, {"name": "measured", "seconds": 2.0}]
    result = measure(server, {**given, "windows": windows}, asked)
    assert result["refusals"] == []
