"""Exit codes that no command decides: nobody reads the output, or the program itself is at fault."""

import signal
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "genbench", "list", "metrics"]
FAULTY = "import genbench.cli.app; genbench.cli.app.app = lambda **_: 1 / 0; import genbench.cli; genbench.cli.main()"


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="this system has no SIGPIPE")
def test_output_that_nobody_reads_is_no_crossed_threshold():
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == -signal.SIGPIPE


def test_a_fault_of_the_program_is_told_from_a_crossed_threshold():
    done = subprocess.run([sys.executable, "-c", FAULTY], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert "ZeroDivisionError" in done.stderr
    assert "a fault of genbench itself" in done.stderr
