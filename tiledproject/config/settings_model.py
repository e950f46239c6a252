"""The site's settings: one typed object, from a YAML file and the environment.

Each package declares its own section; this module composes them. `TILED_CONFIG` names the file;
`TILED_<SECTION>_<FIELD>` sets one setting and takes precedence over the file, and
`TILED_<SECTION>_<FIELD>_FILE` names a file with its value. Any mistake becomes a ConfigError of one
sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from access.config import AuthenticationSettings
from catalog.config import DatabaseSettings, ExportSettings, SpecsSettings, StorageSettings
from catalog.lifecycle_config import QuotaSettings, RetentionSettings
from core.bounds import BoundsSettings
from streaming.config import StreamingCacheSettings
from streaming.ingest_config import IngestSettings

from .budgets import BudgetSettings
from .errors import ConfigError, Origins, explain
from .logs import LogSettings
from .metrics import MetricsSettings
from .sections import SECTIONS
from .server import ServerSettings
from .sources import WrittenSettings
from .tracing import TracingSettings


class Settings(BaseModel):
    """All settings of this site."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Django looks this attribute up on every access to a setting; a missing attribute takes
    # pydantic microseconds to report.
    _mask_wrapped: ClassVar[bool] = True
    _deprecated_names: tuple[str, ...] = PrivateAttr(default=())

    server: ServerSettings
    logs: LogSettings
    budgets: BudgetSettings
    database: DatabaseSettings
    storage: StorageSettings
    specs: SpecsSettings
    export: ExportSettings
    retention: RetentionSettings
    quotas: QuotaSettings
    bounds: BoundsSettings
    streaming_cache: StreamingCacheSettings
    ingest: IngestSettings
    authentication: AuthenticationSettings
    metrics: MetricsSettings
    tracing: TracingSettings

    @property
    def deprecated_names(self) -> tuple[str, ...]:
        """One sentence for each setting that was written under its old name."""
        return self._deprecated_names


class Reading(NamedTuple):
    """The settings of a site, None if there are `problems`; and where each was written."""

    settings: Settings | None
    problems: list[str]
    origins: Origins


def load(environment: Mapping[str, str], labels: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in `environment` and in the file that it names; change nothing.

    `labels` maps a variable to the command-line option that it comes from, for error messages.
    Raises ConfigError, about the first mistake.
    """
    found = read(environment, labels)
    if found.settings is None:
        raise ConfigError(found.problems[0])
    return found.settings


def read(environment: Mapping[str, str], labels: Mapping[str, str] | None = None) -> Reading:
    """Return the settings as `load` does, or all mistakes, one sentence each."""
    sources = WrittenSettings()
    if path := environment.get("TILED_CONFIG"):
        sources.merge_file(Path(path))
    sources.merge_environment(environment, labels or {})
    sources.fill_in_paths()
    problems = list(sources.problems)
    try:
        settings = Settings.model_validate(sources.values)
    except ValidationError as error:
        problems += explain(error, SECTIONS, sources.origins)
    if problems:
        return Reading(None, problems, sources.origins)
    settings._deprecated_names = sources.renamed.warnings()
    return Reading(settings, [], sources.origins)
