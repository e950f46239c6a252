"""Hypothesis strategies of malformed requests, which the OpenAPI description does not allow."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.fuzz import catalog_fixture

METHODS = "GET PUT POST PATCH DELETE HEAD OPTIONS TRACE x PROPFIND".split()
LONG = ["x" * 300, "a" * 2000, "[" * 2000, "1" * 5000, "9" * 19]

FRAGMENTS = "c a t x inner / // %2F .. %00 %FF %C3%A4 % %zz %ED%A0%80 . *".split()
paths = st.lists(st.sampled_from([*FRAGMENTS, LONG[0]]), max_size=5).map("".join) | st.sampled_from(
    [path.replace(" ", "%20") for path in catalog_fixture.PATHS]
)

NAMES = """
    slice block offset shape expected_shape partition column field rows form_key fields sort number
    reduce page[offset] page%5Blimit%5D page[cursor] select_metadata include_data_sources omit_links
    format filename persist extend recursive external_only api_key csrf id relative_path counts
    metadata structure_families specs max_depth patch_offset patch_shape drop_revision root_path
    filter[] filter[eq] filter[no][condition][key] filter[lookup][condition][key]
    filter[eq][condition][key] filter[eq][condition][value] filter[fulltext][condition][text]
    filter[like][condition][key] filter[like][condition][pattern] filter[in][condition][key]
    filter[in][condition][value] filter[comparison][condition][operator]
    filter[comparison][condition][key] filter[comparison][condition][value]
    filter[contains][condition][key] filter[contains][condition][value]
    filter[regex][condition][key] filter[regex][condition][pattern]
    filter[specs][condition][include] filter[specs][condition][exclude]
    filter[structure_family][condition][value] filter[keys_filter][condition][keys]
    filter[keypresent][condition][key] filter[keypresent][condition][exists]
    filter[access_tags_filter][condition][tags] filter[noteq][condition][value]
""".split()
VALUES = """
    0 -1 1 +1 2 99999999999999999999 1e5 NaN -Infinity true %00 %FF %ED%A0%80 [ ] [] {} "x" null
    ["x"] [[]] [null] {"a":1} */* json text/html application/x-hdf5 h5 png a.b.c color start.time
    .. . - id ._. 0,0 ::0 0:1:0 : ٣ %F0%9F%98%80 %0d%0aX:y lt gt % _ \\ (a+)+$ ( *a "a*" AND NEAR(
""".split()
queries = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["", *VALUES, *LONG])), max_size=4
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))

WORDS = """
    a container array table sparse awkward ragged bytes float64 little big not_applicable f i M
    file://localhost/etc/passwd ../x / . add remove replace test move copy /color /- /start/plan/9
    application/json-patch+json application/merge-patch+json image/tiff text/csv application/x-zarr
    external writable locked data:application/vnd.apache.arrow.file;base64, [ns] NumpyArray COO
""".split()
NUMBERS = [0, -1, 1, 3, 2**31, 2**63, -(2**63) - 1, 10**40, 0.5, 1e308]
KEYS = """
    id structure_family metadata specs data_sources access_tags structure data_type shape chunks
    dims kind itemsize endianness dt_units fields name dtype arrow_schema npartitions columns form
    length size mimetype assets data_uri is_directory parameter num parameters properties layout
    management content-type op path from value data_source version class contents form_key
""".split()
documents = st.recursive(
    st.sampled_from([None, True, *NUMBERS, "", "\0", LONG[0], *WORDS]),
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(KEYS), below, max_size=6)
    ),
    max_leaves=12,
)
SURROGATE = b'{"metadata": {"a": "\\ud800"}, "structure_family": "container", "id": "\\udfff"}'
DEEP = b'{"structure_family": "container", "metadata": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}"
TWICE = b'{"id": "a", "id": "b", "structure_family": "container"}'
bodies = st.one_of(
    documents.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.sampled_from([b"", SURROGATE, DEEP, TWICE, b"NaN", b"[1e999]", b"\xff", b"[]", b"{"]),
    st.sampled_from([body for *_, body in catalog_fixture.NODES.values()]),
)
TYPES = [
    "application/json",
    "application/json; charset=utf-16",
    catalog_fixture.OCTETS,
    catalog_fixture.ARROW,
    catalog_fixture.ZIP,
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "",
    ";",
    "ä",
]
types = st.sampled_from(TYPES)

FIELDS = """
    accept accept-encoding authorization cookie host if-none-match if-range range origin user-agent
    x-forwarded-host x-forwarded-proto x-forwarded-for x-csrf expect content-encoding
    idempotency-key x-tiled-request-id content-length
""".split()
SAID = [
    "",
    "*",
    "ä",
    "\0",
    ",,,",
    "bytes=0-",
    "bytes=9-1,-",
    "Apikey",
    "Apikey ä",
    "Bearer x.y.z",
    "Basic YTpi",
    "tiled_api_key=secret",
    "tiled_api_key=ä; tiled_csrf=x",
    "application/x-msgpack",
    "gzip, zstd, blosc2",
    "gzip;q=x",
    "python-tiled/0.0.1",
    "python-tiled/x",
    "'\"<>",
    'W/"x", *',
    "-5",
    LONG[1],
]
fields = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(SAID), max_size=3)

# Bytes that are no request, or not a whole one.
HOST = b"Host: localhost\r\n"
LINES = [
    b"GET /api/v1/ HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /api/v1/metadata/%ff%00?\xff\xfe=\x80 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET api/v1 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET http://localhost/api/v1/ HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET //api/v1/ HTTP/1.1\r\n" + HOST + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /api/v1/ HTTP/1.1\r\n\r\n",
    b"GET /api/v1/ HTTP/1.1\r\nHost: \xe4\r\n\r\n",
    b"GET /api/v1/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /api/v1/ HTTP/1.1\r\nbad header\r\n" + HOST + b"\r\n",
    b"GET /api/v1/ HTTP/1.1\r\nX: \x00\r\n" + HOST + b"\r\n",
    b"GET /api/v1/?" + b"a=1&" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
]
PUT = b"PUT /api/v1/array/full/c HTTP/1.1\r\nAuthorization: Apikey secret\r\n" + HOST
BROKEN_BODIES = [
    PUT + body
    for body in [
        b"Content-Length: 100\r\n\r\nshort",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: x\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 99999999999999999999999\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: gzip\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ]
]
