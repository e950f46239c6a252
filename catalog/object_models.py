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
