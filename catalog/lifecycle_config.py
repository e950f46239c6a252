"""Settings of the sections `retention` and `quotas`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_DURATION = re.compile(r"(\d+)\s*([smhdw])")
_SIZE = re.compile(r"(\d+)\s*([KMGT]?)B?", re.IGNORECASE)


def parse_duration(value: Any) -> Any:
    """Return the seconds of a text such as `90d`. Raises ValueError."""
    if not isinstance(value, str) or value.isdecimal():
        return value
    if (found := _DURATION.fullmatch(value.strip())) is None:
        raise ValueError(
            f"has {value!r}, which is not a duration; write a number and s, m, h, d or w"
        )
    return int(found[1]) * SECONDS[found[2]]


def parse_size(value: Any) -> Any:
    """Return the bytes of a text such as `10GB`. Raises ValueError."""
    if not isinstance(value, str) or value.isdecimal():
        return value
    if (found := _SIZE.fullmatch(value.strip())) is None:
        raise ValueError(f"has {value!r}, which is not a size; write a number and KB, MB, GB or TB")
    return int(found[1]) * BYTES[found[2].upper()]


Duration = Annotated[int, BeforeValidator(parse_duration), Field(ge=0)]
Size = Annotated[int, BeforeValidator(parse_size), Field(ge=0)]


class RetentionRule(BaseModel):
    """Nodes to delete or to archive: those below `under` that meet all other conditions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    under: str = ""
    older_than: Duration | None = None
    tag: str | None = None
    spec: str | None = None
    larger_than: Size | None = None
    action: Literal["delete", "archive"] = "delete"

    @model_validator(mode="after")
    def _has_a_condition(self) -> RetentionRule:
        conditions = (self.older_than, self.tag, self.spec, self.larger_than)
        if all(condition is None for condition in conditions):
            raise ValueError(
                "has a rule without a condition, which would select all nodes; write older_than, "
                "tag, spec or larger_than"
            )
        return self


class RetentionSettings(BaseModel):
    """What `manage.py prune` deletes or archives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: list[RetentionRule] = Field(
        default=[],
        description="Rules of `manage.py prune`. Each selects the nodes below the container "
        "`under` (default: all) that meet all of its conditions: `older_than` (as in `90d`), "
        "`tag` (an access tag of the node), `spec`, `larger_than` (as in `10GB`); `action` is "
        "`delete` or `archive`.",
        examples=["[{under: scratch, older_than: 30d}]"],
    )
    archive: Path | None = Field(
        default=None,
        description="Folder to which `prune` moves the data of archived nodes, which stay in the "
        "catalog as nodes with external files. It must be in a folder of `storage.readable`.",
        examples=["/archive/tiled"],
    )


class SubtreeQuota(BaseModel):
    """Limits of a container and all nodes below it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    bytes: Size | None = None
    nodes: int | None = Field(default=None, ge=0)


class PrincipalQuota(BaseModel):
    """Limits of the nodes that one user or service has created."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: Size | None = None
    nodes: int | None = Field(default=None, ge=0)


class QuotaSettings(BaseModel):
    """Maximum amounts of stored data and nodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subtrees: list[SubtreeQuota] = Field(
        default=[],
        description="Limits of containers: `path`, and `bytes` (as in `500GB`) or `nodes` or "
        "both, each of all nodes below it. A request beyond it is rejected with 507.",
        examples=["[{path: users/ann, bytes: 500GB, nodes: 100000}]"],
    )
    principal: PrincipalQuota = Field(
        default=PrincipalQuota(),
        description="Limits of each user and service on a site with users: `bytes` and `nodes` of "
        "the nodes that it has created.",
        examples=["{bytes: 1TB, nodes: 1000000}"],
    )
    refresh: float = Field(
        default=30.0,
        gt=0,
        description="Time in seconds after which a server process counts the stored data again. "
        "Meanwhile it does not know the writes of others, so that several processes together can "
        "exceed a limit by what they write in this time.",
        examples=["30"],
    )
