"""Tables of the streams.

The outbox: entries for a stream, from the commit of their write until they are in it. And how far
the producers of the ingest endpoint have come, and which Redis hold the streams.
"""

from __future__ import annotations

from django.db import models


class EntryKind(models.TextChoices):
    """The change to the stream."""

    UPDATE = "update"
    LOST = "lost", "updates of which nothing is left"
    END = "end", "end of stream"
    DROP = "drop", "end of the node"


class Waiting(models.Model):
    """An entry of the outbox; those of a node are ordered by ID.

    The class has the name that the migrations record. An entry is inserted in the transaction of
    its write. While it is `in_flight`, its writer publishes and removes it; one that stays was left
    by a writer that died, or waits for the streaming cache. An update is stored as it was encoded
    when it was written. `size` is in bytes. One row of lost updates stands for `count` of them.
    `tried` is the token under which the entry may have reached the stream, or may still reach it.
    `memory` identifies the content of Redis when an entry in flight was inserted; it is empty if
    that is unknown or irrelevant.
    """

    node = models.UUIDField(editable=False)
    kind = models.CharField(max_length=6, choices=EntryKind)
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
        verbose_name = "outbox entry"
        verbose_name_plural = "outbox entries"

    def __str__(self) -> str:
        return f"{self.kind} of {self.node}"


class ProducerProgress(models.Model):
    """The last frame of a producer that was stored in a node; `sequence` is its number.

    It is changed in the transaction of the write, so that a producer that lost its connection
    continues behind it. Nodes are identified by their UUID, which is never reused.
    """

    node = models.UUIDField(editable=False)
    producer = models.CharField(max_length=32, editable=False)
    sequence = models.BigIntegerField(editable=False)
    time = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "producer"], name="unique_producer_of_node")
        ]
        verbose_name_plural = "progress of producers"

    def __str__(self) -> str:
        return f"{self.producer} at {self.sequence} of {self.node}"


class Division(models.Model):
    """The one row with the names of the Redis among which the streams of this site are divided.

    It is written by the start of a server with one Redis or a new site, and by `divide_streams`.
    `former` are Redis that have left the list, and may have streams of before.
    """

    names = models.JSONField(editable=False)
    former = models.JSONField(default=list, editable=False)

    def __str__(self) -> str:
        return ", ".join(self.names)


class Retained(models.Model):
    """An entry that was published lately, in case that a failover of Redis loses it.

    It has the ID that it had in the outbox; `published` is when it was moved here. A large
    update has no content here: of such an update, the outbox records only that it existed.
    """

    id = models.BigIntegerField(primary_key=True)
    node = models.UUIDField(editable=False)
    kind = models.CharField(max_length=6, choices=EntryKind)
    token = models.CharField(max_length=16)
    count = models.PositiveIntegerField(default=1)
    size = models.BigIntegerField(default=0)
    since = models.DateTimeField()
    memory = models.CharField(max_length=16, blank=True, default="")
    published = models.DateTimeField()
    before = models.BinaryField(default=b"")
    after = models.BinaryField(default=b"")
    payload = models.BinaryField(null=True)

    class Meta:
        indexes = [models.Index(fields=["node", "id"], name="retained_in_order")]
        verbose_name = "retained entry"
        verbose_name_plural = "retained entries"

    def __str__(self) -> str:
        return f"{self.kind} of {self.node}"
