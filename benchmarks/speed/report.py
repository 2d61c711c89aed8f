"""Turns the JSON of runs into reports/speed/README.md.

python -m pytest benchmarks/speed --ignore=benchmarks/speed/test_sampling.py --benchmark-json=reports/speed/peers.json
python -m pytest benchmarks/speed/test_sampling.py --benchmark-json=reports/speed/sampling.json
python -m benchmarks.speed.report
"""

import json
from pathlib import Path

FOLDER = Path("reports/speed")
HEAD = """# Speed beside the peers, and of drawing beside drawing plainly

Made by:

    python -m pytest benchmarks/speed --ignore=benchmarks/speed/test_sampling.py \\
        --benchmark-json=reports/speed/peers.json
    python -m pytest benchmarks/speed/test_sampling.py --benchmark-json=reports/speed/sampling.json
    python -m benchmarks.speed.report

Both programs run in turns in one process or as whole commands, on the same inputs, and their numbers are held to each
other in the same run. Ratio: the other's time over ours, median over the rounds, with lowest and highest. Memory: most
resident memory of this process beyond what was there at the start; of whole commands it is not measured.
"""
PARTS = {
    "peers": "## Peers\n\nFloors, which the peers do not compute, are left out (`--no-floor`).\n\n",
    "sampling": (
        "## Images drawn pixel by pixel\n\n64 images at once of untrained networks of the small presets' sizes, which "
        "keep what earlier\npixels gave them, beside a pass of the whole network for every pixel. Both give the same "
        "images.\n\n"
    ),
}


def table(run: dict) -> str:
    """Return the Markdown table of one run."""
    machine = run["machine_info"]
    lines = [
        f"Machine: {machine['cpu'].get('brand_raw', '?')}, {machine['cpu'].get('count', '?')} cores, "
        f"Python {machine['python_version']}, {run['datetime'][:10]}.",
        "",
        "| what | against | rounds | ratio | lowest - highest | target | ours, s | other, s | ours, MiB | other, MiB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in run["benchmarks"]:
        note = row["extra_info"]
        met = "" if note["ratio"] >= note["target"] else " (missed)"
        lines.append(
            f"| {row['name'].removeprefix('test_').replace('_', ' ')} | {note['against']} | {note['rounds']} | "
            f"{note['ratio']:.2f} | {note['lowest']:.2f} - {note['highest']:.2f} | {note['target']:g}{met} | "
            f"{note['ours_seconds']:.2f} | {note['peer_seconds']:.2f} | {note['ours_mebibytes']:.0f} | "
            f"{note['peer_mebibytes']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the report on both runs."""
    runs = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in PARTS}
    return HEAD + "".join(f"\n{PARTS[name]}{table(run)}" for name, run in runs.items())


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")
