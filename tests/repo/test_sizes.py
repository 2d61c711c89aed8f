"""Caps that keep files and functions readable. The allow-list may only shrink; each entry says why."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE_LINES, FUNCTION_LINES, ARGUMENTS, NESTING = 400, 50, 6, 3
ALLOWED = {
    "genbench/cli/score.py:score": "typer reads the options of a command from one signature",
    "genbench/cli/compare.py:compare": "typer reads the options of a command from one signature",
    "genbench/cli/ladder.py:ladder": "typer reads the options of a command from one signature",
    "genbench/cli/memorization.py:memorization": "typer reads the options of a command from one signature",
    "genbench/cli/images.py:images": "typer reads the options of a command from one signature",
    "genbench/cli/protocols.py:protocols": "typer reads the options of a command from one signature",
    "genbench/cli/stats.py:stats": "typer reads the options of a command from one signature",
    "benchmarks/learned/__main__.py:run": "typer reads the options of a command from one signature",
    "benchmarks/cli.py:run": "typer reads the options of a command from one signature",
    "benchmarks/cli.py:jobs": "typer reads the options of a command from one signature",
    "zoo/cli.py:train": "typer reads the options of a command from one signature",
    "zoo/cli.py:resume": "typer reads the options of a command from one signature",
    "zoo/cli.py:sample": "typer reads the options of a command from one signature",
}
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "misc", "common", "types", "statistics", "random", "select"}
BLOCKS = (ast.For, ast.While, ast.If, ast.With, ast.Try)


def code_files():
    return [p for top in ("genbench", "zoo", "benchmarks") if (ROOT / top).is_dir() for p in (ROOT / top).rglob("*.py")]


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def code_lines(function):
    """Length without the docstring."""
    first = function.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = first.end_lineno - first.lineno + 1 if has_docstring else 0
    return function.end_lineno - function.lineno + 1 - docstring


def depth(node, level=0):
    """Nesting of blocks; an elif is no deeper than its if."""
    deepest = level
    for field in ("body", "orelse", "finalbody", "handlers"):
        for child in getattr(node, field, []):
            is_elif = field == "orelse" and isinstance(node, ast.If) and isinstance(child, ast.If)
            deeper = isinstance(child, BLOCKS) and not is_elif
            deepest = max(deepest, depth(child, level + deeper))
    return deepest


def test_files_are_short():
    assert [str(p) for p in code_files() if len(p.read_text(encoding="utf-8").splitlines()) > FILE_LINES] == []


def test_functions_are_short_shallow_and_take_few_arguments():
    offenders = []
    for path in code_files():
        for function in functions(path):
            name = f"{path.relative_to(ROOT)}:{function.name}"
            positional = len(function.args.posonlyargs) + len(function.args.args)
            if name in ALLOWED:
                continue
            if code_lines(function) > FUNCTION_LINES or positional > ARGUMENTS or depth(function) > NESTING:
                offenders.append(
                    f"{name}: {code_lines(function)} lines, {positional} arguments, nesting {depth(function)}"
                )
    assert offenders == []


def test_the_allow_list_is_needed():
    there = {f"{p.relative_to(ROOT)}:{f.name}" for p in code_files() for f in functions(p)}
    assert set(ALLOWED) <= there


def test_names_say_something():
    assert [str(p) for p in code_files() if p.stem in NAMES_THAT_SAY_NOTHING] == []


def test_the_top_level_holds_nothing_else():
    allowed = {
        "pyproject.toml",
        "genbench",
        "zoo",
        "benchmarks",
        "tests",
        "reports",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
    }
    ignored = {"genbench.egg-info", "build", "dist", "genbench-demo", "genbench-bench"}
    found = {p.name for p in ROOT.iterdir() if not p.name.startswith(".")}
    assert found - allowed - ignored == set()
