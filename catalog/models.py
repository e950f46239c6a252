"""Database tables of the catalog."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.utils.functional import cached_property

from tiled_client.wire.data_sources import Asset as WireAsset
from tiled_client.wire.structure_family import Management, StructureFamily
from tiled_client.wire.structures import Structure, structure_from_json

from .fields import StructureField
from .node_refs import NodeRef
from .object_models import AssetPart, Chunk, ReplacedObject

__all__ = [
    "Asset",
    "AssetPart",
    "Chunk",
    "DataSource",
    "DataSourceAsset",
    "Node",
    "Receipt",
    "ReplacedObject",
    "Revision",
    "StorageMark",
    "TagPath",
]

KEY_LENGTH = 1023
PATH_BYTES = 2500
"""An indexed value may take 2704 bytes in PostgreSQL, with the columns beside it."""


FAMILIES = {family.value: family for family in StructureFamily}
"""By their names in the protocol: a lookup in the enumeration takes several times as long."""


class TagPath(models.Model):
    """The access tags of a node, and of all containers above it except the root.

    A principal sees a node only if it sees every container above it, so this one row determines
    visibility. There are few rows, shared by many nodes, and they never change.
    """

    digest = models.CharField(max_length=64, unique=True, editable=False)
    lists = models.JSONField(editable=False)

    def __str__(self) -> str:
        return " / ".join(", ".join(tags) or "none" for tags in self.lists)


class Node(models.Model):
    """A container, or an array, a table or other data, identified by its path.

    `path` is the parent's path, a slash and `key`; the root's is empty. Nodes never move, so
    the path is stored: one index lookup finds a node.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Its own index is needed beside `children_in_order`: without it PostgreSQL plans a sequential
    # scan of all nodes for the children of a large container.
    parent = models.ForeignKey(
        "self", null=True, editable=False, related_name="children", on_delete=models.CASCADE
    )
    key = models.CharField(max_length=KEY_LENGTH, editable=False)
    path = models.TextField(unique=True, editable=False)
    structure_family = models.CharField(
        max_length=16, choices=[(family.value, family.value) for family in StructureFamily]
    )
    metadata = models.JSONField(default=dict)
    specs = models.JSONField(default=list)
    time_created = models.DateTimeField(auto_now_add=True, db_index=True)
    time_updated = models.DateTimeField(auto_now=True, db_index=True)
    tag_path = models.ForeignKey(
        TagPath, null=True, editable=False, db_index=False, on_delete=models.PROTECT
    )
    # The account that created the node, for quotas; it may be deleted before the node.
    creator = models.UUIDField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["parent", "key"], name="unique_key_per_parent")
        ]
        indexes = [
            models.Index(fields=["parent", "id"], name="children_in_order"),
            # Partial: on many sites no node has tags, and these indexes are empty.
            models.Index(
                fields=["parent", "tag_path", "id"],
                condition=models.Q(tag_path__isnull=False),
                name="tagged_children",
            ),
            models.Index(
                fields=["tag_path", "path"],
                condition=models.Q(tag_path__isnull=False),
                name="tagged_nodes",
            ),
            models.Index(
                fields=["creator"],
                condition=models.Q(creator__isnull=False),
                name="nodes_of_creator",
            ),
        ]

    def __str__(self) -> str:
        return f"/{self.path}"

    @property
    def segments(self) -> list[str]:
        """The keys from the root to this node; empty for the root."""
        return self.path.split("/") if self.path else []

    @property
    def family(self) -> StructureFamily:
        """The kind of node."""
        return FAMILIES[self.structure_family]

    @property
    def ref(self) -> NodeRef:
        """The reference to this node in events."""
        return NodeRef(self.uuid, self.path, self.family)

    @property
    def source(self) -> DataSource | None:
        """The data source, or None for a plain container."""
        return getattr(self, "data_source", None)

    @cached_property
    def structure(self) -> Structure | None:
        """Return the structure of the data, or None for a container."""
        if self.source is None or self.family is StructureFamily.container:
            return None
        return structure_from_json(self.family, self.source.structure)


