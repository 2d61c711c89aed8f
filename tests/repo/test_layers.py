"""Who may import whom, walked from the code (top-level and lazy imports alike)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# "" is genbench itself: its version
LEAVES = {"errors", "contracts", "capabilities", "registry", "seeds", "scratch", "parameters", "protocols", ""}
ALLOWED = {
    "errors": set(),
    "contracts": {"errors"},
    "capabilities": {"errors"},
    "registry": {"errors"},
    "seeds": {"errors"},
    "scratch": {"errors"},
    "parameters": {"errors", "contracts"},
    "protocols": {"parameters", "registry"},
    "usercode": {"errors"},
    "torchscript": {"errors"},
    "provenance": LEAVES,
    "request": LEAVES,
    "images": LEAVES,
    "stats": LEAVES,
    "sources": LEAVES | {"images", "usercode", "torchscript"},
    "features": LEAVES | {"images", "usercode", "torchscript"},
    "pairs": LEAVES | {"images", "features"},
    "views": LEAVES | {"request", "features", "pairs"},
    "requirements": LEAVES | {"features", "pairs", "stats"},
    "metrics": LEAVES | {"stats"},
    "comparison": {"contracts"},
    "report": LEAVES | {"comparison"},
    "floor": LEAVES | {"request", "features", "views", "stats"},
    "evaluate": LEAVES
    | {"provenance", "request", "requirements", "sources", "images", "features", "pairs", "views", "floor"}
    | {"stats", "metrics", "report"},
    "ranks": LEAVES | {"stats"},
    "": LEAVES | {"evaluate", "online", "sources", "analyses", "comparison"},
}
ALLOWED["analyses"] = ALLOWED["evaluate"] | {"evaluate", "comparison"}
ALLOWED["online"] = ALLOWED["analyses"] | {"ranks"}
ALLOWED["__main__"] = LEAVES | {"cli"}
EVERYTHING = set(ALLOWED) | {"cli"}
FREE_OF_TORCH = ("stats", "metrics", "sources", "images", "report", "cli", "evaluate", "contracts", "features")
PLUGIN_TABLES = ("sources", "features", "pairs", "metrics")


def part(module):
    """genbench.stats.kernels -> stats."""
    return module.split(".")[1] if "." in module else ""


def imports_of(path):
    """Yield (module, is_at_top_level) of every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module
            is_package = (ROOT / base.replace(".", "/")).is_dir()
            for alias in node.names:
                inner = ROOT / base.replace(".", "/") / f"{alias.name}.py"
                folder = ROOT / base.replace(".", "/") / alias.name
                is_module = is_package and (inner.exists() or folder.is_dir())
                yield (f"{base}.{alias.name}" if is_module else base), id(node) in top


def module_of(path):
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files():
    return sorted((ROOT / "genbench").rglob("*.py"))


def offences(paths):
    for path in paths:
        here = part(module_of(path))
        allowed = EVERYTHING if here == "cli" else ALLOWED.get(here, set()) | {here}
        for module, _ in imports_of(path):
            root = module.split(".")[0]
            if root in ("zoo", "benchmarks") or (root == "genbench" and part(module) not in allowed):
                yield f"{path.relative_to(ROOT)} imports {module}"


def test_imports_point_down():
    assert list(offences(files())) == []


def test_the_zoo_stands_on_the_leaves_of_genbench():
    """A model must not know how it is scored; only the zoo's command line borrows the progress bars."""
    allowed = LEAVES | {"provenance"}
    bad = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / "zoo").rglob("*.py"))
        for module, _ in imports_of(path)
        if module.split(".")[0] == "benchmarks" or (module.split(".")[0] == "genbench" and part(module) not in allowed)
        if (path.name, module) != ("cli.py", "genbench.cli.progress")
    ]
    assert bad == []


def test_the_walk_sees_a_forbidden_import(tmp_path, monkeypatch):
    planted = tmp_path / "genbench" / "metrics" / "bad.py"
    planted.parent.mkdir(parents=True)
    planted.write_text("def f():\n    from genbench.sources import open_source\n    import zoo\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert len(list(offences([planted]))) == 2


def test_there_are_no_cycles():
    graph = {module_of(p): {m for m, top in imports_of(p) if m.startswith("genbench") and top} for p in files()}
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path, module])
        if module in done or module not in graph:
            return
        path.append(module)
        for other in graph[module] - {module}:
            visit(other)
        done.add(path.pop())

    for module in graph:
        visit(module)


def test_torch_is_imported_in_functions_only():
    heavy = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in files()
        for module, top in imports_of(path)
        if top
        and module.split(".")[0] in ("torch", "torchvision", "timm", "onnxruntime", "pandas", "matplotlib", "sklearn")
    ]
    assert heavy == []


@pytest.mark.parametrize("stage", PLUGIN_TABLES)
def test_plugins_do_not_import_their_siblings(stage):
    import importlib

    table = next(
        v for v in vars(importlib.import_module(f"genbench.{stage}")).values() if type(v).__name__ == "Registry"
    )
    table = {name: target for name, target in table._targets.items() if isinstance(target, str)} or {
        name: f"{getattr(target, '__module__', type(target).__module__)}:" for name, target in table._targets.items()
    }
    modules = {target.partition(":")[0] for target in table.values()}
    bad = [
        f"{module} imports {other}"
        for module in modules
        for other, _ in imports_of(ROOT / (module.replace(".", "/") + ".py"))
        if other in modules - {module}
    ]
    assert bad == []
