"""Plausible parts of requests: paths that exist, and values and bodies that fit."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.fuzz import catalog_fixture
from tiled_client.wire.ingest import MEDIA_TYPE, encode_header

FAMILIES = {"array": "as", "table": "t", "node": "t", "awkward": "w", "ragged": "r"}

KEYS = [["color"], ["start.time"], ["start.uid"], ["start.plan"], ["no"], ["color", "start.time"]]
JSON_VALUES = [['"blue"'], ["1.5"], ["null"], ["[1]"], ["{}"], ["no JSON"], ['"blue"', "2"]]
LISTS = [['["blue"]'], ["[]"], ["[1.5, null]"], ["{}"], ["x"]]
FILTERS: dict[str, dict[str, list[Any]]] = {
    "lookup": {"key": [["a"], ["t"], ["\0"], ["a", "t"]]},
    "eq": {"key": KEYS, "value": JSON_VALUES},
    "noteq": {"key": KEYS, "value": JSON_VALUES},
    "comparison": {
        "key": KEYS,
        "value": JSON_VALUES,
        "operator": [["lt"], ["ge"], ["no"], ["lt", "gt"]],
    },
    "contains": {"key": KEYS, "value": JSON_VALUES},
    "in": {"key": KEYS, "value": LISTS},
    "notin": {"key": KEYS, "value": LISTS},
    "keypresent": {"key": KEYS, "exists": [["true"], ["false"], ["no"]]},
    "like": {"key": KEYS, "pattern": [['"b%"'], ['"%\\\\"'], ["b%"], ['"_"']]},
    "regex": {
        "key": KEYS,
        "pattern": [["b.*"], ["("], ["(a+)+$"], ["[[:alpha:]]"]],
        "case_sensitive": [["true"], ["no"]],
    },
    "fulltext": {"text": [["blue"], ["blue count"], ['"'], ["a* NEAR("], ["\0"], [""]]},
    "specs": {"include": [['["s1"]'], ["[]"]], "exclude": [['["s1"]'], ["[]"], ["1"]]},
    "structure_family": {"value": [["array"], ["no"], ["array", "table"]]},
    "created": {"since": [["2026-01-02T03:04:05Z"], ["0"], ["x"]], "until": [["9e9"], ["nan"]]},
    "keys_filter": {"keys": [['["a", "t"]'], ["[]"], ["[1]"]]},
    "access_tags_filter": {"tags": [['["x"]'], ["[]"], ["1"]]},
}
VALUES: dict[str, list[Any]] = {
    "path": catalog_fixture.PATHS,
    "slice": ["0", "1:3", "::2", "0:2,1:3", ":", "-1", "5", ",", "3:1", "::-1"],
    "reduce": ["mean:2", "max:2,2", "sum:3", "min:1,9", "mean:2,2,2", "no:1", ""],
    "expected_shape": ["4,3", "3", "5", "scalar", ""],
    "block": ["0,0", "0", "1", "", "0,0,0", "1,1"],
    "offset": ["0", "3", "4", "4,0", "0,0", "100000000000000000"],
    "shape": ["1,3", "3", "4,3", "1", "0", "", "100000000000000000"],
    "extend": [True, False],
    "persist": [True, False],
    "partition": [0, 0, 0, 1, 10**30],
    "column": [["x"], ["s", "x"], ["no"], []],
    "field": [["x"], ["no"]],
    "rows": ["0:2", ":", "2:", "5:9", "2:1"],
    "form_key": [["node1"], ["no"]],
    "format": ["json", "csv", "arrow", "parquet", "zip", "png", "h5", "text/html", "xlsx", "no"],
    "fields": [["metadata"], [""], ["count"], ["structure", "specs"]],
    "select_metadata": ["color", "start.time", "[", "false", "keys(@)", "start.[plan]"],
    "sort": [["color"], ["-start.time"], ["id"], ["-"], ["color", "color"], ["metadata.start.uid"]],
    "page[limit]": [0, 1, 2, 300, 301],
    "page[offset]": [0, 1, 10**6],
    "page[cursor]": [0, 1],
    "number": [1, 2],
    "recursive": [True, False],
    "external_only": [True, False],
    "max_depth": [0, 1, 5, 64],
    "id": [1, 2, 3, 10**20],
    "relative_path": ["0", "../x", "/etc/passwd", "c/0/0", ""],
    "metadata": [["color"], ["start.time", "start.plan"], ["no"], ["start"]],
    "counts": [True, False],
    "specs": [True, False],
    "structure_families": [True, False],
}
ROWS_BODY = catalog_fixture.ipc(catalog_fixture.ROWS)


def frames(*headers: Any, payload: bytes = b"") -> bytes:
    """Return a body of frames, which have the same payload."""
    content = [encode_header(header) + payload for header in headers]
    return b"".join(len(frame).to_bytes(8) + frame for frame in content)


OPENED = {"op": "open", "handle": 1, "path": "c/a", "producer": "producer1"}
WRITE = {"op": "write", "handle": 1, "sequence": 1}
OBJECTS = {"application/json", "application/x-www-form-urlencoded"}
BODIES: dict[str, list[bytes]] = {
    catalog_fixture.OCTETS: [
        catalog_fixture.NUMBERS.tobytes(),
        catalog_fixture.NUMBERS[:1].tobytes(),
        b"",
        b"\0" * 7,
    ],
    catalog_fixture.ARROW: [
        catalog_fixture.ipc(catalog_fixture.ROWS),
        catalog_fixture.ipc(catalog_fixture.ELEMENTS),
        catalog_fixture.ipc(catalog_fixture.ROWS)[:-9],
        b"",
    ],
    catalog_fixture.ZIP: [
        catalog_fixture.NODES["w"][4],
        catalog_fixture.NODES["r"][4],
        catalog_fixture.NODES["r"][4][:-30],
        b"PK",
    ],
    MEDIA_TYPE: [
        frames(OPENED),
        frames(OPENED, WRITE, payload=catalog_fixture.NUMBERS.tobytes()),
        frames(OPENED, {**WRITE, "op": "patch", "offset": [0], "shape": [1, 3]}, payload=bytes(24)),
        frames(OPENED, {**WRITE, "op": "block", "block": [9, 9]}, {**WRITE, "sequence": 2}),
        frames({**OPENED, "path": "c/t"}, {**WRITE, "op": "append"}, payload=ROWS_BODY),
        frames({**OPENED, "path": "c/t"}, {**WRITE, "partition": 2**63 - 1}, payload=b"PK"),
        frames({**OPENED, "path": "c"}, {**WRITE, "op": "metadata", "metadata": [1]}),
        frames({**OPENED, "path": "no such"}, WRITE, {**WRITE, "op": "close"}),
        frames({**OPENED, "op": "create", "path": "c", "node": {"structure_family": "array"}}),
        frames({**OPENED, "op": []}, {**WRITE, "handle": 7}),
        frames([1], {}, OPENED)[:-3],
        b"",
    ],
}
JSON_BODIES: dict[str, list[Any]] = {
    "post_metadata": [
        {"structure_family": "container"},
        {"id": "new", "structure_family": "container", "metadata": {"a": [1, None, 1.5, "x"]}},
        {"id": "a", "structure_family": "container"},
        *(
            {
                "structure_family": family,
                "data_sources": [{"structure_family": family, "structure": structure}],
            }
            for family, structure, *_ in catalog_fixture.NODES.values()
        ),
    ],
    "patch_metadata": [
        {
            "content-type": "application/json-patch+json",
            "metadata": [{"op": "replace", "path": "/color", "value": "red"}],
            "specs": None,
        },
        {
            "content-type": "application/json-patch+json",
            "metadata": [{"op": "move", "from": "/start", "path": "/start/time"}],
            "specs": [{"op": "add", "path": "/-", "value": {"name": "s"}}],
        },
        {
            "content-type": "application/merge-patch+json",
            "metadata": {"color": None, "start": {"time": 2}},
            "specs": [],
        },
    ],
    "post_register": [
        {
            "structure_family": "array",
            "data_sources": [
                {
                    "structure_family": "array",
                    "structure": catalog_fixture.NODES["a"][1],
                    "mimetype": mimetype,
                    "management": "external",
                    "assets": [
                        {"data_uri": uri, "is_directory": False, "parameter": "data_uris", "num": 0}
                    ],
                }
            ],
        }
        for mimetype, uri in [
            ("image/tiff", "file://localhost/etc/passwd"),
            ("application/x-npy", "file://localhost/no/such"),
            ("application/x-hdf5", "http://example.org/a.h5"),
            ("text/csv", "file:///dev/zero"),
            ("no/such", "../../x"),
        ]
    ],
    "put_data_source": [
        {
            "data_source": {
                "id": number,
                "structure_family": "array",
                "structure": catalog_fixture.NODES["a"][1],
                "mimetype": "application/x-npy",
                "management": "external",
                "assets": [],
            }
        }
        for number in (1, None, 10**18, -1)
    ],
    "put_ragged_full": [[[1.0], [], [2.0, 3.0]], [[1.0]], [], [[[1]]], "x", [None]],
    "patch_ragged_full": [[[1.0]], [[]], []],
    "post_awkward_buffers": [["node1"], [], ["no"]],
    "post_table_full": [["x"], ["no"], []],
}


@st.composite
def plausible(draw: st.DrawFn, case: Any, known: dict[str, list[Any]]) -> Any:
    """Replace some generated values of `case` by plausible ones, or by those that are `known`."""
    operation = case.operation
    values = {**VALUES, "path": _paths(operation.path), **known}
    for name in case.path_parameters or {}:
        if name in values and draw(st.integers(0, 9)) < 9:
            case.path_parameters[name] = draw(st.sampled_from(values[name]))
    for parameter in operation.query:
        if parameter.name in values and draw(st.integers(0, 2)) < 2:
            chosen = draw(st.sampled_from([None, *values[parameter.name]]))
            case.query = {**(case.query or {}), parameter.name: chosen}
            if chosen is None:
                del case.query[parameter.name]
    if any(parameter.name.startswith("filter[") for parameter in operation.query):
        _give_filters(draw, case)
    _give_body(draw, case, known.get("body"))
    return case


def _give_filters(draw: st.DrawFn, case: Any) -> None:
    """Replace the generated parameters of filters by a few whole filters."""
    if draw(st.integers(0, 9)) == 9:
        return
    case.query = {
        name: value for name, value in (case.query or {}).items() if not name.startswith("filter[")
    }
    for kind in draw(st.lists(st.sampled_from(sorted(FILTERS)), max_size=2, unique=True)):
        for field, values in FILTERS[kind].items():
            case.query[f"filter[{kind}][condition][{field}]"] = draw(st.sampled_from(values))


def _paths(address: str) -> list[str]:
    """Return paths, most of them of nodes of the family that the address is for."""
    for start, keys in FAMILIES.items():
        if address.startswith(f"/api/v1/{start}/"):
            return [f"c/{key}" for key in keys] * 3 + [
                catalog_fixture.PATHS[0],
                "c/t/x",
                "c/no such",
            ]
    return catalog_fixture.PATHS


def _give_body(draw: st.DrawFn, case: Any, known: list[Any] | None) -> None:
    if case.media_type in BODIES and draw(st.integers(0, 3)) < 3:
        case.body = draw(st.sampled_from(BODIES[case.media_type]))
    known = known or JSON_BODIES.get(case.operation.definition.raw.get("operationId", ""))
    if case.media_type in OBJECTS and known and draw(st.booleans()):
        case.body = draw(st.sampled_from(known))
