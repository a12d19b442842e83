"""The embedded server through every hazard: real processes, really killed."""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from yibao.platform.postgres import EmbeddedPostgres, PostgresFailed, postmaster, running_dsn
from yibao.platform.postgres import programs as programs_module
from yibao.platform.postgres import server as server_module

pytestmark = pytest.mark.database

SMALL = {"shared_buffers": "16MB", "max_wal_size": "64MB", "min_wal_size": "32MB"}
IS_ROOT = os.geteuid() == 0

APPLICATION = """
import asyncio, sys
from pathlib import Path
import asyncpg
from yibao.platform.postgres import EmbeddedPostgres

async def insert(dsn):
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS bill (number int)")
    while True:
        number = await connection.fetchval(
            "INSERT INTO bill SELECT coalesce(max(number), 0) + 1 FROM bill RETURNING number")
        print(number, flush=True)

asyncio.run(insert(EmbeddedPostgres(Path(sys.argv[1]), {"shared_buffers": "16MB"}).start()))
"""

LONG_QUERY = """
import asyncio, asyncpg, sys
async def run():
    connection = await asyncpg.connect(sys.argv[1])
    print(await connection.fetchval("SELECT pg_backend_pid()"), flush=True)
    await connection.execute("SELECT count(*) FROM generate_series(1, 10000000000)")
asyncio.run(run())
"""


class Application:
    """A process that starts the server and writes rows until it is killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", APPLICATION, str(folder)], stdout=subprocess.PIPE, text=True
        )
        self.acknowledged = 0

    def write(self, rows: int = 50) -> None:
        assert self.process.stdout is not None
        for _ in range(rows):
            self.acknowledged = int(self.process.stdout.readline())

    def kill(self) -> int:
        """Kill it and return the last number it was told is safe."""
        self.process.kill()
        rest, _ = self.process.communicate()
        whole = [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        return int(whole[-1]) if whole else self.acknowledged


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a server, below folders of mode 0700; whatever runs in it is ended."""
    tmp_path.chmod(0o700)
    place = tmp_path / "postgres"
    yield place
    end_server(place)


def end_server(folder: Path) -> None:
    cluster = folder.resolve() / "cluster"
    while left := postmaster.leftovers(cluster):
        postmaster.end_processes(left, signal.SIGKILL)
        time.sleep(0.05)
    shutil.rmtree(server_module._socket_folder(cluster), ignore_errors=True)


def ask(dsn: str, question: str) -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(answer())


def pid_of(folder: Path) -> int:
    found = postmaster.read_pid_file(folder.resolve() / "cluster")
    assert found is not None
    return found.pid


def test_data_outlives_a_stop(folder: Path) -> None:
    with EmbeddedPostgres(folder, SMALL) as dsn:
        ask(dsn, "CREATE TABLE bill AS SELECT 1 AS number")
    assert running_dsn(folder) is None
    with EmbeddedPostgres(folder) as dsn:
        assert ask(dsn, "SELECT number FROM bill") == 1


def test_the_server_is_durable_and_checked(folder: Path) -> None:
    with EmbeddedPostgres(folder, SMALL) as dsn:
        expected = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "jit": "off",
            "wal_compression": "off",
            "listen_addresses": "",
            "log_error_verbosity": "terse",
        }
        assert {name: ask(dsn, f"SHOW {name}") for name in expected} == expected
        provider = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname='yibao'"
        assert ask(dsn, provider) == "bC.UTF-8"


def test_folder_password_and_socket_are_private(folder: Path) -> None:
    with EmbeddedPostgres(folder, SMALL) as dsn:
        sockets = server_module._socket_folder(folder.resolve() / "cluster")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(dsn.replace("yibao:", "yibao:wrong"), "SELECT 1")
    assert not sockets.exists()


def test_the_parents_of_the_folder_stay_closed(folder: Path) -> None:
    with EmbeddedPostgres(folder, SMALL):
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_after_a_kill_of_the_application_the_server_is_adopted(folder: Path) -> None:
    application = Application(folder)
    application.write()
    safe = application.kill()
    orphan = pid_of(folder)
    with EmbeddedPostgres(folder) as dsn:
        assert pid_of(folder) == orphan
        assert ask(dsn, "SELECT count(*) FROM bill") >= safe
    assert postmaster.leftovers(folder.resolve() / "cluster") == []


def test_after_a_kill_of_the_postmaster_the_next_start_recovers(folder: Path) -> None:
    application = Application(folder)
    application.write()
    os.kill(pid_of(folder), signal.SIGKILL)
    application.process.wait(20)
    safe = application.kill()
    with EmbeddedPostgres(folder) as dsn:
        assert ask(dsn, "SELECT count(*) FROM bill") >= safe


