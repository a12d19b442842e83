"""The server's settings, written to ``postgresql.conf`` once, when a cluster is created.

Afterwards the file is the administrator's, as with any PostgreSQL. Only where the server listens is
given at each start.
"""

import os
from pathlib import Path

_MIB = 1024 * 1024


def server_settings(binaries: Path, free: int) -> dict[str, str]:
    """Settings for a machine of this memory and a disk with so many bytes free.

    Durability is never traded for speed.
    """
    memory_mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB
    settings = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # measured: compressing the log halves the rate of settlements, compiling queries never pays
        "wal_compression": "off",
        "jit": "off",
        "shared_buffers": f"{max(128, min(512, memory_mib // 8))}MB",
        "effective_cache_size": f"{max(256, memory_mib // 2)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_connections": "60",
        # a page is logged whole when it is first changed after a checkpoint; a nation's rate writes
        # 3 to 5 GB in 15 minutes: with less room checkpoints come sooner, and more is logged
        "max_wal_size": f"{max(1024, min(6144, free // _MIB // 8))}MB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        # a query without a number (a person's bills) locks each month with its indexes; so many
        # also have a quick way past the table of all locks
        "max_locks_per_transaction": "256",
        # tables grow from nothing to millions: analysed soon, their plans follow
        "autovacuum_naptime": "5s",
        "idle_in_transaction_session_timeout": "5min",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        # DETAIL and CONTEXT would quote rows, that is names and numbers of insured persons
        "log_error_verbosity": "terse",
        "log_parameter_max_length_on_error": "0",
    }
    if _has_library(binaries, "pg_stat_statements"):
        settings["shared_preload_libraries"] = "pg_stat_statements"
    return settings


def _has_library(binaries: Path, name: str) -> bool:
    return any((binaries.parent / "lib").rglob(f"{name}.*"))
