"""The folder of a bench: what it refuses, whom it locks out, what it reads back."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contracts import Record
from benchmarks.home import (
    Bench,
    Job,
    folder_of,
    locked,
    open_bench,
    put_job,
    read_bench,
    read_job,
    read_record,
    read_records,
    write_record,
)
from genbench.errors import BadInput

BENCH = Bench(suite="digits", minutes=2, count=64, contestants=["gan"], seeds=[0])
JOB = Job(
    suite="digits", contestant="gan", judged_by="digits32", judge="images", metrics=["fd"], extractor="x", count=9
)


def test_more_contestants_and_seeds_are_welcome(tmp_path):
    open_bench(tmp_path / "new" / "home", BENCH)
    more = BENCH.model_copy(update={"contestants": ["dcgan", "gan"], "seeds": [3, 1]})
    found = open_bench(tmp_path / "new" / "home", more)
    assert (found.contestants, found.seeds) == (["gan", "dcgan"], [0, 1, 3])
    assert read_bench(tmp_path / "new" / "home") == found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"suite": "modes-ring8"}, "its suite is another; expected 'digits' as before, got 'modes-ring8'"),
        ({"minutes": 3}, "its minutes is another; expected 2.0 as before, got 3"),
        ({"minutes": None}, "its minutes is another; expected 2.0 as before, got none"),
        ({"count": 65}, "its count"),
        ({"threads": 2}, "its threads"),
        ({"device": "cpu"}, "its device is another; expected none as before, got 'cpu'"),
    ],
)
def test_another_bench_in_the_same_folder_is_refused(tmp_path, change, said):
    open_bench(tmp_path, BENCH)
    with pytest.raises(BadInput, match=said):
        open_bench(tmp_path, BENCH.model_copy(update=change))
    assert read_bench(tmp_path) == BENCH


def test_a_folder_without_a_bench_is_refused(tmp_path):
    with pytest.raises(BadInput, match="nothing was run there"):
        read_bench(tmp_path)
    (tmp_path / "bench.json").write_text("{}")
    with pytest.raises(BadInput, match=r"bench .* cannot be read.* remove bench.json alone and run the same command"):
        read_bench(tmp_path)


def test_a_bench_whose_file_was_removed_goes_on_with_its_runs(tmp_path):
    for _ in range(2):
        open_bench(tmp_path, BENCH)
        put_job(JOB, folder_of(tmp_path, "gan", 0))
        write_record(Record(suite="digits", contestant="gan"), folder_of(tmp_path, "gan", 0))
        (tmp_path / "bench.json").write_text("garbage")
        with pytest.raises(BadInput, match="runs stay"):
            open_bench(tmp_path, BENCH)
        (tmp_path / "bench.json").unlink()
    assert open_bench(tmp_path, BENCH) == BENCH
    assert len(read_records(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_is_refused_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing")):
        with pytest.raises(BadInput, match="cannot be written; expected room and rights"):
            open_bench(home, BENCH)
        with pytest.raises(BadInput, match="cannot be written"):
            put_job(JOB, home)


def test_another_job_in_the_same_folder_is_refused(tmp_path):
    put_job(JOB, tmp_path)
    put_job(JOB.model_copy(update={"command": "another"}), tmp_path)
    with pytest.raises(BadInput, match="its count is another; expected 9 as before, got 8"):
        put_job(JOB.model_copy(update={"count": 8}), tmp_path)
    assert read_job(tmp_path) == JOB


def test_names_of_folders(tmp_path):
    assert folder_of(tmp_path, "dcgan:small+r1", 2) == tmp_path / "dcgan-small+r1-2"
    assert folder_of(tmp_path, "../mine/a", 0).parent == tmp_path


def test_records_come_back_by_contestant_and_seed(tmp_path):
    for name, seed in (("b", 0), ("a", 10), ("a", 2)):
        folder = folder_of(tmp_path, name, seed)
        folder.mkdir()
        write_record(Record(suite="digits", contestant=name, seed=seed), folder)
    assert [(record.contestant, record.seed) for _, record in read_records(tmp_path)] == [("a", 2), ("a", 10), ("b", 0)]
    assert read_record(tmp_path) is None
    (tmp_path / "b-0" / "record.json").write_text('{"suite": 3}')
    with pytest.raises(BadInput, match=r"record .* cannot be read"):
        read_records(tmp_path)


def test_a_job_is_worked_on_by_one(tmp_path):
    with locked(tmp_path) as first:
        assert first is not None
        with locked(tmp_path) as second:
            assert second is None
    with locked(tmp_path) as third:
        assert third is not None


HOLD = """
import sys
from pathlib import Path
from benchmarks.home import locked
with locked(Path(sys.argv[1])) as lock:
    print(lock is not None, flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_dead_process_is_free(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "True\n"
        with locked(tmp_path) as lock:
            assert lock is None
        assert (tmp_path / ".lock").read_text().split()[0] == str(child.pid)
        child.send_signal(signal.SIGKILL)
        child.wait()
    with locked(tmp_path) as lock:
        assert lock is not None


def test_a_child_that_was_given_the_lock_holds_it(tmp_path):
    with locked(tmp_path) as lock:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,))
    with locked(tmp_path) as free:
        assert free is None
    child.kill()
    child.communicate()
    with locked(tmp_path) as free:
        assert free is not None
