"""``genbench --version``."""

from typer.testing import CliRunner

import genbench
from genbench.cli.app import app


def test_the_version_is_that_of_the_package():
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.output == f"genbench {genbench.__version__}\n"


def test_without_a_command_there_is_help():
    assert "Evaluate image generators" in CliRunner().invoke(app, []).output
