"""`manage.py verify`: compare the database with the stored files."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from catalog.lookup.nodes import resolve
from catalog.services.verification.problems import REPAIRS, Problem, ProblemKind
from catalog.services.verification.verify import Verification, repair_leftovers
from catalog.services.verification.verify import repair as repair_problem
from catalog.storage.errors import StorageUnavailable
from core.errors import ServiceError
from core.text import format_count


class Command(BaseCommand):
    """Reports problems of stored data, one in each line, and repairs what can be repaired."""

    help = (
        "Read all stored data, and report nodes without data, data without nodes, and chunks and "
        "rows that cannot be read; also while servers write. The exit status is 1 if there are "
        "problems."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "path", nargs="?", default="", metavar="PATH", help="only this node, and those below it"
        )
        parser.add_argument(
            "--repair",
            action="store_true",
            help="repair what the report says; without it, nothing is changed",
        )
        parser.add_argument(
            "--quick",
            action="store_true",
            help="compare sizes and counts, without reading chunks and rows",
        )
        parser.add_argument("--json", action="store_true", help="print each problem as JSON")

    def handle(self, *args: Any, path: str, **options: Any) -> None:
        """Print the problems and a sentence. Raises CommandError if there are problems."""
        path = "/".join(filter(None, path.split("/")))
        try:
            resolve(path)
            self._verify(Verification(path, quick=options["quick"]), **options)
        except ServiceError as error:
            raise CommandError(error.detail) from None
        except StorageUnavailable as error:
            raise CommandError(f"The verification is incomplete: {error}") from None
        except DatabaseError as error:
            raise CommandError(
                f"The verification is incomplete: the database failed: {error}."
            ) from None

    def _verify(
        self, verification: Verification, *, json: bool, repair: bool, **options: Any
    ) -> None:
        counts: Counter[ProblemKind] = Counter()
        repaired = 0
        if repair:
            self.stderr.write("Repairs: " + _plan())
        for problem in verification.problems():
            counts[problem.kind] += 1
            done = repair_problem(problem) if repair else None
            repaired += done is not None
            self._print(problem, done, json=json)
        if repair and counts[ProblemKind.NO_ROW]:
            repaired += repair_leftovers()
        total = counts.total()
        verified = f"Verified {format_count(verification.nodes, 'node')} with data"
        sentence = f"{verified}: {format_count(total, 'problem')}"
        if not total:
            self._end(f"{verified}: no problems.", json=json)
            return
        kinds = ", ".join(
            f"{count} {kind.value}" for kind, count in sorted(counts.items(), key=str)
        )
        if repaired >= total:
            self._end(f"{sentence} ({kinds}), all of them repaired.", json=json)
            return
        raise CommandError(f"{sentence} ({kinds}), of which {repaired} are repaired.")

    def _print(self, problem: Problem, done: str | None, *, json: bool) -> None:
        if json:
            self.stdout.write(orjson.dumps({**problem.to_json(), "repaired": done}).decode())
            return
        outcome = f"repaired: {done}" if done else f"repair: {REPAIRS[problem.kind]}"
        self.stdout.write(f"{problem.kind.value}\t/{problem.path}\t{problem.detail}\t{outcome}")

    def _end(self, sentence: str, *, json: bool) -> None:
        (self.stderr if json else self.stdout).write(sentence)


def _plan() -> str:
    """Return what a repair does, by kind of problem."""
    kinds = (ProblemKind.NO_NODE, ProblemKind.NO_ROW, ProblemKind.WRONG_ROWS)
    return "; ".join(f"{kind.value} {REPAIRS[kind]}" for kind in kinds) + "."
