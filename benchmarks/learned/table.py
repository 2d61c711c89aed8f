"""Turns the results of runs into README.md, table.csv and the last sample grids."""

import csv
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from benchmarks.learned.results import Check, Result
from genbench.errors import BadInput

Results = Sequence[tuple[Path, Result]]  # (folder, what it holds)
COLOURS = 128  # of a kept grid that is not grey
COLUMNS = ("model", "preset", "data", "seed", "what", "value", "stderr", "threshold", "better", "passed", "note")
HEAD = """# Does every model of the zoo learn?

Each was trained as its preset says (`small`: minutes of one CPU thread), and judged on data that it never saw.

fd: Frechet distance of as many samples as are held out (1,000 at most) from the held-out data, in the features of
{extractor}, -/+ its standard error; floor: of as many training examples. Distances of other data or counts do not
compare.

A run passes if it ends and each check of it passes. A check marked "bound" holds by construction and says nothing of
learning; all others fail on the untrained model. A class is covered if at least a fifth of an equal share of the
samples are of it (2 % with ten classes), by a classifier that was trained on the real training data and may say that a
sample is of no class. Thresholds were set before these runs. Presets were then chosen by runs of seed 0 under the same
checks, so that seed 0 flatters: other seeds are the test. sngan, stylegan and stylegan2 learn `digits32` because none
of their runs on the coloured `shapes` passed (sngan came to fd 151 from 304, stylegan to 149 from 298, stylegan2 to 201
from 251). Up-sampling that is bilinear suits data this smooth, before any training: see the untrained distances.

What was tried of those that fail. gan: four times the generator's rate with decay (166.7 -> 142.1), an output layer
that starts at 0 (144.8); its samples are digits with grain, which these features see above all. wgan: 1,500 updates in
place of 1,000 (48.6, worse). 3d-gan: 4,000 updates with decay (no check changed; the critic rests most of the time).
dcgan+r1: gamma of .1, .3, 5 in place of 1 (159, 153, 137, all worse). progan: 700 updates, batch 32, rates of 1e-3
came to 166.8. stylegan2+pathless: 1,000 updates came to 84.8; the untrained network is smooth, so that the ratio asks
much of it; with path length it passes. A linear probe that gains .1 on the untrained network was first asked of
pixelcnn too, which reached .085; the recipes ask it of encoders. The VAE's active units are not checked: the untrained
network has as many.

Bits a dimension are of held-out `digits8`: equally likely levels have 4.087, each pixel by itself 2.409. What drawing
pixel by pixel costs, with and without what earlier pixels gave, is in [reports/speed](../speed/README.md).

"""


def write_table(results: Results, out: Path) -> None:
    """Write the table of ``results`` into the folder ``out``; files of the same names are replaced."""
    out.mkdir(parents=True, exist_ok=True)
    pictures = copy_pictures(results, out)
    found = [result for _, result in results]
    extractor = ", ".join(sorted({result.extractor for result in found if result.extractor})) or "no network"
    parts = [
        HEAD.format(extractor=extractor),
        _made_by(found),
        "## Runs\n\n",
        _runs(found),
        "\n## Checks\n\n",
        _checks(found),
    ]
    if pictures:
        parts += ["\n## Samples\n\nThe last grid of the first seed.\n\n"]
        parts += [f"{title}\n\n![{title}]({file})\n\n" for title, file in pictures.items()]
    parts += _sheets(out)
    (out / "README.md").write_text("".join(parts).rstrip() + "\n", encoding="utf-8")
    write_csv(found, out / "table.csv")


def _sheets(out: Path) -> list[str]:
    """Return the section of the sheets that lie in ``out``: ``sheet-complete-pixelcnn.png``."""
    sheets = {
        path.name: path.stem.removeprefix("sheet-").replace("-", " ", 1) for path in sorted(out.glob("sheet-*.png"))
    }
    head = "## Sheets\n\nOf the first seed, by `genbench zoo complete|interpolate|reconstruct RUN --grid FILE`.\n\n"
    return [head, *(f"{title}\n\n![{title}]({file})\n\n" for file, title in sheets.items())] if sheets else []


