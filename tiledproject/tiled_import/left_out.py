"""What a database of Tiled has that does not exist here."""

from __future__ import annotations

from .report import ImportReport
from .source.database import SourceDatabase

CATALOG = {
    "webhooks": "Webhooks are not imported: subscribe to the stream, or poll, instead",
    "entities": "Entities of Tiled's graph have no counterpart here",
    "links": "Links of Tiled's graph have no counterpart here",
}
AUTHENTICATION = {
    "sessions": "Logins are not imported: users log in again; API keys continue to work",
}


def tell_left_out(database: SourceDatabase, tables: dict[str, str], report: ImportReport) -> None:
    """Add to the report how many rows these tables have."""
    for table, text in tables.items():
        if number := int(database.value(f"SELECT count(*) FROM {table}")):  # noqa: S608  constant
            report.find(text, number=number)
