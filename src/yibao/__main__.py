"""``python -m yibao`` is the ``yibao`` command."""

from yibao.cli import main

main()
