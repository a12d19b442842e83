"""``yibao serve`` and its companions as a stranger uses them: real processes, real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.world.server import Pristine
from yibao.platform.postgres import postmaster

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("serving")]

YIBAO = Path(sys.executable).with_name("yibao")


class Serving:
    """A running ``yibao serve`` on a data folder."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [YIBAO, "serve", "--data", data, "--workers", "1", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment(),
        )
        self.base_url = ""
        assert self.process.stdout is not None
        self.told = ""
        for line in self.process.stdout:
            self.told += line
            if "is ready: " in line:
                self.base_url = line.split("is ready: ")[1].strip()
                return
        self.process.wait()

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.base_url + path, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def until_ready(self) -> None:
        for _ in range(600):
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        pytest.fail("the server did not become ready")

    def stop(self, kind: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(kind)
        rest, _ = self.process.communicate(timeout=60)
        self.told += rest
        return self.process.returncode


def clean_environment(**more: str) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith("YIBAO_")}
    kept.pop("DATABASE_URL", None)
    return {**kept, "COLUMNS": "200", **more}


def yibao(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [YIBAO, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=clean_environment(**environment),
        timeout=120,
    )


def processes_of(data: Path) -> list[int]:
    """Every process that belongs to a data folder: the workers and all of its database's."""
    return workers_of(data) + postmaster.leftovers(data.resolve() / "postgres" / "cluster")


def named_processes_of(data: Path) -> set[int]:
    """The workers and the postmaster. A database's other processes come and go by themselves."""
    found = postmaster.read_pid_file(data.resolve() / "postgres" / "cluster")
    assert found is not None
    return {*workers_of(data), found.pid}


def workers_of(data: Path) -> list[int]:
    """The processes that serve from a data folder."""
    marked = f"YIBAO_DATA={data}"
    workers = []
    for process in psutil.process_iter():
        try:
            if any(f"{k}={v}" == marked for k, v in process.environ().items()):
                workers.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return workers


def until_empty(data: Path) -> None:
    for _ in range(600):
        if not processes_of(data):
            return
        time.sleep(0.05)
    pytest.fail(f"still running: {processes_of(data)}")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, pristine: Pristine) -> Iterator[Path]:
    """A filled sandbox's data folder, with nothing running on it."""
    data = pristine.copy_to(tmp_path_factory.mktemp("sandbox") / "data")
    yield data
    for pid in processes_of(data):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def serving(sandbox: Path) -> Iterator[Serving]:
    """A warm server on the sandbox."""
    server = Serving(sandbox, "--sandbox", "--port", "0")
    assert server.base_url, server.told
    yield server
    server.stop()
    until_empty(sandbox)


def test_a_stop_leaves_nothing_running_and_says_so(sandbox: Path) -> None:
    for kind in (signal.SIGTERM, signal.SIGINT):
        server = Serving(sandbox, "--sandbox", "--port", "0")
        assert json.loads((sandbox / "serve.json").read_text()) == {
            "pid": server.process.pid,
            "base_url": server.base_url,
        }
        assert server.stop(kind) == 0
        assert "has stopped" in server.told
        assert processes_of(sandbox) == []
        assert not (sandbox / "serve.json").exists()


def test_its_pages_answer(serving: Serving) -> None:
    assert serving.get("/livez")[0] == 200
    assert serving.get("/readyz")[0] == 200
    assert "9001" in serving.get("/")[1].decode()
    assert b"yibao_batch_commands" in serving.get("/metrics")[1]


