"""The report of an import: what was done, and what has no counterpart here."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_EXAMPLES = 5
MAX_FINDINGS = 200
OTHERS = "Other findings, of which there are too many to list each"


@dataclass(slots=True)
class ImportFinding:
    """Something that the administrator should know: how often, with the first examples."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ImportReport:
    """Counts, and findings by their text. Memory does not grow with the number of nodes."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, ImportFinding] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        """Count something that was done."""
        if number:
            self.counts[what] += number

    def find(self, text: str, example: str = "", number: int = 1) -> None:
        """Note a finding; those with the same text are counted together."""
        if text not in self.findings and len(self.findings) >= MAX_FINDINGS:
            text, example = OTHERS, f"{example}: {text}"
        found = self.findings.setdefault(text, ImportFinding())
        found.count += number
        if example and len(found.examples) < MAX_EXAMPLES and example not in found.examples:
            found.examples.append(example)

    def merge(self, other: ImportReport) -> None:
        """Add the counts and findings of another report."""
        self.counts.update(other.counts)
        for text, found in other.findings.items():
            self.find(text, number=found.count)
            for example in found.examples:
                self.find(text, example, number=0)

    def lines(self) -> list[str]:
        """Return the report as text."""
        width = max((len(f"{number:,}") for number in self.counts.values()), default=0)
        lines = [f"  {number:>{width},}  {what}" for what, number in self.counts.items()]
        if self.findings:
            lines += ["", "Without counterpart, or to be done by you:"]
        for text, found in self.findings.items():
            times = f" ({found.count:,} times)" if found.count > 1 else ""
            lines.append(f"- {text}{times}")
            lines += [f"    {example}" for example in found.examples]
        return lines

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        value: dict[str, Any] = {
            "counts": dict(self.counts),
            "findings": [
                {"finding": text, "count": found.count, "examples": found.examples}
                for text, found in self.findings.items()
            ],
        }
        path.write_text(json.dumps(value, indent=2) + "\n")
