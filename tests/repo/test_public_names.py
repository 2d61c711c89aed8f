"""What `import genbench` offers, and how little it loads."""

import subprocess
import sys

import genbench


def test_all_is_what_can_be_imported():
    assert sorted(genbench.__all__) == genbench.__all__
    for name in genbench.__all__:
        assert getattr(genbench, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(genbench, "nonsense")


def test_importing_genbench_is_light():
    code = "import sys, genbench; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("torch", "zoo", "onnxruntime", "timm", "pandas", "matplotlib", "sklearn", "scipy", "numpy"):
        assert f"'{heavy}'" not in loaded


def test_the_version_is_single_sourced():
    from importlib.metadata import version

    assert version("genbench") == genbench.__version__
