"""Each alarm watches metrics that exist, and the runbook says what to do about it."""

import re
from pathlib import Path
from typing import Any

import pytest

from yibao.platform import metrics
from yibao.platform.admission.service import Reason
from yibao.platform.metrics import VITALS

HOME = Path(__file__).parents[2]
ALERTS = (HOME / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
RUNBOOK = (HOME / "docs/operating/runbook.md").read_text(encoding="utf-8")
RULES = [
    (match[1], match[0])
    for match in re.finditer(r"- alert: (\w+)\n(?:(?!- alert:)[\s\S])*", ALERTS)
]


def known() -> set[str]:
    """Every name that /metrics can have."""
    names = set(VITALS)
    for collector in vars(metrics).values():
        describe = getattr(collector, "describe", None)
        if describe is None or not hasattr(collector, "_name"):
            continue
        name, kind = collector._name, type(collector).__name__
        names |= {
            "Counter": {f"{name}_total"},
            "Gauge": {name},
            "Histogram": {f"{name}_bucket", f"{name}_count", f"{name}_sum"},
        }[kind]
    return names


def test_there_are_alarms() -> None:
    assert len(RULES) >= 15
    assert {"yibao_calls_total", "yibao_call_seconds_bucket", "yibao_calls_limit"} <= known()


@pytest.mark.parametrize(("alarm", "rule"), RULES)
def test_an_alarm_watches_what_there_is(alarm: str, rule: str) -> None:
    expression = rule.split("expr:", 1)[1].split("labels:", 1)[0]
    named = set(re.findall(r"\byibao_\w+", expression))
    assert named or "up{" in expression, alarm
    assert named <= known(), alarm


@pytest.mark.parametrize(("alarm", "rule"), RULES)
def test_an_alarm_has_its_section_in_the_runbook(alarm: str, rule: str) -> None:
    section = re.search(rf"^## {alarm}\n\n([\s\S]*?)(?=\n## |\Z)", RUNBOOK, re.MULTILINE)
    assert section is not None, alarm
    assert len(section[1]) > 100, alarm
    assert "severity: page" in rule or "severity: ticket" in rule
    assert "summary:" in rule


def test_the_runbook_has_no_section_without_an_alarm() -> None:
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == [alarm for alarm, _ in RULES]


def test_links_within_the_runbook_lead_somewhere() -> None:
    sections = {heading.lower() for heading in re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)}
    links: list[Any] = re.findall(r"\]\(#(\w+)\)", RUNBOOK)
    assert links
    assert set(links) <= sections


def test_every_reason_for_turning_away_is_a_word_of_the_code() -> None:

    for reason in re.findall(r'reason="(\w+)"', ALERTS):
        assert reason in set(Reason)
