"""The registry: what the server says of it, and what a site adds to it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from catalog.config import ExportSettings
from catalog.formats import formats
from catalog.models import Node
from tests.servers import PROJECT
from tiled_client.wire.version import WIRE_VERSION

from ..conftest import ARROW, Api, ipc
from .test_arrays import content

PAGE = PROJECT / "docs" / "how-to" / "add-an-export-format.md"
# What Tiled 0.2.20 lists.
TEXTS = ["text/csv", "text/x-comma-separated-values", "text/plain", "application/vnd.ms-excel"]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTED = {
    "array": ["application/octet-stream", "application/json", *TEXTS, "image/png", "image/tiff"],
    "table": [ARROW, "application/x-parquet", *TEXTS, XLSX, "application/json-seq", "text/html"],
    "container": ["application/x-hdf5", "application/json"],
    "awkward": ["application/zip", "application/json", ARROW, "application/x-parquet"],
    "ragged": ["application/json", "application/zip", ARROW, "application/x-parquet"],
    "sparse": [ARROW, "application/x-hdf5", XLSX, "application/x-parquet", "text/csv", "text/html"],
    "xdi": ["application/x-xdi"],
    "xarray_dataset": [ARROW, "application/netcdf"],
}

EVERY_KIND = sorted({kind for kinds in LISTED.values() for kind in kinds})
BELONGS = {"xdi": "table", "xarray_dataset": "container", "BlueskyRun": "container"}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A site with formats of its own; the registry is made anew, and again at the end."""
    changed = {"export": ExportSettings(formats=["facility.formats"])}
    monkeypatch.setattr(settings, "TILED", settings.TILED.model_copy(update=changed))
    formats.cache_clear()
    yield
    formats.cache_clear()


@pytest.mark.django_db
@pytest.mark.parametrize("family", ["container", "table", "array"])
def test_a_spec_is_no_way_to_the_exporters_of_another_family(api: Api, family: str) -> None:
    match family:
        case "container":
            api.container("a")
        case "table":
            api.table("a", pa.table({"x": [1]}))
        case _:
            api.array("a", np.zeros(3))
    plain = {name: api.get(f"/{family}/full/a?format={name}").status_code for name in EVERY_KIND}
    names = [*LISTED, "BlueskyRun"]
    specs = [{"name": name, "version": "3.0"} for name in names if BELONGS.get(name) != family]
    Node.objects.filter(path="a").update(specs=specs)
    marked = {name: api.get(f"/{family}/full/a?format={name}").status_code for name in EVERY_KIND}
    assert (marked, api.get(f"/{family}/full/a").status_code) == (plain, 200)


@pytest.mark.django_db
def test_the_server_lists_all_formats_for_all_specs(api: Api) -> None:
    api.array("a", np.zeros(3))
    Node.objects.filter(path="a").update(specs=[{"name": "secret", "version": None}])
    assert api.get("/array/full/a?format=secret").status_code == 406
    about = api.json("/")
    assert {name: set(known) for name, known in LISTED.items()} == {
        name: set(known) & set(about["formats"][name]) for name, known in LISTED.items()
    }
    assert "secret" not in about["formats"]
    assert about["aliases"]["array"]["image/tiff"] == ["tif", "tiff"]
    assert {"h5", "hdf5"} == set(about["aliases"]["container"]["application/x-hdf5"])


def test_every_exporter_can_be_loaded() -> None:
    registry = formats()
    for name, media_types in registry.listed().items():
        for media_type in media_types:
            assert callable(registry.exporter(name, media_type))


def test_a_site_adds_formats_as_the_page_says(
    api: Api, site: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```py module\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "facility").mkdir()
    (tmp_path / "facility" / "formats.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "facility", raising=False)
    api.array("a", np.arange(6, dtype="u1").reshape(2, 3))
    assert content(api, "/array/full/a?format=pgm") == b"P5 3 2 255\n" + bytes(range(6))
    assert api.get("/array/full/a?format=pgm&slice=0").status_code == 406
    rows = pa.table({"energy": [1, 2], "counts": [10, 20]})
    api.table("t", rows)
    api.send("PUT", "/table/full/t", ipc(rows), ARROW)
    assert api.get("/table/full/t?format=spe").status_code == 406
    spec = [{"name": "spectrum", "version": None}]
    Node.objects.filter(path="t").update(specs=spec, metadata={"sample": "Cu"})
    assert content(api, "/table/full/t?format=spe") == b"# Cu\n1 10\n2 20\n"
    assert api.json("/")["formats"]["spectrum"] == ["application/x-spectrum"]


def test_a_module_without_formats_is_refused_with_a_sentence(
    site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "facility.formats", raising=False)
    monkeypatch.delitem(sys.modules, "facility", raising=False)
    with pytest.raises(ImproperlyConfigured, match=r"facility\.formats.*register"):
        formats()


def test_spectra_are_written_as_xdi(api: Api) -> None:
    rows = pa.table({"energy": [1.5, 2.5], "i0": [10, None], "note": ["a b", ""]})
    api.table("t", rows)
    api.send("PUT", "/table/full/t", ipc(rows), ARROW)
    metadata = {
        "extra_version": "GSE/1.0",
        "fields": {"Other": {"x": 1}, "Element": {"symbol": "Cu", "edge": "K\n# /// K"}},
        "comments": "first\n# second",
    }
    spec = [{"name": "xdi", "version": None}]
    Node.objects.filter(path="t").update(specs=spec, metadata=metadata)
    head, *lines = content(api, "/table/full/t?format=xdi").decode().splitlines()
    assert head == "# XDI/1.0 GSE/1.0"
    # PostgreSQL keeps no order of the names in an object.
    assert sorted(lines[:3]) == [
        "# Element.edge: K # /// K",
        "# Element.symbol: Cu",
        "# Other.x: 1",
    ]
    assert lines[3:] == [
        "# ///",
        "# first",
        "# second",
        f"# generated by tiled {WIRE_VERSION}",
        "# ---",
        "# energy i0 note",
        "1.5 10 a_b",
        "2.5 nan _",
    ]
