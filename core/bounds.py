"""Bounds: limits of what one request may declare or request (section `bounds` of the settings).

Each bound is a setting, which the error message of `exceeded` names. Limits that a database, a
format or a library imposes, whatever the settings, are in `catalog.services.limits`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

MIB = 1 << 20


class BoundsSettings(BaseModel):
    """Maximum sizes and numbers that one request may declare, send or request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    json_body: int = Field(
        default=16 * MIB,
        ge=1 << 16,
        description="Maximum size in bytes of a JSON request body. Checked before it is parsed.",
        examples=["16777216"],
    )
    json_values: int = Field(
        default=2_000_000,
        ge=1000,
        description="Maximum number of values in a JSON request body: items of lists and members "
        "of objects. Checked before it is parsed, since many small values take far more memory "
        "than their text.",
        examples=["2000000"],
    )
    metadata: int = Field(
        default=MIB,
        ge=1024,
        description="Maximum size in bytes of a node's metadata as JSON, also while a patch is "
        "applied, and of what `select_metadata` returns for one node.",
        examples=["1048576"],
    )
    patch_operations: int = Field(
        default=10_000,
        ge=1,
        description="Maximum number of operations in a JSON patch.",
        examples=["10000"],
    )
    selection: int = Field(
        default=1000,
        ge=1,
        description="Maximum number of characters in a `select_metadata` expression.",
        examples=["1000"],
    )
    selection_steps: int = Field(
        default=1_000_000,
        ge=1000,
        description="Maximum number of evaluation steps of `select_metadata` in one request, over "
        "all nodes of its page.",
        examples=["1000000"],
    )
    listing: int = Field(
        default=8 * MIB,
        ge=1 << 16,
        description="Maximum size in bytes of the metadata and structures in one page of a "
        "listing. A page that would be larger has fewer entries; its `next` link continues after "
        "them. One entry is always returned; eight or fewer are not measured.",
        examples=["8388608"],
    )
    distinct: int = Field(
        default=16 * MIB,
        ge=1 << 16,
        description="Maximum size in bytes of all values in one response of `distinct`. A larger "
        "response is rejected.",
        examples=["16777216"],
    )
    chunks: int = Field(
        default=1_000_000,
        ge=1,
        description="Maximum number of chunk sizes of an array, all dimensions together. They are "
        "part of every response about it.",
        examples=["1000000"],
    )
    partitions: int = Field(
        default=1_000_000,
        ge=1,
        description="Maximum number of partitions of a table, and of chunks of a sparse or ragged "
        "array.",
        examples=["1000000"],
    )
    columns: int = Field(
        default=20_000,
        ge=1,
        description="Maximum number of columns of a table, those within structs included.",
        examples=["20000"],
    )
    assets: int = Field(
        default=200_000,
        ge=1,
        description="Maximum number of assets of a data source.",
        examples=["200000"],
    )
    unpacked_body: int = Field(
        default=256 * MIB,
        ge=MIB,
        description="Maximum size in bytes of the buffers of a compressed Arrow body after "
        "decompression. Checked before it is decompressed; an uncompressed body is limited by "
        "`server.max_body_bytes` only.",
        examples=["268435456"],
    )
    filters: int = Field(
        default=100,
        ge=1,
        description="Maximum number of filters in one search.",
        examples=["100"],
    )
    filter_keys: int = Field(
        default=500,
        ge=1,
        description="Maximum number of parts of all metadata keys that one search filters or "
        "sorts by; `sample.name` has two parts.",
        examples=["500"],
    )
    regex_filters: int = Field(
        default=5,
        ge=0,
        description="Maximum number of regular expressions in one search; 0 for none.",
        examples=["5"],
    )
    regex_size: int = Field(
        default=500,
        ge=10,
        description="Maximum size of a compiled regular expression, in instructions. Counted "
        "repetitions such as `(a{30}){30}` multiply it.",
        examples=["500"],
    )
    search_seconds: float = Field(
        default=30,
        gt=0,
        description="Maximum time in seconds that a search, or `distinct`, spends in the "
        "database. It is then cancelled and rejected; it is also cancelled when its client "
        "disconnects.",
        examples=["30"],
    )


def bounds() -> BoundsSettings:
    """Return this site's section `bounds`."""
    found: BoundsSettings = settings.TILED.bounds
    return found


def exceeded(what: str, value: Any, name: str) -> str:
    """Return the error message for `value`, which exceeds the setting `name`."""
    bound = getattr(bounds(), name)
    return f"{what}: {value}, but at most {bound} (the setting bounds.{name})."