def test_accounts_name_the_running_server_and_leave_it_alone(serving: Serving) -> None:
    before = named_processes_of(serving.data)
    answer = yibao("sandbox", "accounts", "--data", serving.data, "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["base_url"] == serving.base_url
    assert found["persons"]
    assert named_processes_of(serving.data) == before
    assert serving.get("/readyz")[0] == 200


def test_accounts_of_a_folder_without_a_sandbox_are_refused_and_make_nothing(
    tmp_path: Path,
) -> None:
    answer = yibao("sandbox", "accounts", "--data", tmp_path / "none", "--json")
    assert answer.returncode == 1
    assert "there is no sandbox in" in answer.stderr
    assert not (tmp_path / "none").exists()


def test_accounts_are_there_when_nothing_runs(sandbox: Path) -> None:
    answer = yibao("sandbox", "accounts", "--data", sandbox, "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["institutions"]
    assert processes_of(sandbox) == []


def test_after_a_kill_of_the_application_it_starts_again_on_the_same_port(sandbox: Path) -> None:
    killed = Serving(sandbox, "--sandbox", "--port", "0")
    port = killed.base_url.rsplit(":", 1)[1]
    killed.stop(signal.SIGKILL)
    again = Serving(sandbox, "--sandbox", "--port", port)
    assert again.base_url == killed.base_url, again.told
    assert again.get("/readyz")[0] == 200
    assert again.stop() == 0
    until_empty(sandbox)


def test_workers_go_when_the_application_was_killed(sandbox: Path) -> None:
    killed = Serving(sandbox, "--sandbox", "--port", "0")
    killed.stop(signal.SIGKILL)
    for _ in range(600):
        if not workers_of(sandbox):
            break
        time.sleep(0.05)
    else:
        pytest.fail("a worker outlived the application")
    assert Serving(sandbox, "--sandbox", "--port", "0").stop() == 0


def test_a_killed_database_comes_back_under_the_running_server(serving: Serving) -> None:
    found = postmaster.read_pid_file(serving.data.resolve() / "postgres" / "cluster")
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    for _ in range(200):
        now = postmaster.read_pid_file(serving.data.resolve() / "postgres" / "cluster")
        if now is not None and now.pid != found.pid:
            break
        time.sleep(0.05)
    serving.until_ready()


def test_after_a_kill_of_both_it_starts_again(sandbox: Path) -> None:
    killed = Serving(sandbox, "--sandbox", "--port", "0")
    found = postmaster.read_pid_file(sandbox.resolve() / "postgres" / "cluster")
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    killed.stop(signal.SIGKILL)
    again = Serving(sandbox, "--sandbox", "--port", "0")
    assert again.base_url, again.told
    assert again.stop() == 0


def test_a_second_server_on_the_folder_is_refused(serving: Serving) -> None:
    second = yibao("serve", "--data", serving.data, "--port", "0")
    assert second.returncode == 1
    assert f"in use by process {serving.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    assert serving.get("/readyz")[0] == 200


def test_a_taken_port_that_was_asked_for_is_named(serving: Serving, tmp_path: Path) -> None:
    port = serving.base_url.rsplit(":", 1)[1]
    folder = tmp_path / "other"
    answer = yibao("serve", "--data", folder, "--port", port, YIBAO_VAULT_KEY="ab" * 32)
    assert answer.returncode == 1
    assert f"port {port} of 127.0.0.1 is taken" in answer.stderr
    assert processes_of(folder) == []


def test_a_taken_default_port_is_replaced(sandbox: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # if someone else has it, just as well
            taken.bind(("127.0.0.1", 8765))
        taken.listen()
        server = Serving(sandbox, "--sandbox")
        assert server.base_url, server.told
        assert not server.base_url.endswith(":8765")
        assert server.get("/readyz")[0] == 200
        server.stop()


def test_doctor_finds_a_filled_sandbox_well(sandbox: Path) -> None:
    answer = yibao("doctor", "--data", sandbox, "--json")
    assert answer.returncode == 0, answer.stdout
    told: dict[str, Any] = json.loads(answer.stdout)
    assert {finding["what"] for finding in told["findings"]} == {
        "data folder",
        "disk",
        "vault key",
        "law",
        "backup",
        "database",
        "migrations",
        "clock",
        "catalogue",
    }
    assert "***" in str(told)


def test_doctor_says_which_key_is_wrong(sandbox: Path) -> None:
    answer = yibao("doctor", "--data", sandbox, YIBAO_VAULT_KEY="ab" * 32)
    assert answer.returncode == 1
    assert "YIBAO_VAULT_KEY" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_doctor_tells_a_newcomer_what_to_do(tmp_path: Path) -> None:
    answer = yibao("doctor", "--data", tmp_path / "none")
    assert answer.returncode == 1
    assert "yibao serve" in answer.stdout
    assert not (tmp_path / "none").exists()


def test_doctor_shows_no_password_of_a_database_it_cannot_reach(tmp_path: Path) -> None:
    url = "postgresql://me:geheim@127.0.0.1:1/yibao"
    for form in ("--json", "--data"):
        more = [tmp_path] if form == "--data" else []
        answer = yibao("doctor", form, *more, DATABASE_URL=url)
        assert answer.returncode == 1
        assert "DATABASE_URL" in answer.stdout
        assert "geheim" not in answer.stdout + answer.stderr


def test_without_a_key_serving_is_refused(tmp_path: Path) -> None:
    answer = yibao("serve", "--data", tmp_path / "data", "--port", "0")
    assert answer.returncode == 1
    assert "YIBAO_VAULT_KEY" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert processes_of(tmp_path / "data") == []


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    config = tmp_path / "yibao.toml"
    config.write_text("prot = 1\n")
    answer = yibao("doctor", YIBAO_CONFIG=str(config))
    assert answer.returncode == 1
    assert "unknown setting prot" in answer.stderr


@pytest.mark.database
def test_serving_on_a_database_of_ones_own(empty_dsn: str, tmp_path: Path) -> None:
    migrated = yibao("migrate", DATABASE_URL=empty_dsn)
    assert migrated.returncode == 0, migrated.stderr
    assert "none → " in migrated.stdout
    answer = yibao("doctor", "--data", tmp_path, DATABASE_URL=empty_dsn, YIBAO_VAULT_KEY="ab" * 32)
    assert answer.returncode == 1
    assert "is empty" in answer.stdout
