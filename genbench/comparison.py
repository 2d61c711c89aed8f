"""What ``genbench.compare`` returns: scores of models, their differences, and verdicts."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from genbench.contracts import Direction

Verdict = Literal["first better", "second better", "not resolved", "none"]


class ModelScore(BaseModel):
    """One metric of one model.

    Attributes:
        metric: id.
        label: how a table prints it.
        model: name.
        value: mean over its runs.
        stderr: standard error of that mean, the reference's part included; None where there is none.
        interval: for the expected score, at 1 - alpha; None without a standard error.
        better: direction.
        rank: highest and lowest place that the verdicts allow, 1 the best; None without a direction.
        runs: score of each run.
        run_sd: standard deviation between trainings; None with one run.
        sampling_sd: standard deviation of one run's score from drawing its images; None without a standard error.
        n_real: images of the reference.
        n_fake: images of a run.
        warnings: sentences to read beside the number.
        floor: the metric between a part of the reference and the rest, with ``floor_stderr`` and
            ``floor_count``; or None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    label: str
    model: str
    value: float
    stderr: float | None
    interval: tuple[float, float] | None
    better: Direction
    rank: tuple[int, int] | None
    runs: list[float]
    run_sd: float | None
    sampling_sd: float | None
    n_real: int
    n_fake: int
    warnings: list[str] = []
    floor: float | None = None
    floor_stderr: float | None = None
    floor_count: int | None = None


class PairedDifference(BaseModel):
    """One metric of two models, judged by the same reference images.

    Attributes:
        metric: id.
        label: how a table prints it.
        first: model.
        second: model.
        value: score of ``first`` minus score of ``second``.
        stderr: its standard error, the reference's part paired; None where there is none.
        interval: for the true difference, at 1 - alpha, of this pair alone.
        p: two-sided p-value; None without a direction or a standard error.
        p_holm: the same, corrected for all pairs and metrics (Holm 1979).
        verdict: of ``p_holm`` at alpha; "none": no verdict is given, and ``words`` says why.
        images_needed: images a run that would resolve it with 80 % power if this difference were the true one; None
            where it is resolved, or no number would.
        words: the verdict as a sentence.
        is_paired: False: the reference's part is not known image by image, and the errors are taken as independent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    label: str
    first: str
    second: str
    value: float
    stderr: float | None
    interval: tuple[float, float] | None
    p: float | None
    p_holm: float | None
    verdict: Verdict
    images_needed: int | None
    words: str
    is_paired: bool


class Comparison(BaseModel):
    """Models judged by one reference.

    Attributes:
        version: of this schema.
        real: the reference as written.
        models: names, in the order given.
        alpha: chance of any false verdict.
        scores: metric by metric, model by model.
        differences: metric by metric, of each two models.
        notes: sentences that concern the whole.
        provenance: as a scorecard's, with a list of sources a model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["genbench.comparison/1"] = "genbench.comparison/1"
    real: str
    models: list[str]
    alpha: float
    scores: list[ModelScore]
    differences: list[PairedDifference]
    notes: list[str] = []
    provenance: dict[str, Any]

    def to_json(self) -> str:
        """Return it as indented JSON; ``Comparison.model_validate_json`` reads it back."""
        return self.model_dump_json(indent=2)

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame`` of the differences, one row a pair and metric."""
        import pandas as pd

        return pd.DataFrame([one.model_dump() for one in self.differences])