class DataSource(models.Model):
    """How and where the data of a node are stored.

    `generation` counts the changes of this row and of its files; writers compare it to detect
    concurrent changes. `nbytes` is the size of an array by its shape, null if not computed yet.
    `folder` is where the chunks of an array lie within the folder of its
    node: empty for that folder itself, unless a writer had to switch from a folder that another
    writer, which lost its lock, may still write to.

    `chunk_grid` and `chunks_written` are of an array in a bucket: the size of its chunks along each
    dimension, separated by commas, and which of them were written (`none`, `some`: those of a
    `Chunk`, or `all`).

    `further` are other data sources of the node, in the form of the wire, assets included: an
    imported node may have several. They are listed, and their files can be downloaded; data are
    read by this one.
    """

    node = models.OneToOneField(Node, related_name="data_source", on_delete=models.CASCADE)
    structure_family = models.CharField(max_length=16)
    structure = StructureField(null=True)
    mimetype = models.CharField(max_length=255)
    parameters = models.JSONField(default=dict)
    properties = models.JSONField(default=dict)
    management = models.CharField(
        max_length=16, choices=[(kind.value, kind.value) for kind in Management]
    )
    generation = models.BigIntegerField(default=0, editable=False)
    nbytes = models.BigIntegerField(null=True, editable=False)
    folder = models.CharField(max_length=32, default="", blank=True, editable=False)
    further = models.JSONField(null=True, editable=False)
    chunk_grid = models.CharField(max_length=255, null=True, editable=False)
    chunks_written = models.CharField(max_length=4, null=True, editable=False)
    assets: models.ManyToManyField[Asset, DataSourceAsset] = models.ManyToManyField(
        "Asset", through="DataSourceAsset", related_name="data_sources"
    )

    def __str__(self) -> str:
        return f"{self.mimetype} ({self.management})"

    @property
    def external(self) -> bool:
        """Whether the data are external files, which are read and never deleted."""
        return self.management == Management.external

    def wire_assets(self) -> list[WireAsset]:
        """Return the assets in order, as in the protocol."""
        links = sorted(self.asset_links.all(), key=lambda link: (link.num or 0, link.pk))
        return [link.to_wire() for link in links]

    def to_json(self) -> dict[str, Any]:
        """Return the data source as in the protocol, assets included."""
        return {
            "id": self.pk,
            "structure_family": self.structure_family,
            "structure": self.structure,
            "mimetype": self.mimetype,
            "parameters": self.parameters,
            "properties": self.properties,
            "assets": [asset.to_json() for asset in self.wire_assets()],
            "management": self.management,
        }


class Asset(models.Model):
    """One file or folder. `size` is in bytes: for a partition, the valid part of the file.

    `rows` is the number of rows in the valid part of a partition of a table, null if not counted.
    `rows_size` is the size of which they were counted: a server of a version before this column
    changes the size alone, and `rows` is out of date then.
    """

    data_uri = models.TextField(unique=True)
    is_directory = models.BooleanField()
    size = models.BigIntegerField(null=True)
    rows = models.BigIntegerField(null=True, editable=False)
    rows_size = models.BigIntegerField(null=True, editable=False)

    def __str__(self) -> str:
        return self.data_uri

    @property
    def known_rows(self) -> int | None:
        """The number of rows, or None if it is unknown or out of date."""
        return self.rows if self.rows_size == self.size else None


class AssetLinks(models.Manager["DataSourceAsset"]):
    """Links, each loaded with its asset, which every caller needs."""

    def get_queryset(self) -> models.QuerySet[DataSourceAsset]:
        """Return all links."""
        return super().get_queryset().select_related("asset")


class DataSourceAsset(models.Model):
    """The link of an asset to a data source: its `parameter`, and its number `num`."""

    data_source = models.ForeignKey(
        DataSource, related_name="asset_links", on_delete=models.CASCADE
    )
    asset = models.ForeignKey(Asset, related_name="links", on_delete=models.CASCADE)
    parameter = models.CharField(max_length=255, null=True)
    num = models.IntegerField(null=True)

    objects = AssetLinks()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["data_source", "parameter", "num"], name="unique_asset_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.parameter} {self.num}"

    def to_wire(self) -> WireAsset:
        """Return the asset as in the protocol."""
        return WireAsset(
            data_uri=self.asset.data_uri,
            is_directory=self.asset.is_directory,
            parameter=self.parameter,
            num=self.num,
            size=self.asset.size,
            id=self.asset.pk,
        )


class Revision(models.Model):
    """Metadata and specs of a node before an update."""

    node = models.ForeignKey(Node, related_name="revisions", on_delete=models.CASCADE)
    number = models.PositiveIntegerField()
    metadata = models.JSONField()
    specs = models.JSONField()
    time_updated = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "number"], name="unique_revision_number")
        ]

    def __str__(self) -> str:
        return f"{self.node} revision {self.number}"


class Receipt(models.Model):
    """The record of a write, for a client that repeats the request under the same `key`.

    `digest` is of the request. `structure` is the structure in the response, as in the
    protocol; None if the response has none. `child` is the node that the request created in
    `node`. Nodes are identified by their UUID, which is never reused.
    """

    node = models.UUIDField(editable=False)
    key = models.CharField(max_length=128)
    digest = models.BinaryField()
    structure = StructureField(null=True)
    child = models.UUIDField(null=True, editable=False)
    time = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "key"], name="unique_key_of_request")
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.node}"


class StorageMark(models.Model):
    """The one row with the mark of the storage directory of this database (`site_marker`)."""

    mark = models.UUIDField(editable=False)

    def __str__(self) -> str:
        return str(self.mark)


class RemovalHold(models.Model):
    """The one row that keeps stored files from being removed until a time (`removal_hold`)."""

    token = models.UUIDField(editable=False)
    until = models.DateTimeField(editable=False)

    def __str__(self) -> str:
        return str(self.until)