def test_after_a_kill_of_both_the_next_start_recovers(folder: Path) -> None:
    application = Application(folder)
    application.write()
    os.kill(pid_of(folder), signal.SIGKILL)
    safe = application.kill()
    again = Application(folder)
    again.write(1)
    assert again.acknowledged > safe
    again.kill()


def test_a_killed_server_is_revived_under_the_same_address(folder: Path) -> None:
    server = EmbeddedPostgres(folder, SMALL)
    dsn = server.start()
    assert not server.revive()
    os.kill(pid_of(folder), signal.SIGKILL)
    while not server.revive():
        time.sleep(0.05)
    assert ask(dsn, "SELECT 1") == 1
    server.stop()


def test_children_that_outlive_their_postmaster_are_ended(folder: Path) -> None:
    server = EmbeddedPostgres(folder, SMALL)
    dsn = server.start()
    busy = subprocess.Popen(
        [sys.executable, "-c", LONG_QUERY, dsn],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert busy.stdout is not None
    backend = int(busy.stdout.readline())
    os.kill(backend, signal.SIGSTOP)  # it cannot notice that its postmaster died
    os.kill(pid_of(folder), signal.SIGKILL)
    server._release_lock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_module, "PATIENCE_WITH_ORPHAN", 1)
        with EmbeddedPostgres(folder) as dsn:
            assert ask(dsn, "SELECT 1") == 1
            assert backend not in postmaster.leftovers(folder.resolve() / "cluster")
    busy.wait(20)
    busy.stdout.close()


def test_an_orphan_that_does_not_answer_is_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "PATIENCE_WITH_ORPHAN", 1)
    application = Application(folder)
    application.write(1)
    orphan = pid_of(folder)
    os.kill(orphan, signal.SIGSTOP)
    application.kill()
    with EmbeddedPostgres(folder) as dsn:
        assert pid_of(folder) != orphan
        assert ask(dsn, "SELECT count(*) FROM bill") >= 1


def test_a_pid_file_that_names_a_stranger_does_not_stop_us(folder: Path) -> None:
    with EmbeddedPostgres(folder, SMALL):
        pass
    stranger = subprocess.Popen(["sleep", "60"])
    pid_file = folder / "cluster" / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n{folder}/cluster\n1\n5432\n/tmp\n\n\nready\n")
    assert running_dsn(folder) is None
    with EmbeddedPostgres(folder) as dsn:
        assert ask(dsn, "SELECT 1") == 1
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_kill_while_the_cluster_is_made_leaves_no_half_cluster(folder: Path) -> None:
    application = Application(folder)
    while not list(folder.glob("cluster.*.new/base")):
        time.sleep(0.005)
    application.kill()
    again = Application(folder)
    again.write(1)
    again.kill()


def test_two_servers_stand_side_by_side(folder: Path, tmp_path: Path) -> None:
    with EmbeddedPostgres(folder, SMALL) as one, EmbeddedPostgres(tmp_path / "b", SMALL) as other:
        ask(one, "CREATE TABLE only_in_one ()")
        assert ask(other, "SELECT to_regclass('only_in_one')") is None


def test_a_folder_in_use_is_refused_and_names_its_user(folder: Path) -> None:
    application = Application(folder)
    application.write(1)
    with pytest.raises(PostgresFailed, match=rf"in use by process {application.process.pid}"):
        EmbeddedPostgres(folder).start()
    application.kill()


def test_a_running_server_is_found_without_touching_it(folder: Path) -> None:
    assert running_dsn(folder) is None
    assert not folder.exists()
    with EmbeddedPostgres(folder, SMALL) as dsn:
        assert running_dsn(folder) == dsn


def test_a_cluster_of_another_version_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder, SMALL):
        pass
    (folder / "cluster" / "PG_VERSION").write_text("14\n")
    with pytest.raises(PostgresFailed, match="made by PostgreSQL 14"):
        EmbeddedPostgres(folder).start()


def test_a_start_within_a_running_event_loop_works(folder: Path) -> None:
    async def start() -> object:
        server = EmbeddedPostgres(folder, SMALL)
        connection = await asyncpg.connect(server.start())
        told = await connection.fetchval("SELECT 1")
        await connection.close()
        server.stop()
        return told

    assert asyncio.run(start()) == 1


