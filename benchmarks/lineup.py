"""Who runs: contestants by name, and their jobs."""

import re
from collections.abc import Sequence
from typing import Any

from benchmarks.contracts import Contestant, Suite
from benchmarks.home import Bench, Job, slug
from genbench.errors import BadInput, GenbenchError
from zoo import MODELS
from zoo.contracts import Preset
from zoo.model import choose_preset

NAME = re.compile(r"[^\W_]([\w .+:-]*[\w.+:-])?")  # of an outsider: a folder and a table can bear it


def choose_contestants(suite: Suite, names: str | None) -> list[Contestant]:
    """Return the contestants of "gan,dcgan:small+r1"; None: all of the suite.

    A model's name alone is all that the suite has of it. MODEL:PRESET that the suite lacks is any of the zoo, and
    learns from what the suite's own of that model learns from.

    Raises:
        UnknownName: if there is no such model or preset.
        BadInput: if nobody is left, or another package's model cannot be imported.
    """
    wanted = suite.contestants if names is None else [one for text in names.split(",") for one in _find(suite, text)]
    chosen = list(dict.fromkeys(wanted))
    for one in chosen:
        _preset(one)
    if not chosen:
        raise BadInput(f"suite {suite.name!r}: nobody takes part; expected a contestant, got none. Name --models.")
    return chosen


def takes_part(suite: Suite, names: str | None) -> str | None:
    """Return those of the names that the suite has contestants of, "" if of none; None: all take part."""
    return None if names is None else ",".join(text for text in names.split(",") if _own(suite, text))


def jobs_of(suite: Suite, bench: Bench, contestants: Sequence[Contestant], seeds: Sequence[int], how: str) -> list[Job]:
    """Return the jobs, seed by seed; ``how``: the command, for the records. Outsiders of the suite come last."""
    trained = [_job(suite, bench, one, seed, how) for seed in seeds for one in contestants]
    own = suite.outsiders.items() if 0 in seeds else ()
    return [*trained, *(outsider(suite, bench, name, source, 0, how) for name, source in own)]


def outsider(suite: Suite, bench: Bench, name: str, source: str, seed: int, how: str) -> Job:
    """Return the job of what somebody else made.

    Args:
        suite: the question.
        bench: the folder's settings.
        name: in tables.
        source: as ``genbench.score`` takes it.
        seed: of its drawing, if it is drawn, and of its folder.
        how: the command, for the record.

    Raises:
        BadInput: if the name is none, or that of a contestant or of its folder.
    """
    if not NAME.fullmatch(name):
        raise BadInput(
            f"--name {name!r}: not a name; expected letters, digits, spaces and . _ + : -, a letter or a digit first, "
            f"got {name!r}. Choose another."
        )
    for one in suite.contestants:
        if slug(one.name) == slug(name):
            raise BadInput(
                f"--name {name!r}: expected a name that no contestant has, got that of {one.name!r} or of its folder. "
                "Choose another."
            )
    return Job(**_common(suite, bench), contestant=name, source=source, seed=seed, command=how)


def _find(suite: Suite, text: str) -> list[Contestant]:
    model, _, preset = text.strip().partition(":")
    learned = next((one.data for one in suite.contestants if one.model == model), None)
    return _own(suite, text) or [Contestant(model, preset or "small", learned)]


def _own(suite: Suite, text: str) -> list[Contestant]:
    return [one for one in suite.contestants if text.strip() in (one.name, one.model)]


def _job(suite: Suite, bench: Bench, one: Contestant, seed: int, how: str) -> Job:
    preset = _preset(one)
    return Job(
        **_common(suite, bench),
        contestant=one.name,
        model=one.model,
        preset=one.preset,
        data=_part(suite, one.data or suite.data),
        seed=seed,
        minutes=bench.minutes,
        steps=bench.steps,
        device=bench.device or ("cuda" if preset.gpus else "cpu"),
        cpus=preset.cpus,
        gpus=preset.gpus,
        command=how,
    )


def _preset(one: Contestant) -> Preset:
    """Return the preset of a contestant; whatever another package raises when it is imported is a ``BadInput``."""
    try:
        model = MODELS.get(one.model)
    except GenbenchError:
        raise
    except Exception as error:
        raise BadInput(
            f"model {one.model!r}: cannot be imported; expected a model, got {type(error).__name__}: "
            f"{' '.join(str(error).split())}. Leave it out of --models, or repair the package that offers it."
        ) from error
    return choose_preset(model, one.preset)


def _common(suite: Suite, bench: Bench) -> dict[str, Any]:
    """Return the fields that do not hang on the contestant."""
    return {
        "suite": suite.name,
        "judged_by": suite.data,
        "copied_from": f"data:{_part(suite, suite.data)}/train" if suite.looks_for_copies else "",
        "judge": suite.judge,
        "metrics": list(suite.metrics),
        "extractor": suite.extractor,
        "protocol": suite.protocol,
        "count": bench.count,
        "threads": bench.threads,
    }


def _part(suite: Suite, data: str) -> str:
    return data if suite.subset is None else f"few:{suite.subset}:{data}"
