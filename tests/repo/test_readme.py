"""The README's tables are made from the registries; run this file to renew them."""

import csv
import inspect
import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def metrics_table():
    from genbench.cli.listing import seen_by
    from genbench.metrics import METRICS

    metrics = [METRICS.get(name) for name in METRICS._targets]
    rows = [f"| `{m.name}` | {m.summary} | {m.better} | {seen_by(m)} | {m.source} |" for m in metrics]
    return "\n".join(["| id | what it measures | better | looks at | source |", "|---|---|---|---|---|", *rows])


def extractors_table():
    from genbench.features import EXTRACTORS

    rows = []
    for name in EXTRACTORS._targets:
        extractor = EXTRACTORS.get(name)
        layers = ", ".join(f"{layer} {width}" for layer, width in extractor.widths.items()) or "pooled, any width"
        rows.append(f"| `{name}` | {layers} | {inspect.getdoc(extractor).partition(chr(10))[0]} |")
    return "\n".join(["| name | layers | what it is |", "|---|---|---|", *rows])


def models_table():
    from zoo import MODELS

    rows = []
    for model in map(MODELS.get, MODELS._targets):
        info = model.info
        rows.append(
            f"| `{info.name}` | {info.title} | {info.summary} | `{model.presets['small'].data}` | {info.paper} |"
        )
    return "\n".join(["| name | model | what makes it different | learns | source |", "|---|---|---|---|---|", *rows])


def data_table():
    from zoo.data import DATA

    rows = [f"| `{name}` | {inspect.getdoc(DATA.get(name)).partition(chr(10))[0]} |" for name in DATA._targets]
    return "\n".join(["| data set | what it is |", "|---|---|", *rows])


def leaderboard_table():
    """The first columns of reports/digits, in its order."""
    lines = ["| model | place | FD | seeds | training, min | samples/s | copies |", "|---|---|---|---|---|---|---|"]
    with (README.parent / "reports" / "digits" / "leaderboard.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["fd"]:
                place = "-".join(dict.fromkeys((row["place_first"], row["place_last"])))
                fd = f"{float(row['fd']):.1f} ± {float(row['fd_stderr']):.1f}"
                minutes, speed = f"{float(row['training_minutes']):.1f}", f"{float(row['samples_per_second']):,.0f}"
                told = (row["contestant"], place, fd, row["runs"], minutes, speed, row["memorization"])
                lines.append(f"| {' | '.join(told)} |")
    return "\n".join(lines)


def renewed(text):
    tables = {
        "metrics": metrics_table(),
        "extractors": extractors_table(),
        "models": models_table(),
        "data": data_table(),
        "leaderboard": leaderboard_table(),
    }
    for name, table in tables.items():
        text = re.sub(
            rf"<!-- {name} -->\n(\n\|.*?\n(?=\n))?",
            lambda _, n=name, t=table: f"<!-- {n} -->\n\n{t}\n",
            text,
            flags=re.S,
        )
    return text


def test_the_tables_are_those_of_the_registries():
    text = README.read_text(encoding="utf-8")
    assert renewed(text) == text, "run `python tests/repo/test_readme.py`"


def test_every_command_in_the_readme_exists():
    from typer.main import get_command

    from genbench.cli.app import app

    known = set(get_command(app).commands)
    used = set(
        re.findall(r"genbench ([a-z]+)", "\n".join(re.findall(r"```sh\n(.*?)```", README.read_text(), flags=re.S)))
    )
    assert used <= known | {"demo"}
    assert used


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