def test_a_foreign_socket_folder_is_not_trusted(folder: Path) -> None:
    sockets = server_module._socket_folder(folder.resolve() / "cluster")
    sockets.mkdir(mode=0o755)
    with pytest.raises(PostgresFailed, match="not a private folder"):
        EmbeddedPostgres(folder, SMALL).start()


# ---------------------------------------------------------------------- disks that refuse to write

START = (
    "from pathlib import Path\n"
    "from yibao.platform.postgres import EmbeddedPostgres, PostgresFailed\n"
    "server = EmbeddedPostgres(Path('{folder}'), {settings})\n"
)


def in_mounted(mount: str, script: str) -> str:
    """Run a script where ``mount`` was done, in a namespace of its own; what it printed."""
    if not can_mount():
        pytest.skip("mounting in a namespace is not allowed here")
    command = f'{mount} && exec {sys.executable} -c "$SCRIPT"'
    answer = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", command],
        env={**os.environ, "SCRIPT": script},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout
    return answer.stdout


def can_mount() -> bool:
    test = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "x", "/mnt"]
    return shutil.which("unshare") is not None and not subprocess.run(test).returncode


def test_a_full_disk_is_named_before_anything_is_made(folder: Path) -> None:
    folder.mkdir()
    script = START.format(folder=folder, settings=SMALL) + (
        "try: server.start()\nexcept PostgresFailed as error: print(error)\n"
    )
    told = in_mounted(f"mount -t tmpfs -o size=8m x {folder}", script)
    assert "is full: 7 MiB free" in told or "is full: 8 MiB free" in told
    assert "--data" in told


def test_a_disk_that_filled_up_is_named_at_the_next_start(folder: Path) -> None:
    folder.mkdir()
    script = START.format(folder=folder, settings=SMALL) + (
        "server.start(); server.stop()\n"
        "try:\n"
        "    with open(server.folder / 'filler', 'wb') as file:\n"
        "        while True: file.write(bytes(4096)); file.flush()\n"
        "except OSError: pass\n"
        "try: server.start()\n"
        "except PostgresFailed as error: print(error)\n"
    )
    told = in_mounted(f"mount -t tmpfs -o size=250m x {folder}", script)
    assert "full" in told or "No space left on device" in told
    assert "--data" in told


def test_a_read_only_folder_is_named(folder: Path) -> None:
    folder.mkdir()
    script = START.format(folder=folder, settings=SMALL) + (
        "try: server.start()\nexcept PostgresFailed as error: print(error)\n"
    )
    mount = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}"
    told = in_mounted(mount, script)
    assert f"cannot write to the data folder {folder}" in told
    assert "--data" in told


# ------------------------------------------------------------------------- root and ordinary users


def reachable_folder() -> Path:
    """A folder that any user may enter."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    return place


def service_user() -> pwd.struct_passwd:
    for name in programs_module.SERVICE_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("there is no service user")


def test_an_ordinary_user_runs_it_in_a_private_folder(folder: Path) -> None:
    namespace = programs_module.NAMESPACE if IS_ROOT else ()
    if IS_ROOT and not can_mount():
        pytest.skip("namespaces are not allowed here")
    script = START.format(folder=folder, settings=SMALL) + (
        "import os\nassert os.geteuid() != 0\nserver.start(); print('started'); server.stop()\n"
    )
    answer = subprocess.run(
        [*namespace, sys.executable, "-c", script], capture_output=True, text=True
    )
    assert answer.stdout == "started\n", answer.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(not IS_ROOT, reason="about root")
def test_root_without_namespaces_uses_a_service_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs_module, "NAMESPACE", ("false",))
    place = reachable_folder()
    try:
        with EmbeddedPostgres(place / "postgres", SMALL) as dsn:
            assert ask(dsn, "SELECT 1") == 1
            assert (place / "postgres").stat().st_uid == service_user().pw_uid
        with EmbeddedPostgres(place / "postgres", SMALL) as dsn:
            assert ask(dsn, "SELECT 1") == 1
    finally:
        shutil.rmtree(place)


@pytest.mark.skipif(not IS_ROOT, reason="about root")
def test_root_without_any_way_is_refused_and_told_of_database_url(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs_module, "NAMESPACE", ("false",))
    with pytest.raises(PostgresFailed, match="DATABASE_URL"):
        EmbeddedPostgres(folder, SMALL).start()
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert folder.stat().st_uid == 0


@pytest.mark.parametrize("variable", ["PGPORT", "PGDATA", "PGOPTIONS"])
def test_variables_of_postgresql_do_not_disturb_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    with EmbeddedPostgres(folder, SMALL) as dsn:
        assert ask(dsn, "SHOW port") == "5432"
