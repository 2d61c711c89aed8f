"""The ``genbench`` command. One file a command; parsing only."""

import signal
import sys
import traceback

from genbench.errors import GenbenchError


def main() -> None:
    """Run the command line.

    Exit 0 done, 1 a threshold failed, 2 an input cannot be used, 3 a fault of the program, 130 stopped by Ctrl-C; by
    SIGPIPE where nobody reads the output any more, as other programs do.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        _run()
    except GenbenchError as error:
        from rich.console import Console

        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped; what was computed is kept, run the same command to go on", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except Exception:
        traceback.print_exc()
        print("a fault of genbench itself; what was computed is kept. Please report the lines above", file=sys.stderr)  # noqa: T201
        sys.exit(3)


def _run() -> None:
    """Import what the commands need, which takes a moment, where Ctrl-C is already caught."""
    import warnings

    from genbench.cli.app import app

    warnings.filterwarnings("ignore", module="PIL")  # odd files are counted in the scorecard instead
    app(standalone_mode=True)