def write_csv(results: Sequence[Result], path: Path) -> None:
    """Write one row a distance and a check, and one a crash."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for result in results:
            whose = {name: getattr(result, name) for name in ("model", "preset", "data", "seed")}
            writer.writerows(whose | row for row in _rows(result))


def copy_pictures(results: Results, out: Path) -> dict[str, str]:
    """Write the last grid of each model and preset, of its first seed that has one, small; return title -> file."""
    pictures: dict[str, str] = {}
    for folder, result in sorted(results, key=lambda pair: pair[1].seed):
        title = f"{result.model} {result.preset}"
        if result.picture is None or title in pictures:
            continue
        file = f"{result.model}-{result.preset}.png"
        shrink(folder / result.picture, out / file)
        pictures[title] = file
    return dict(sorted(pictures.items()))


def shrink(source: Path, target: Path) -> None:
    """Write a PNG with one channel if it is grey, else with 128 colours."""
    if not source.is_file():
        raise BadInput(f"table: {str(source)!r} is gone; expected the grid of a run, got none. Copy the run whole.")
    picture = Image.open(source).convert("RGB")
    bands = [band.tobytes() for band in picture.split()]
    is_grey = bands[0] == bands[1] == bands[2]
    (picture.convert("L") if is_grey else picture.quantize(COLOURS)).save(target, optimize=True)


def summarise(result: Result) -> str:
    """Return a run in one line."""
    who = f"{result.model}:{result.preset} seed {result.seed}"
    if result.error is not None:
        return f"{who}: {_verdict(result)}"
    failed = ", ".join(check.name for check in result.checks if not check.passed)
    distance = f"fd {_distance(result)}, floor {_measured(result, 'floor')}; " if result.distances else ""
    minutes = f"{result.training_seconds / 60:.1f} min"
    return f"{who}: {distance}{_verdict(result)}{f' ({failed})' if failed else ''}; {minutes}"


def _rows(result: Result) -> list[dict[str, object]]:
    if result.error is not None:
        return [{"what": "error", "passed": False, "note": result.error}]
    scores = [{"what": f"fd {name}", **score.model_dump()} for name, score in result.distances.items()]
    facts = [
        {"what": "training minutes", "value": round(result.training_seconds / 60, 2)},
        *({"what": f"parameters of {name}", "value": count} for name, count in result.parameters.items()),
    ]
    kept = ("value", "threshold", "better", "passed", "note")
    checks = [{"what": check.name, **check.model_dump(include=set(kept))} for check in result.checks]
    return [*scores, *facts, *checks]


def _made_by(results: Sequence[Result]) -> str:
    environments = [result.environment for result in results if result.environment]
    machines = dict.fromkeys(
        f"{env.get('platform')}, {env.get('cpus')} CPUs, {env.get('threads')} thread(s) a run on {env.get('device')}, "
        f"Python {env.get('python')}, torch {env.get('packages', {}).get('torch')}"
        for env in environments
    )
    days = sorted({str(env.get("created"))[:10] for env in environments})
    commits = sorted({str(env.get("git_commit")) for env in environments})
    commands = dict.fromkeys(result.command for result in results if result.command)
    lines = ["Made by:", "", *(f"    {command}" for command in commands)]
    lines += ["    python -m benchmarks.learned table DIR -o reports/zoo", ""]
    lines += [f"Machine: {'; '.join(machines)}. Commit: {', '.join(commits)}. Date: {', '.join(days)}."]
    return "\n".join(lines) + "\n\n"


def _runs(results: Sequence[Result]) -> str:
    lines = [
        "| model | preset | data | seed | parameters | minutes | fd untrained -> trained | floor | checks | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(_run(result))} |" for result in results)]) + "\n"


def _run(result: Result) -> list[str]:
    who = [result.model, result.preset, result.data, str(result.seed)]
    if result.error is not None:
        return [*who, *[""] * 5, _verdict(result)]
    return [
        *who,
        ", ".join(f"{name} {count:,}" for name, count in result.parameters.items()),
        f"{result.training_seconds / 60:.1f}",
        _distance(result),
        _measured(result, "floor"),
        f"{sum(check.passed for check in result.checks)} of {len(result.checks)}",
        _verdict(result),
    ]


def _checks(results: Sequence[Result]) -> str:
    """Return one line a check of a trial, one column a seed."""
    seeds = sorted({result.seed for result in results})
    trials: dict[tuple[str, str], dict[int, Result]] = {}
    for result in results:
        trials.setdefault((result.model, result.preset), {})[result.seed] = result
    lines = [
        f"| model | preset | check | threshold | {' | '.join(f'seed {seed}' for seed in seeds)} |",
        "|---|---|---|---|" + "---|" * len(seeds),
    ]
    for (model, preset), of_seed in trials.items():
        ended = [result for result in of_seed.values() if result.error is None]
        for place, check in enumerate(ended[0].checks if ended else []):
            cells = [_cell(of_seed.get(seed), place) for seed in seeds]
            sign = "<=" if check.better == "lower" else ">="
            bound = " (bound)" if check.is_bound else ""
            lines.append(
                f"| {model} | {preset} | {check.name}{bound} | {sign} {check.threshold:.3g} | {' | '.join(cells)} |"
            )
    return "\n".join(lines) + "\n"


def _cell(result: Result | None, place: int) -> str:
    if result is None:
        return "not run"
    if result.error is not None or place >= len(result.checks):
        return "no number: FAIL"
    check: Check = result.checks[place]
    return f"{'none' if check.value is None else f'{check.value:.3g}'}: {'pass' if check.passed else 'FAIL'}"


def _verdict(result: Result) -> str:
    if result.error is None:
        return "pass" if result.passed else "FAIL"
    return f"FAIL, crashed: {result.error[:300].replace('|', '/')}"


def _distance(result: Result) -> str:
    return f"{_measured(result, 'untrained')} -> {_measured(result, 'trained')}" if result.distances else ""


def _measured(result: Result, name: str) -> str:
    score = result.distances.get(name)
    if score is None:
        return ""
    return f"{score.value:.1f}" if score.stderr is None else f"{score.value:.1f} -/+ {score.stderr:.1f}"
