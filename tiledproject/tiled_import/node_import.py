"""Import nodes and their data, batch by batch.

An import may be interrupted and run again at any time: nodes have UUIDs that follow from what they
are in Tiled, and are stored once; data are copied once.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.lookup.nodes import resolve_family
from core.errors import ServiceError
from tiled_client.wire.structure_family import StructureFamily

from .conversion import Conversion, PlannedNode
from .copying import DataCopier
from .errors import ImportRefused, NotImportable
from .progress import Progress
from .report import ImportReport
from .samples import Samples
from .source.records import SourceNode, TiledSource
from .writing import NodeWriter, count_nodes, separate_new

SEVERAL = (
    "Nodes with several data sources are read by their first one; the others are listed with it"
)


@dataclass(frozen=True, slots=True)
class NodeImport:
    """One run over the nodes of `source`, or those at the path `only` and below.

    A dry run stores nothing.
    """

    source: TiledSource
    conversion: Conversion
    report: ImportReport
    samples: Samples
    dry_run: bool = False
    only: tuple[str, ...] = ()

    def run(self) -> None:
        """Import all nodes. Raises ImportRefused."""
        self._check_container()
        writer, copier = NodeWriter(self.report), DataCopier(self.source, self.report)
        progress = Progress("Nodes", self.source.count())
        for batch in self.source.batches():
            planned = [
                node
                for one in batch
                if one.belongs_to(self.only) and (node := self._planned(one)) is not None
            ]
            if self.dry_run:
                _, new = separate_new(planned, self.report)
                count_nodes(new, self.report)
                self.report.count("nodes whose data are to be copied", _copies(new))
                progress.advance(len(batch))
                continue
            stored = writer.write(planned)
            progress.advance(len(batch) - _copies(stored))
            for node in stored:
                complete = node.copied is None or copier.copy(node)
                progress.advance(int(node.copied is not None))
                if complete:
                    self.samples.add(node)
        progress.finish()
        self.conversion.places.tell(self.report)

    def _check_container(self) -> None:
        try:
            into = resolve_family(self.conversion.into, StructureFamily.container)
        except ServiceError as error:
            raise ImportRefused(f"--into {self.conversion.into}: {error.detail}.") from None
        if into.source is not None:
            raise ImportRefused(f"--into {self.conversion.into} is an external file.")

    def _planned(self, node: SourceNode) -> PlannedNode | None:
        try:
            planned = self.conversion.plan(node)
        except NotImportable as error:
            self.report.find(f"{str(error).rstrip('.')}: not imported", node.path)
            return None
        if planned.more:
            self.report.find(SEVERAL, node.path)
        return planned


def _copies(nodes: list[PlannedNode]) -> int:
    return sum(node.copied is not None for node in nodes)
