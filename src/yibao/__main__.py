"""``python -m yibao`` is the ``yibao`` command."""

from yibao.cli import main

if __name__ == "__main__":  # worker processes import this module under another name
    main()
