"""No secret reaches a log, whatever another library puts into its messages."""

from __future__ import annotations

import json
import logging

import pytest

from tiledproject.logs.formats import AuditFormatter, JsonFormatter, LineFormatter, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /x?api_key=hunter2&a=1 done", "GET /x?api_key=***&a=1 done"),
        ("/ui/?access_token=ab.cd-ef_gh", "/ui/?access_token=***"),
        ("Authorization: Apikey hunter2hunter2", "Authorization: Apikey ***"),
        ("authorization: bearer ab.cd-ef_gh", "authorization: bearer ***"),
        ("postgresql://tiled:hunter2@db/tiled", "postgresql://tiled:***@db/tiled"),
        ("redis://:hunter2@host:6379/1", "redis://:***@host:6379/1"),
        ("user=x password=hunter2 host=db", "user=x password=*** host=db"),
        (
            "redis+sentinel://:hunter2@a,b/streams?sentinel_password=hunter3&db=1",
            "redis+sentinel://:***@a,b/streams?sentinel_password=***&db=1",
        ),
        ("http://localhost:8000/a@b", "http://localhost:8000/a@b"),
        ("a bearer of news", "a bearer of news"),
    ],
)
def test_secrets_are_redacted(text: str, shown: str) -> None:
    assert redact(text) == shown


def record(text: str, *arguments: object, **extra: object) -> logging.LogRecord:
    logger = logging.getLogger("test")
    return logger.makeRecord("test", logging.INFO, "f", 1, text, arguments, None, extra=extra)


def test_both_formats_redact_the_whole_record() -> None:
    try:
        raise ValueError("redis://:hunter2@host")
    except ValueError as error:
        found = record("see %s", "?api_key=hunter2")
        found.exc_info = (type(error), error, error.__traceback__)
    for formatter in (LineFormatter(), JsonFormatter()):
        written = formatter.format(found)
        assert "hunter2" not in written
        assert "ValueError" in written


def test_fields_are_redacted_too() -> None:
    found = record("text", fields={"note": "api_key=hunter2", "status": 200})
    for formatter in (JsonFormatter(), AuditFormatter()):
        assert json.loads(formatter.format(found))["note"] == "api_key=***"


def test_json_is_one_line_with_the_fields_of_the_record() -> None:
    written = JsonFormatter().format(record("two\nlines", fields={"status": 200}))
    assert "\n" not in written
    found = json.loads(written)
    assert (found["message"], found["status"], found["level"]) == ("two\nlines", 200, "info")
