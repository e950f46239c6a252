"""Register files that a request names as nodes: inspected here, with the caller's permissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from access.principals import Principal
from core.bounds import bounds, exceeded
from core.errors import Conflict, Invalid, ServiceError
from core.json_limits import check_json
from core.program import program
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily

from ..models import Node
from ..services.idempotency import IdempotencyKey
from ..services.nodes.create import create_node, register_node
from ..services.nodes.drafts import Draft, parse_specs, validate_key, validate_metadata
from ..services.nodes.tags import parse_tags
from ..storage.errors import StorageError
from .descriptions import describe_source, inspect_dataset
from .discovery import DiscoveredDataset
from .requested_files import find_requested, list_datasets

MAX_DATASETS = 1000
"""Data sets that one request registers from a folder; `manage.py register` has no limit."""


@dataclass(frozen=True, slots=True)
class FileRequest:
    """The files to register, and what the request says about the node."""

    files: tuple[str, ...]
    mimetype: str | None = None
    key: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    specs: list[dict[str, Any]] | None = None
    tags: list[str] | None = None

    @classmethod
    def from_json(cls, body: Any) -> FileRequest:
        """Parse a request's body. Raises Invalid, TooLarge."""
        if not isinstance(body, Mapping):
            raise Invalid("The body must be a JSON object with the key 'files'.")
        files, mimetype = body.get("files"), body.get("mimetype")
        if not isinstance(files, list) or not files or not all(_is_text(one) for one in files):
            raise Invalid("files must be a list of paths, at least one.")
        if len(files) > bounds().assets:
            raise Invalid(exceeded("Files of a node", len(files), "assets"))
        if mimetype is not None and not _is_text(mimetype):
            raise Invalid(f"mimetype must be a string, not {mimetype!r:.80}.")
        specs, key = body.get("specs"), body.get("id")
        return cls(
            tuple(files),
            mimetype,
            None if key is None or key == "" else validate_key(key),
            validate_metadata(body.get("metadata") or {}),
            None if specs is None else parse_specs(specs),
            parse_tags(body.get("access_tags")),
        )


@dataclass(slots=True)
class RegisteredFiles:
    """The node that was created, and the draft that it was created from.

    Of a folder: the keys of its new children, the subfolders, which were not registered, and the
    reasons by file why others were not.
    """

    node: Node
    draft: Draft
    registered: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def register_files(
    *,
    parent_path: str,
    request: FileRequest,
    principal: Principal | None,
    idempotency_key: IdempotencyKey | None = None,
    replace: bool = False,
) -> RegisteredFiles:
    """Create a node of files, or a container of a folder's data sets.

    With `replace`, as of `register_node`. Raises as that does, and StorageError for files that
    cannot be read.
    """
    found = find_requested(request.files, request.mimetype)
    if isinstance(found, DiscoveredDataset):
        draft = _draft(found, request)
        node = register_node(
            parent_path=parent_path,
            draft=draft,
            principal=principal,
            idempotency_key=idempotency_key,
            replace=replace,
        )
        return RegisteredFiles(node, draft)
    datasets, folders = list_datasets(found)
    if len(datasets) > MAX_DATASETS:
        raise Invalid(
            f"{found} has {len(datasets)} data sets, but a request registers at most "
            f"{MAX_DATASETS}: an administrator can run `{program()} register {found}`."
        )
    draft = _folder_draft(found, request)
    node = create_node(
        parent_path=parent_path,
        draft=draft,
        principal=principal,
        idempotency_key=idempotency_key,
        replace=replace,
    )
    done = RegisteredFiles(node, draft, folders=folders)
    _register_datasets(datasets, done, principal)
    return done


def _folder_draft(folder: Path, request: FileRequest) -> Draft:
    return Draft(
        key=request.key or validate_key(folder.name),
        family=StructureFamily.container,
        metadata=request.metadata,
        specs=request.specs or [],
        data_source=None,
        tags=request.tags,
    )


def _register_datasets(
    datasets: Sequence[DiscoveredDataset], done: RegisteredFiles, principal: Principal | None
) -> None:
    """Create a child for each data set of a folder, and note those that cannot be read."""
    for found in datasets:
        child = FileRequest((), key=found.key, tags=done.draft.tags)
        try:
            child_draft = _draft(found, child)
            register_node(parent_path=done.node.path, draft=child_draft, principal=principal)
        except Conflict:
            pass  # a repeated request, whose first attempt was interrupted
        except (StorageError, ServiceError, WireError, OSError) as error:
            done.skipped[found.paths[0].name] = getattr(error, "detail", str(error))
            continue
        done.registered.append(found.key)


def _draft(found: DiscoveredDataset, request: FileRequest) -> Draft:
    inspected = inspect_dataset(found)
    metadata = validate_metadata({**inspected.metadata, **request.metadata})
    check_json(metadata)
    return Draft(
        key=request.key or validate_key(found.key),
        family=inspected.family,
        metadata=metadata,
        specs=inspected.specs if request.specs is None else request.specs,
        data_source=describe_source(found, inspected),
        tags=request.tags,
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 4096
