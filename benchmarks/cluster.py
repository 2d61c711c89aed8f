"""Jobs on a Ray cluster: each is a task with the cores and GPUs of its preset, in a worker process of its own.

A task whose worker dies is given to another, where training goes on from its newest checkpoint: the lock of a dead
process is free again. All machines must see the folder of the bench under the same path, which is tried first.
"""

import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.home import LOG, Bench, Job, folder_of, locked, read_record, writing
from benchmarks.run import Ended, Tell, put_jobs, record_death, settled
from genbench.errors import BadInput, MissingExtra

TRIES = 3  # of a job whose worker dies, beyond the first
PATIENCE_S = 120  # for a node to say whether it sees the folder
KNOCK_S = 10  # for the head node to answer at all


def run_on_cluster(
    jobs: Sequence[Job], home: Path, tell: Tell, address: str, *, bench: Bench, retry: bool = False
) -> list[Ended]:
    """Carry out jobs on the Ray cluster at ``address``, as many at a time as its cores and GPUs allow.

    Args:
        jobs: what is asked.
        home: folder of the bench, which all machines see.
        tell: told of each as it ends.
        address: "auto", "HOST:PORT" of the head node, or "ray://HOST:PORT".
        bench: what the jobs have in common.
        retry: do again what diverged or crashed.

    Returns:
        What became of each, in the order of ``jobs``.

    Raises:
        MissingExtra: if Ray is not installed.
        BadInput: before any work, if there is no such cluster, a machine does not see ``home``, no machine has what a
            job wants, ``home`` holds another bench, or the folder of a job another job.
    """
    ray = _connect(address)
    try:
        home = home.absolute()
        _refuse_unseen(ray, home)
        _refuse_unmet(ray, jobs)
        put_jobs(jobs, home, bench)
        return _gather(ray, jobs, home, tell, retry=retry)
    finally:
        ray.shutdown()


def carry_out(folder: str, *, retry: bool) -> tuple[bool, bool]:
    """Carry out the job in ``folder`` in this process; return whether it was another's, and whether it was done."""
    from benchmarks.job import work

    place = Path(folder)
    with locked(place) as lock:
        if lock is None:
            return True, False
        if settled(place, retry=retry) is not None:
            return False, True
        with open(place / LOG, "a", encoding="utf-8", buffering=1) as log, redirect_stdout(log), redirect_stderr(log):
            work(place)
        return False, False


def _connect(address: str) -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtra(
            "--cluster: Ray is not installed; expected the extra, got none. pip install 'genbench[cluster]'"
        ) from error
    _knock(os.environ.get("RAY_ADDRESS", address) if address == "auto" else address)
    try:
        ray.init(address=address, log_to_driver=False, ignore_reinit_error=True)
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        raise BadInput(_unanswered(address, error)) from error
    return ray


def _knock(address: str) -> None:
    """Raise ``BadInput`` if nobody listens at HOST:PORT, for which Ray itself would wait for ever."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return  # "auto", or what Ray refuses at once
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise BadInput(_unanswered(address, error)) from error


def _unanswered(address: str, error: Exception) -> str:
    return (
        f"--cluster {address!r}: no cluster answers; expected the address of a Ray head node, or auto, got "
        f"{type(error).__name__}: {' '.join(str(error).split())[:200]}. Start one: ray start --head."
    )


def _refuse_unseen(ray: Any, home: Path) -> None:
    """Raise ``BadInput`` unless every machine reads in ``home`` what is written there here."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    word, token = secrets.token_hex(16), home / f".token-{secrets.token_hex(4)}"
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        token.write_text(word, encoding="utf-8")
    look = ray.remote(num_cpus=0, max_retries=0)(_read)
    nodes = [node for node in ray.nodes() if node["Alive"]]
    try:
        told = {
            node["NodeManagerHostname"] + " " + node["NodeID"][:8]: look.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(str(token))
            for node in nodes
        }
        blind = [name for name, found in told.items() if _wait(ray, found) != word]
    finally:
        token.unlink()
    if blind:
        raise BadInput(
            f"--cluster: {len(blind)} of {len(nodes)} machines do not see {str(home)!r}; expected a folder that all of "
            f"them share, got none on {', '.join(blind)}. Give an --out on a shared disk."
        )


def _read(path: str) -> str:
    """Return what a file holds, or why it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        return str(error)


def _wait(ray: Any, found: Any) -> str:
    try:
        return str(ray.get(found, timeout=PATIENCE_S))
    except ray.exceptions.RayError as error:
        return str(error)


def _refuse_unmet(ray: Any, jobs: Sequence[Job]) -> None:
    """Raise ``BadInput`` if no machine has the cores and GPUs that a job wants: it would wait for ever."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for job in jobs:
        wants = {"CPU": job.cpus, "GPU": _gpus(job)}
        if not any(all(machine.get(what, 0) >= number for what, number in wants.items()) for machine in machines):
            raise BadInput(
                f"--cluster: no machine for {job.contestant!r}; expected one with {wants['CPU']} cores and "
                f"{wants['GPU']} GPUs, got {'; '.join(_had(machine) for machine in machines)}. Add a machine."
            )


def _had(machine: dict[str, float]) -> str:
    return f"{machine.get('CPU', 0):g} and {machine.get('GPU', 0):g}"


def _gpus(job: Job) -> int:
    return max(job.gpus, 1) if job.device == "cuda" else 0


def _gather(ray: Any, jobs: Sequence[Job], home: Path, tell: Tell, *, retry: bool) -> list[Ended]:
    """Start all jobs, and take what became of them as they end."""
    task = ray.remote(max_calls=1)(carry_out)  # a process a job
    folders = [folder_of(home, job.contestant, job.seed) for job in jobs]
    waiting = {
        task.options(num_cpus=job.cpus, num_gpus=_gpus(job), max_retries=TRIES, name=folder.name).remote(
            str(folder), retry=retry
        ): place
        for place, (job, folder) in enumerate(zip(jobs, folders, strict=True))
    }
    ended: dict[int, Ended] = {}
    while waiting:
        (first, *_), _ = ray.wait(list(waiting), num_returns=1)
        place = waiting.pop(first)
        ended[place] = _end(ray, first, jobs[place], folders[place])
        tell(ended[place])
    return [ended[place] for place in sorted(ended)]


def _end(ray: Any, found: Any, job: Job, folder: Path) -> Ended:
    try:
        is_busy, is_old = ray.get(found)
    except ray.exceptions.RayError as error:
        reason = f"its worker died {TRIES + 1} times: {' '.join(str(error).split())[:200]}"
        with locked(folder) as lock:
            return Ended(job, folder, None if lock is None else record_death(job, folder, reason))
    return Ended(job, folder, None if is_busy else read_record(folder), is_old=is_old)
