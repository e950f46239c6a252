"""The sections of the settings, by name, and the names of environment variables."""

from __future__ import annotations

from pydantic import BaseModel

from access.config import AuthenticationSettings
from catalog.config import DatabaseSettings, ExportSettings, SpecsSettings, StorageSettings
from catalog.lifecycle_config import QuotaSettings, RetentionSettings
from core.bounds import BoundsSettings
from streaming.config import StreamingCacheSettings
from streaming.ingest_config import IngestSettings

from .budgets import BudgetSettings
from .logs import LogSettings
from .metrics import MetricsSettings
from .server import ServerSettings
from .tracing import TracingSettings

SECTIONS: dict[str, type[BaseModel]] = {
    "server": ServerSettings,
    "logs": LogSettings,
    "budgets": BudgetSettings,
    "database": DatabaseSettings,
    "storage": StorageSettings,
    "specs": SpecsSettings,
    "export": ExportSettings,
    "retention": RetentionSettings,
    "quotas": QuotaSettings,
    "bounds": BoundsSettings,
    "streaming_cache": StreamingCacheSettings,
    "ingest": IngestSettings,
    "authentication": AuthenticationSettings,
    "metrics": MetricsSettings,
    "tracing": TracingSettings,
}
SHORT_NAMES = {"TILED_SINGLE_USER_API_KEY": ("authentication", "single_user_api_key")}
FILE_SUFFIX = "_FILE"


def setting_of(variable: str) -> tuple[str, str] | None:
    """Return the section and field that a variable sets; None for another program's variable."""
    if variable in SHORT_NAMES:
        return SHORT_NAMES[variable]
    for section in SECTIONS:
        prefix = f"TILED_{section.upper()}_"
        if variable.startswith(prefix):
            return section, variable.removeprefix(prefix).lower()
    return None
