"""``python -m benchmarks.suites.digits`` is ``genbench bench run digits``."""

import sys


def run_suite(name: str) -> None:
    """Run the command line as if "genbench bench run NAME" stood before its words."""
    from genbench.cli import main

    sys.argv[:1] = ["genbench", "bench", "run", name]
    main()
