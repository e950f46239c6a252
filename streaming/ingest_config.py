"""Settings of the ingest endpoint: the section `ingest`."""

from __future__ import annotations

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

MIB = 1 << 20


class IngestSettings(BaseModel):
    """Limits of producers that write over one connection (`/api/v1/ingest`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_bytes: int = Field(
        default=64 * MIB,
        ge=1 << 16,
        description="Maximum number of bytes that a producer may send over one connection before "
        "they are acknowledged. The server then reads nothing more from it.",
        examples=["67108864"],
    )
    window_frames: int = Field(
        default=1024,
        ge=1,
        description="Maximum number of frames that a producer may send over one connection before "
        "they are acknowledged.",
        examples=["1024"],
    )
    frame_bytes: int = Field(
        default=256 * MIB,
        ge=1 << 16,
        description="Maximum size in bytes of one frame. A larger one closes the connection.",
        examples=["268435456"],
    )
    received_bytes: int = Field(
        default=512 * MIB,
        ge=1 << 20,
        description="Maximum number of bytes that a server process has received from all producers "
        "and not yet written. Beyond that it reads nothing more, until some are written.",
        examples=["536870912"],
    )
    batch_frames: int = Field(
        default=256,
        ge=1,
        description="Maximum number of waiting frames of one node that are written together: under "
        "one lock, in one transaction and one request to Redis.",
        examples=["256"],
    )
    batch_bytes: int = Field(
        default=8 * MIB,
        ge=1 << 16,
        description="Maximum number of bytes of frames that are written together.",
        examples=["8388608"],
    )
    handles: int = Field(
        default=1000,
        ge=1,
        description="Maximum number of nodes that may be open on one connection.",
        examples=["1000"],
    )
    threads: int = Field(
        default=4,
        ge=1,
        description="Number of threads that write frames, per server process, each with a database "
        "connection. Frames of one node are written one after another, those of different nodes in "
        "parallel.",
        examples=["4"],
    )


def ingest_settings() -> IngestSettings:
    """Return the section `ingest` of this site."""
    section: IngestSettings = settings.TILED.ingest
    return section
