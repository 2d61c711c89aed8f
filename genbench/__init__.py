"""genbench: evaluate and benchmark image generators.

    import genbench
    card = genbench.score(fake="samples/", real="photos.zip", extractor="efficientnet-lite0")
    print(card.to_pandas())

Every number comes with a standard error and its provenance. Read ``genbench/evaluate.py`` first.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genbench.analyses.compare import compare as compare
    from genbench.analyses.memorization import memorization as memorization
    from genbench.comparison import Comparison as Comparison
    from genbench.contracts import Score as Score
    from genbench.contracts import Scorecard as Scorecard
    from genbench.errors import GenbenchError as GenbenchError
    from genbench.evaluate import score as score
    from genbench.online import Evaluator as Evaluator
    from genbench.sources import open_source as open_source

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Evaluator",
    "GenbenchError",
    "Score",
    "Scorecard",
    "compare",
    "memorization",
    "open_source",
    "score",
]

_WHERE = {
    "Comparison": "genbench.comparison",
    "Evaluator": "genbench.online",
    "GenbenchError": "genbench.errors",
    "Score": "genbench.contracts",
    "Scorecard": "genbench.contracts",
    "compare": "genbench.analyses.compare",
    "memorization": "genbench.analyses.memorization",
    "open_source": "genbench.sources",
    "score": "genbench.evaluate",
}


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted([*globals(), *__all__])


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``import genbench`` costs nothing."""
    if name not in _WHERE:
        raise AttributeError(f"module 'genbench' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
