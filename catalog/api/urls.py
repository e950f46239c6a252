"""Addresses of the API. Any part of a path may have doubled slashes, and may be empty: the root."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, include, re_path

from .about import AboutView
from .arrays import ArrayBlockView, ArrayFullView
from .assets import AssetBytesView, AssetManifestView, AssetView
from .awkward import AwkwardBuffersView, AwkwardFullView
from .base import WireView, add_slash
from .containers import ContainerFullView, NodeFullView
from .distinct import DistinctView
from .errors import not_found
from .metadata import MetadataView
from .ragged import RaggedBlockView, RaggedFullView
from .register import DataSourceView, RegisterView
from .revisions import RevisionsView
from .search import DeepSearchView, SearchView
from .streams import CloseStreamView
from .tables import TableFullView, TablePartitionView

# The first that fits is taken: what is asked for most stands first.
NODE_VIEWS: dict[str, type[WireView]] = {
    "array/full": ArrayFullView,
    "table/partition": TablePartitionView,
    "metadata": MetadataView,
    "array/block": ArrayBlockView,
    "search": SearchView,
    "search-deep": DeepSearchView,
    "distinct": DistinctView,
    "table/full": TableFullView,
    "node/full": NodeFullView,
    "container/full": ContainerFullView,
    "awkward/full": AwkwardFullView,
    "awkward/buffers": AwkwardBuffersView,
    "ragged/full": RaggedFullView,
    "ragged/block": RaggedBlockView,
    "revisions": RevisionsView,
    "register": RegisterView,
    "data_source": DataSourceView,
    "asset/manifest": AssetManifestView,
    "asset/bytes": AssetBytesView,
    "asset": AssetView,
    "stream/close": CloseStreamView,
}


def _patterns() -> Iterator[URLPattern | URLResolver]:
    for name, view in NODE_VIEWS.items():
        yield re_path(rf"^{name}/(?P<path>[\s\S]*)\Z", view.as_view())
    yield re_path(r"^$", AboutView.as_view())
    yield re_path(r"^auth/", include("catalog.api.auth.urls"))
    yield re_path(rf"^(?:{'|'.join(NODE_VIEWS)})\Z", add_slash)
    yield re_path(r"", not_found)


urlpatterns = list(_patterns())
