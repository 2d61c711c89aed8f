"""A local Ray cluster of two nodes: a worker is killed, a machine does not see the folder."""

import importlib.util
import json
import os
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.home import read_records

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: genbench[cluster]"
)
STEPS = 48
WORDS = ("modes-ring8", "--models", "gan:ring,wgan-gp:ring", "--seeds", "1", "--steps", str(STEPS), "--count", "200")

TWO_NODES = """
import json, os, signal, sys, threading, time
from pathlib import Path
from ray.cluster_utils import Cluster

def main(home, killed, words):
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    threading.Thread(target=kill_worker, args=(Path(killed),), daemon=True).start()
    sys.argv = ["genbench", "bench", *words, "--out", home, "--cluster", cluster.address]
    from genbench.cli import main
    main()

def kill_worker(folder):
    while not list(folder.glob("run/checkpoints/0*")):
        time.sleep(0.005)
    pid = int((folder / ".lock").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    newest = max(int(path.name) for path in folder.glob("run/checkpoints/0*"))
    told = {"pid": pid, "step": newest, "done": (folder / "record.json").exists()}
    (folder / "killed.json").write_text(json.dumps(told))

main(*json.loads(sys.argv[1]))
"""

EYES = """
import json, os, sys
from pathlib import Path
from ray.cluster_utils import Cluster
from benchmarks.cluster import run_on_cluster
from benchmarks.home import Bench, Job
from genbench.errors import BadInput

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
folder, wanting, *homes = json.loads(sys.argv[1])
bench = Bench(suite="modes-ring8", count=9)
try:
    run_on_cluster([Job(**wanting)], Path(folder) / "own", print, cluster.address, bench=bench)
except BadInput as error:
    print(error, flush=True)
os.chdir(folder)  # the machines of the cluster stay where they were started
for home in homes:
    try:
        run_on_cluster([], Path(home), print, cluster.address, bench=bench)
        print("seen", flush=True)
    except BadInput as error:
        print(error, flush=True)
"""


def in_python(code, *given, seconds=500):
    environment = {**os.environ, "RAY_worker_niceness": "0"}  # else workers wait for all else that the machine does
    return subprocess.run(
        [sys.executable, "-c", code, json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment,
    )


@needs_ray
@pytest.mark.slow
def test_two_nodes_give_the_rows_of_one_process_though_a_worker_is_killed(tmp_path):
    home, killed = tmp_path / "cluster", tmp_path / "cluster" / "wgan-gp-ring-0"
    done = in_python(TWO_NODES, str(home), str(killed), ["run", *WORDS])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[2/2]" in done.stdout
    told = json.loads((killed / "killed.json").read_text())
    assert not told["done"]
    assert 0 < told["step"] < STEPS
    assert int((killed / ".lock").read_text().split()[0]) != told["pid"]
    assert CliRunner().invoke(app, ["run", *WORDS, "--out", str(tmp_path / "one")]).exit_code == 0
    ours, theirs = (read_records(folder) for folder in (home, tmp_path / "one"))
    assert [folder.name for folder, _ in ours] == [folder.name for folder, _ in theirs]
    assert len(ours) == 2
    for (_, mine), (_, other) in zip(ours, theirs, strict=True):
        assert (mine.status, mine.steps, mine.images) == ("done", STEPS, other.images)
        for score, expected in zip(mine.scorecard.scores, other.scorecard.scores, strict=True):
            assert score.value == pytest.approx(expected.value, rel=1e-6)
    assert len({(folder / ".lock").read_text() for folder, _ in ours}) == 2  # a process a job


@needs_ray
@pytest.mark.slow
def test_a_folder_that_a_machine_does_not_see_is_refused(tmp_path):
    """A path by /proc/self is another folder in each process, as a path on a local disk is on each machine."""
    shared = tmp_path / "shared"
    wanting = {"suite": "s", "contestant": "x", "judged_by": "ring8", "judge": "points", "count": 9, "device": "cuda"}
    wanting |= {"metrics": [], "extractor": "pixels", "cpus": 1, "gpus": 1}
    done = in_python(EYES, str(tmp_path), wanting, str(shared), "/proc/self/cwd/own")
    unmet, seen, refused, *_ = done.stdout.splitlines()
    assert unmet.startswith("--cluster: no machine for 'x'; expected one with 1 cores and 1 GPUs, got 1 and 0.")
    assert seen == "seen", done.stderr
    assert refused.startswith("--cluster: 1 of 1 machines do not see '/proc/self/cwd/own'; expected a folder that all")
    assert {path.name for path in shared.iterdir()} == {"bench.json", ".lock"}
    assert list((tmp_path / "own").iterdir()) == []


KNOCKING = """
import json, sys, time
from typer.testing import CliRunner
from benchmarks.cli import app

words, *addresses = json.loads(sys.argv[1])
for address in addresses:
    began = time.monotonic()
    done = CliRunner().invoke(app, [*words, "--cluster", address])
    print(time.monotonic() - began < 60, type(done.exception).__name__, done.exception, flush=True)
"""


@needs_ray
@pytest.mark.slow
def test_where_no_cluster_answers_nothing_is_written(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"  # closed again: nobody listens
    monkeypatch.setenv("RAY_ADDRESS", place)
    given = ["nonsense", place, f"ray://{place}", f"[::1]:{place.rpartition(':')[2]}", "auto"]
    done = in_python(KNOCKING, ["run", *WORDS, "--out", str(tmp_path / "out")], *given)
    lines = [line for line in done.stdout.splitlines() if "--cluster" in line]
    assert len(lines) == len(given), done.stdout + done.stderr
    for line, address in zip(lines, [*given[:-1], place], strict=True):
        assert line.startswith(f"True BadInput --cluster {address!r}: no cluster answers")
    assert not (tmp_path / "out").exists()
