"""The outbox: what belongs into a stream, from the commit of its write until it is there."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """What is to be done to the stream."""

    UPDATE = "update"
    LOST = "lost", "updates of which nothing is left"
    END = "end", "end of stream"
    DROP = "drop", "end of the node"


class Waiting(models.Model):
    """One entry that is not in its stream yet. Those of a node are in the order of their ids.

    It is made in the transaction of its write. While it is `in_flight` its writer puts it into the
    stream and removes it; one that stays was left by a writer that was cut off, or it waits for the
    streaming cache. An update is kept as it was encoded when it was written. `size` is in bytes. Of
    lost updates one row stands for `count`. `tried` is the token under which it may have reached
    the stream already, or may still do so. `memory` names what Redis held when an entry in flight
    was made, empty where that is not known or does not matter.
    """

    node = models.UUIDField(editable=False)
    kind = models.CharField(max_length=6, choices=Kind)
    token = models.CharField(max_length=16)
    tried = models.CharField(max_length=16, blank=True)
    count = models.PositiveIntegerField(default=1)
    size = models.BigIntegerField(default=0)
    since = models.DateTimeField(auto_now_add=True)
    in_flight = models.BooleanField(default=False)
    memory = models.CharField(max_length=16, blank=True, default="")
    before = models.BinaryField(default=b"")
    after = models.BinaryField(default=b"")
    payload = models.BinaryField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["node", "id", "size"], name="waiting_in_order"),
            models.Index(
                fields=["id"], condition=models.Q(in_flight=False), name="waiting_for_cache"
            ),
        ]
        verbose_name_plural = "waiting entries"

    def __str__(self) -> str:
        return f"{self.kind} of {self.node}"
