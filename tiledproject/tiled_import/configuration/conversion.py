"""Convert a configuration of Tiled, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .authentication import convert_authentication
from .converted import ConfigurationSection, Converted, local_path

# Keys with a value that a setting here has as it is.
SAME = {
    "response_bytesize_limit": ("storage", "response_bytesize_limit"),
    "expose_raw_assets": ("storage", "expose_raw_assets"),
    "allow_origins": ("server", "allow_origins"),
    "reject_undeclared_specs": ("specs", "reject_undeclared"),
}
UVICORN = {"host": ("server", "host"), "port": ("server", "port"), "workers": ("server", "workers")}
CACHE = {
    "uri": ("streaming_cache", "uri"),
    "data_ttl": ("streaming_cache", "data_ttl"),
    "seq_ttl": ("streaming_cache", "seq_ttl"),
}
POOLS = "connections are pooled without a setting"
NOTES = {
    "routers": "run these routers as a separate service",
    "exact_count_limit": "counts are always exact",
    "create_mount_nodes_if_not_exist": "import each catalog with --into PATH",
    "media_types": "write each exporter as in docs/how-to/add-an-export-format.md, and name its "
    "module in export.formats",
    "file_extensions": "give --ext .EXT=TYPE to the command `register`",
    "webhooks": "there are no webhooks: subscribe to streams",
    "object_cache": "has no effect in Tiled either",
    "metrics": "nothing to do",
    "catalog_pool_size": POOLS,
    "storage_pool_size": POOLS,
    "catalog_max_overflow": POOLS,
    "storage_max_overflow": POOLS,
}
TLS = "let a proxy terminate TLS, and set server.tls: docs/how-to/run-in-production.md"
CATALOG_TREES = ("catalog", "tiled.catalog:from_uri", "tiled.catalog:in_memory")


def convert(configuration: Mapping[str, Any]) -> Converted:
    """Return the settings for a configuration of Tiled."""
    converted, left = Converted(), ConfigurationSection.of("", configuration)
    for key, (section, name) in SAME.items():
        if (value := left.take(key)) is not None:
            converted.set(section, name, value)
    if catalog := left.take("catalog"):
        _catalog(converted, ConfigurationSection.of("catalog", catalog))
    _trees(converted, left.take("trees", []))
    convert_authentication(converted, left)
    _validators(converted, left.take("specs", []))
    _same(
        converted, ConfigurationSection.of("streaming_cache", left.take("streaming_cache")), CACHE
    )
    uvicorn = ConfigurationSection.of("uvicorn", left.take("uvicorn"))
    _proxy(converted, uvicorn)
    _same(converted, uvicorn, UVICORN)
    for key in left.left():
        converted.note(
            key, NOTES.get(key, "unknown to this import; see docs/reference/settings.md")
        )
    return converted


def _catalog(converted: Converted, catalog: ConfigurationSection) -> None:
    converted.catalog = catalog.take("uri")
    converted.root_metadata = catalog.take("metadata", {})
    converted.root_specs = catalog.take("specs", [])
    converted.root_tags = catalog.take("top_level_access_tags", [])
    catalog.take("init_if_not_exists")
    for key in ("writable_storage", "readable_storage"):
        value = catalog.take(key, [])
        for uri in value if isinstance(value, list) else [value]:
            _storage(converted, f"catalog.{key}", uri)
    if adapters := catalog.take("adapters_by_mimetype"):
        converted.set("storage", "tiled_adapters", dict(adapters))
    if mount := catalog.take("mount_node"):
        converted.note(
            "catalog.mount_node", f"only nodes below {mount} were served; all are imported"
        )
    for key in catalog.left():
        converted.note(key, NOTES.get(key.removeprefix("catalog."), POOLS))


def _storage(converted: Converted, key: str, uri: Any) -> None:
    folder = local_path(uri)
    if folder is not None:
        converted.set("storage", "readable", [str(folder.expanduser().absolute())])
    elif isinstance(uri, str) and uri.partition(":")[0] in ("sqlite", "duckdb", "postgresql"):
        converted.storages.append(uri)
    else:
        shown = uri.get("uri") if isinstance(uri, Mapping) else uri
        converted.note(
            key, f"{shown}: object storage cannot be read here; download the data, or import --from"
        )


def _trees(converted: Converted, trees: Any) -> None:
    for tree in trees if isinstance(trees, list) else []:
        section = ConfigurationSection.of("trees", tree)
        kind, path = section.take("tree"), section.take("path", "/")
        if kind in CATALOG_TREES and converted.catalog is None:
            _catalog(converted, ConfigurationSection.of("catalog", section.take("args", {})))
            if str(path).strip("/"):
                converted.note("trees", f"import this catalog with --into {str(path).strip('/')}")
        elif kind in CATALOG_TREES:
            uri = ConfigurationSection.of("", section.take("args", {})).take("uri")
            converted.note(
                f"trees, {path}", f"import {uri} too, with --into {str(path).strip('/')}"
            )
        else:
            converted.note(
                f"trees, {path}",
                f"{kind} has no database to import: run its server, and import with --from",
            )


def _validators(converted: Converted, specs: Any) -> None:
    validators: dict[str, None] = {}
    for one in specs if isinstance(specs, list) else []:
        section = ConfigurationSection.of("specs", one)
        name, validator = section.take("spec"), section.take("validator")
        validators[str(name)] = None
        if validator:
            converted.note(
                f"specs, {name}",
                f"rewrite the validator {validator} as in docs/how-to/check-metadata-by-specs.md, "
                "and name it in specs.validators; until then the spec is accepted unchecked",
            )
    if validators:
        converted.set("specs", "validators", validators)


def _proxy(converted: Converted, uvicorn: ConfigurationSection) -> None:
    if forwarded := uvicorn.take("forwarded_allow_ips"):
        addresses = forwarded if isinstance(forwarded, list) else str(forwarded).split(",")
        if "*" in [one.strip() for one in addresses]:
            converted.note(
                "uvicorn.forwarded_allow_ips", "name the proxies in server.trusted_proxies"
            )
        else:
            converted.set("server", "trusted_proxies", [one.strip() for one in addresses])
    uvicorn.take("proxy_headers")
    if uvicorn.take("ssl_certfile") or uvicorn.take("ssl_keyfile"):
        converted.note("uvicorn.ssl_*", TLS)
    for key in list(uvicorn.values):
        if key.startswith("ssl_"):
            uvicorn.take(key)


def _same(
    converted: Converted, section: ConfigurationSection, names: Mapping[str, tuple[str, str]]
) -> None:
    for key, (ours, name) in names.items():
        if (value := section.take(key)) is not None:
            converted.set(ours, name, value)
    for key in section.left():
        converted.note(key, "has no counterpart; see docs/reference/settings.md")


def write_settings(converted: Converted, path: Path) -> None:
    """Write the settings file, which only its owner may read. Raises OSError."""
    path.touch(mode=0o600, exist_ok=True)
    path.write_text(converted.text())
