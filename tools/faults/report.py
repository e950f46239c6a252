"""The outcome of a run: counts, the problems, and one row of a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .problems import Problem, Trouble
from .subscriber import Subscriber
from .writers import Operation

SHOWN = 20
Statuses = Mapping[int | None, int]


@dataclass(frozen=True)
class Report:
    """What came of a run. Counts of updates and of notices are those of all subscribers.

    `longest_wait` is the longest time between two acknowledged operations of one writer, in
    seconds.
    """

    acknowledged: int
    updates: int
    told: int
    statuses: Statuses
    problems: list[Problem]
    longest_wait: float = 0.0

    @property
    def columns(self) -> dict[str, str]:
        """Return the columns of the table and their values."""
        count = Counter(problem.trouble for problem in self.problems)
        statuses = self.statuses.items()
        errors = sum(times for status, times in statuses if status is not None and status >= 500)
        return {
            "acknowledged": str(self.acknowledged),
            "delivered": str(self.updates),
            **{trouble.value: str(count[trouble]) for trouble in Trouble},
            "gaps told": str(self.told),
            "5xx": str(errors),
            "no answer": str(self.statuses.get(None, 0)),
            "longest wait": f"{self.longest_wait:.1f} s",
        }


def report_of(
    operations: Sequence[Operation],
    subscribers: Sequence[Subscriber],
    statuses: Statuses,
    problems: list[Problem],
) -> Report:
    """Count what happened."""
    return Report(
        acknowledged=sum(bool(operation.acknowledged) for operation in operations),
        updates=sum(len(updates) for one in subscribers for updates in one.updates.values()),
        told=sum(subscriber.told.total() for subscriber in subscribers),
        statuses=dict(statuses),
        problems=problems,
        longest_wait=longest_wait(operations),
    )


def longest_wait(operations: Sequence[Operation]) -> float:
    """Return the longest time between two acknowledged operations of one writer, in seconds."""
    moments = defaultdict(list)
    for operation in operations:
        if operation.acknowledged:
            moments[operation.writer].append(operation.at)
    waits = [later - earlier for one in moments.values() for earlier, later in pairwise(one)]
    return max(waits, default=0.0)


def table(reports: Mapping[str, Report]) -> str:
    """Return a Markdown table of all runs, and the first problems of each."""
    rows = [["scenario", *next(iter(reports.values())).columns]]
    rows.append(["---"] * len(rows[0]))
    rows += [[name, *report.columns.values()] for name, report in reports.items()]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    for name, report in reports.items():
        lines += [f"{name}: {problem}" for problem in report.problems[:SHOWN]]
    return "\n".join(lines)
