"""The ``yibao`` command."""

from yibao.cli.main import main

__all__ = ["main"]
