"""A world that fails on purpose: real processes, a real database, and a line that loses things.

    python -m tests.world --seed 7 --minutes 2

``plan`` draws from one seed what people and clerks do and what breaks; ``run`` lives it against a
real server through ``line``, with the clerks of ``bureau`` at work; ``oracle``, ``kindred`` and
``replay`` hold every book against every other at the end; a failing plan is made smaller by
``shrink`` and told as a story by ``chronicle``.
"""
