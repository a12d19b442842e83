"""The repository keeps its own rules: sizes, names, docstrings, time, money, requirements."""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "yibao"
MODULES = sorted(PACKAGE.rglob("*.py"))
LINES_MOST = 600
PURE_ROOMS = ("kernel", "policy", "adjudication")
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "lib", "stuff"}
FOREIGN = (
    # hosts of package registries and their mirrors, and paths of one person's machine
    r"py[p]i\.org|python[h]osted|/simple/|index-url=|artifactory|mirrors?\.[a-z0-9-]+\.(com|cn|org|net|edu)|"
    r"/root/|/home/[a-z0-9_]+/"
)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """All nodes of a module: walked once for all rules."""
    return list(ast.walk(tree(path)))


def test_no_module_outgrows_a_reader() -> None:
    long = {relative(p): n for p in MODULES if (n := len(p.read_text().splitlines())) > LINES_MOST}
    assert long == {}


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks", "docs"])
def test_nothing_has_a_name_that_says_nothing(folder: str) -> None:
    assert [relative(p) for p in (ROOT / folder).rglob("*") if p.stem in EMPTY_NAMES] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [relative(p) for p in MODULES if not ast.get_docstring(tree(p))] == []


def test_every_public_class_and_function_has_a_docstring() -> None:
    bare = [
        f"{relative(path)}:{node.lineno} {node.name}"
        for path in MODULES
        for node in public_definitions(tree(path))
        if not ast.get_docstring(node)
    ]
    assert bare == []


def public_definitions(
    node: ast.AST,
) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """What a reader meets from outside: not what lies in functions or in private classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not child.name.startswith("_"):
                yield child
                if isinstance(child, ast.ClassDef):
                    yield from public_definitions(child)
        elif not isinstance(child, ast.expr):
            yield from public_definitions(child)


def test_tests_lie_as_the_rooms_do() -> None:
    """Beside them lie tests of the whole server from outside (``system``, ``world``), and of the
    benchmarks."""
    rooms = {p.name for p in PACKAGE.iterdir() if p.is_dir()} | {
        p.stem for p in PACKAGE.glob("*.py")
    }
    folders = {p.name for p in (ROOT / "tests").iterdir() if p.is_dir()}
    assert folders - rooms - {"__pycache__"} == {"system", "world", "benchmarks"}


def test_only_the_clock_and_the_edges_ask_what_time_it_is() -> None:
    allowed = ("platform/clock.py", "cli/", "client/", "conformance/", "sandbox/")
    asking = [
        f"{relative(path)}:{node.lineno}"
        for path in MODULES
        if not str(path.relative_to(PACKAGE)).startswith(allowed)
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date"}
    ]
    assert asking == []


def test_pure_rooms_and_money_know_no_float() -> None:
    floats = [
        f"{relative(path)}:{node.lineno}"
        for room in PURE_ROOMS
        for path in (PACKAGE / room).rglob("*.py")
        for node in nodes(path)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "float"
        )
    ]
    assert floats == []


def test_no_room_asks_whether_this_is_a_sandbox() -> None:
    """Product code is handed objects instead; settings, house and cli are where they are chosen."""
    allowed = ("platform/settings.py", "platform/keyring.py", "app.py", "house.py", "cli/")
    allowed += ("sandbox/",)
    asking = [
        f"{relative(path)}:{node.lineno}"
        for path in MODULES
        if not str(path.relative_to(PACKAGE)).startswith(allowed)
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == "sandbox"
    ]
    assert asking == []


def test_only_stores_and_the_platform_speak_sql() -> None:
    """A statement elsewhere would escape the reader who looks for it in ``store.py``."""
    statement = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s", re.ASCII)
    allowed = ("platform/",)
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in MODULES
        if path.stem not in {"store"} and "store" not in path.parts
        if not str(path.relative_to(PACKAGE)).startswith(allowed)
        for node in nodes(path)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and statement.match(node.value)
    ]
    assert found == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    """Asked of git, which reads the tracked texts many times faster than we could."""
    others = [".", f":!{relative(Path(__file__))}"]
    found = subprocess.run(
        ["git", "grep", "--line-number", "-I", "-i", "-E", FOREIGN, "--", *others],
        cwd=ROOT,
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode > 1:
        pytest.skip("not a git checkout")
    assert found.stdout == ""


def test_requirements_are_pinned_with_hashes() -> None:
    for name in ("runtime", "build", "development"):
        lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
        pins = [line for line in lines if line and line[0] not in "# "]
        assert pins
        assert all(re.fullmatch(r"[\w.\[\],-]+==\S+ \\", pin) for pin in pins)


def test_requirements_agree_on_versions() -> None:
    pins: dict[str, set[str]] = {}
    for name in ("runtime", "build", "development"):
        for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines():
            if found := re.match(r"([\w.-]+)==(\S+)", line):
                pins.setdefault(found[1].lower(), set()).add(found[2])
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}
