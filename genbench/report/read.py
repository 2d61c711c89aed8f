"""Reads back what commands have written."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from genbench.contracts import Scorecard
from genbench.errors import BadInput

Record = TypeVar("Record", bound=BaseModel)
NEEDED = ("sources", "extractor", "seed", "packages", "request")  # of the provenance of one scoring


def read_record(path: Path, record: type[Record], what: str, command: str) -> Record:
    """Return the ``record`` in the JSON file at ``path``; raises ``BadInput`` if it holds none.

    Args:
        path: of the file.
        record: its class.
        what: it is, for the message: "scorecard".
        command: that writes such files: "genbench score --out".
    """
    try:
        return record.model_validate_json(path.read_bytes())
    except OSError as error:
        got = f"{type(error).__name__}: {error}"
    except ValidationError as error:
        first = error.errors()[0]
        got = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    raise BadInput(f"{what} {str(path)!r}: cannot be read; expected a JSON file of `{command}`, got {got}.")


def read_scorecard(path: Path) -> Scorecard:
    """Return the scorecard at ``path``; several joined into one too."""
    return read_record(path, Scorecard, "scorecard", "genbench score --out")


def read_one_scorecard(path: Path) -> Scorecard:
    """Return the scorecard at ``path``; raises ``BadInput`` if it does not say what made it, as joined ones do not."""
    card = read_scorecard(path)
    missing = [name for name in NEEDED if name not in card.provenance]
    if missing:
        raise BadInput(
            f"scorecard {str(path)!r}: does not say what made it; expected its provenance whole, got none of "
            f"{', '.join(missing)}. Make it again."
        )
    return card
