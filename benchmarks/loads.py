"""Other loads over HTTP than complete visits, one after the other against one fresh platform.

    python -m benchmarks.loads                       all of them, closed loop
    python -m benchmarks.loads purchase --rate 50    one of them, open loop

- ``purchase``: 2101 and 2102 with a basket of three drugs, at pharmacies;
- ``stay``: 2401, five 2301 of 20 lines each, 2402, 2303, 2304;
- ``trial``: 2206 alone, of visits that have their lines;
- ``query``: 1101, 5201, 5202, 5203, 5204, 5206 and 3201 about settled visits;
- ``cancellation``: a complete visit and 2208;
- ``visit``: a complete visit, as ``benchmarks.visits`` has it.

Server, generator and figures are those of ``benchmarks.visits``; what is told "of one" is of one
such row of calls.
"""

import argparse

from rich.console import Console

from benchmarks.load import measure, options_of, plan_of, refuse_failures, say
from benchmarks.messages import JOURNEYS
from benchmarks.report import keep, run
from benchmarks.stand import served

OTHERS = ("purchase", "stay", "trial", "query")


def main() -> None:
    """Measure each, print, keep the figures."""
    options = _options()
    console = Console(width=110)
    each = options.seconds + options.warm_up
    with served(console, len(options.journeys) * each, workers=options.workers) as server:
        for journey in options.journeys:
            options.journey = journey
            result = measure(server, plan_of(server, options), options)
            say(console, result)
            console.print(f"{journey}: {result['done_a_second']:.1f} a second", highlight=False)
            path = keep(journey, __doc__, result, kept=options.keep)
            console.print(f"figures: {path}", soft_wrap=True)
            refuse_failures(result)


def _options() -> argparse.Namespace:
    parser = options_of(__doc__)
    parser.set_defaults(seconds=20.0, warm_up=5.0)
    parser.add_argument(
        "journeys", nargs="*", metavar="LOAD", default=OTHERS, help=f"of {', '.join(JOURNEYS)}"
    )
    options = parser.parse_args()
    if unknown := [name for name in options.journeys if name not in JOURNEYS]:
        parser.error(f"no such load: {', '.join(unknown)}; there are {', '.join(JOURNEYS)}")
    return options


if __name__ == "__main__":
    run(main)
