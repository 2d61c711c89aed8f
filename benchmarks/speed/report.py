"""Turns the JSON of a run into reports/speed/README.md.

python -m pytest benchmarks/speed --benchmark-json=reports/speed/speed.json
python -m benchmarks.speed.report
"""

import json
from pathlib import Path

FOLDER = Path("reports/speed")
HEAD = """# Speed beside the peers

Made by:

    python -m pytest benchmarks/speed --benchmark-json=reports/speed/speed.json
    python -m benchmarks.speed.report

Both programs run in turns in one process or as whole commands, on the same inputs, and their numbers are held to each
other in the same run. Ratio: the peer's time over ours, median over the rounds, with lowest and highest. Memory: most
resident memory of this process beyond what was there at the start; of whole commands it is not measured. Floors, which
the peers do not compute, are left out (`--no-floor`).

"""


def table(run: dict) -> str:
    """Return the Markdown table of one run."""
    machine = run["machine_info"]
    lines = [
        f"Machine: {machine['cpu'].get('brand_raw', '?')}, {machine['cpu'].get('count', '?')} cores, "
        f"Python {machine['python_version']}, {run['datetime'][:10]}.",
        "",
        "| what | against | ratio | lowest - highest | target | ours, s | peer, s | ours, MiB | peer, MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in run["benchmarks"]:
        note = row["extra_info"]
        met = "" if note["ratio"] >= note["target"] else " (missed)"
        lines.append(
            f"| {row['name'].removeprefix('test_').replace('_', ' ')} | {note['against']} | {note['ratio']:.2f} | "
            f"{note['lowest']:.2f} - {note['highest']:.2f} | {note['target']:g}{met} | {note['ours_seconds']:.2f} | "
            f"{note['peer_seconds']:.2f} | {note['ours_mebibytes']:.0f} | {note['peer_mebibytes']:.0f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    measured = json.loads((FOLDER / "speed.json").read_text(encoding="utf-8"))
    (FOLDER / "README.md").write_text(HEAD + table(measured), encoding="utf-8")
