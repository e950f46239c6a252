"""Database tables about objects in a bucket. Import them from `models`."""

from __future__ import annotations

from django.db import models


class AssetPart(models.Model):
    """Some of the bytes of an asset in a bucket, the `size` ones from `start` on.

    Objects in a bucket cannot be appended to: a partition of a table, or a file of a ragged array,
    is an Arrow IPC stream that is divided into these parts, in the order of `start`:

    | part | its bytes |
    | --- | --- |
    | the first one: the schema | `content` |
    | rows in an object | those from `skip` on in the object `name`, which begins with the schema |
    | rows that were appended last: the tail | `content`, until they are moved to an object |

    `rows` is the number of rows in it. Objects and tail are in one table, so that one query sees
    every row once.
    """

    asset = models.ForeignKey(
        "catalog.Asset", related_name="parts", on_delete=models.CASCADE, db_index=False
    )
    start = models.BigIntegerField(editable=False)
    size = models.BigIntegerField(editable=False)
    rows = models.BigIntegerField(editable=False)
    name = models.CharField(max_length=255, default="", editable=False)
    skip = models.BigIntegerField(default=0, editable=False)
    content = models.BinaryField(null=True, editable=False)
    time = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "start"], name="unique_part_of_asset")
        ]
        indexes = [
            # The tails that no write has moved to an object for long.
            models.Index(
                fields=["asset", "time"],
                condition=models.Q(name="", start__gt=0),
                name="tails_of_assets",
            )
        ]

    def __str__(self) -> str:
        return f"{self.asset} from byte {self.start}"


class Chunk(models.Model):
    """The object that holds a chunk of an array in a bucket.

    `index` are the numbers of the chunk, joined by dots, and `row` is the first of them. `name` is
    that of the object, below that of the node. Where all chunks were written, one without a row
    is in the object that Zarr gives it by its index. `plain` says whether that object is current,
    for other readers of the bucket. A row without an index says so of `zarr.json`.
    """

    data_source = models.ForeignKey(
        "catalog.DataSource", related_name="chunks", db_index=False, on_delete=models.CASCADE
    )
    row = models.BigIntegerField(editable=False)
    index = models.CharField(max_length=255, editable=False)
    name = models.CharField(max_length=255, editable=False)
    plain = models.BooleanField(editable=False)
    time = models.DateTimeField(editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["data_source", "index"], name="unique_chunk_index")
        ]
        indexes = [
            models.Index(fields=["data_source", "row"], name="chunks_by_row"),
            models.Index(fields=["time"], condition=models.Q(plain=False), name="chunks_not_plain"),
        ]

    def __str__(self) -> str:
        return self.name


class ReplacedObject(models.Model):
    """An object of a node that a write has replaced at `time`. Readers may still need it then."""

    node = models.UUIDField(db_index=True, editable=False)
    name = models.CharField(max_length=255, editable=False)
    time = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.name
