"""Progress bars on standard error: images per second and time left."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Rate(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        """Return "123 /s"."""
        speed = task.finished_speed or task.speed
        return Text("" if not speed else f"{speed:,.0f} /s" if speed >= 10 else f"{speed:.1f} /s", style="cyan")


class Bars:
    """A ``Watch`` that draws one bar a task; a context manager."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("", total=0, visible=False)

    def __enter__(self) -> Self:
        """Draw nothing yet: a message before the first task starts on a clean line."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing and clear the bars."""
        self._bars.stop()

    def start(self, task: str, total: int) -> None:
        """Begin a task; one of no steps draws nothing."""
        if total > 0:
            self._bars.start()
        self._task = self._bars.add_task(task.replace("[", r"\["), total=total, visible=total > 0)

    def advance(self, steps: int) -> None:
        """Move the bar."""
        self._bars.advance(self._task, steps)

    def finish(self) -> None:
        """Fill the bar."""
        self._bars.stop_task(self._task)
