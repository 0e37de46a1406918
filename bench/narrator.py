"""Telling the one who waits what is going on: one live display for the cases and for long fillings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Narrator:
    """A line for the case under way, and a bar below it while something is counted."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
        )
        self._console = console
        self._line = self._progress.add_task("", total=None)
        self._case = ""

    @contextmanager
    def case(self, name: str) -> Iterator[None]:
        """Show this case as the one under way; leave a line behind when it has been measured."""
        self._case = name
        with self._progress:
            self.tell("starting")
            yield
        self._console.print(f"[green]✓[/] {name}")

    def tell(self, text: str) -> None:
        """What the case is doing now."""
        self._progress.update(self._line, description=f"{self._case}: {text}")

    @contextmanager
    def counting(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar; the function that it yields takes how many more are done."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        # A console has one live display: the line makes room for the bar.
        self._progress.stop()
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(f"{self._case}: {text}", total=total)
            yield lambda count: bar.advance(task, count)
        self._progress.start()
