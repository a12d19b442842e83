"""What must never be in a log, and its two forms."""

import json
import logging
import subprocess
import sys

import pytest
import structlog

from yibao.platform.logging import mask, mask_text, set_up_logging


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("person 990101190001011234 came", "person 990101*** came"),
        ("99010119000101123x", "990101***"),
        ("call 13800000000.", "call ***."),
        ("postgresql://u:pw@/d", "postgresql://u:***@/d"),
        ("mdtrt_id 4301000000123456789012345", "mdtrt_id 4301000000123456789012345"),
        ("fixmedins H43010000001 amount 12345", "fixmedins H43010000001 amount 12345"),
    ],
)
def test_what_identifies_a_person_is_blotted(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_telling_names_are_masked_at_any_depth() -> None:
    event = {"event": "x", "psn_name": "某", "inner": [{"secret": "s", "ok": 1}], "ok": True}
    assert mask(None, "info", event) == {
        "event": "x",
        "psn_name": "***",
        "inner": [{"secret": "***", "ok": 1}],
        "ok": True,
    }


def test_json_lines_are_json_and_masked(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "json")
    structlog.get_logger().info("admitted", who="990101190001011234", 名="x")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told["event"] == "admitted"
    assert told["who"] == "990101***"
    assert told["level"] == "info"


def test_an_exception_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "json")
    try:
        raise ValueError("990101190001011234")
    except ValueError:
        structlog.get_logger().exception("failed")
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "990101190001011234" not in told


def test_a_librarys_log_is_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "json")
    logging.getLogger("library").warning("no route to %s", "postgresql://u:pw@h/d")
    told = capsys.readouterr().err
    assert "postgresql://u:***@h/d" in told


def test_below_the_level_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("warning", "console")
    structlog.get_logger().info("quiet")
    assert capsys.readouterr().err == ""


@pytest.fixture(autouse=True)
def _restore() -> "object":
    yield
    structlog.reset_defaults()
    logging.basicConfig(force=True)


@pytest.mark.thorough
def test_a_command_that_fails_prints_no_local_value() -> None:
    """Rooms log faults with their tracebacks; what they had in hand must not stand in it."""
    fault = (
        "import structlog\n"
        "from yibao.cli.main import cli\n"
        "cli(['--version'], standalone_mode=False)\n"
        "def failing(key):\n"
        "    raise ValueError('no')\n"
        "try:\n"
        "    failing('not-' + 'to-be-seen')\n"
        "except ValueError:\n"
        "    structlog.get_logger().exception('command_failed')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", fault], capture_output=True, text=True, check=True
    )
    assert "command_failed" in ended.stderr
    assert "not-to-be-seen" not in ended.stdout + ended.stderr
