"""URLs of the API. A node path may contain doubled slashes; an empty one is the root."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, include, re_path

from access.api.base import ApiView, add_slash
from access.api.exception_handler import not_found

from .about import AboutView
from .data.arrays import ArrayBlockView, ArrayFullView
from .data.assets import AssetBytesView, AssetManifestView, AssetView
from .data.awkward import AwkwardBuffersView, AwkwardFullView
from .data.containers import ContainerFullView, NodeFullView
from .data.ragged import RaggedBlockView, RaggedFullView
from .data.tables import TableFullView, TablePartitionView
from .nodes.distinct import DistinctView
from .nodes.metadata import MetadataView
from .nodes.registration import DataSourceView, RegisterFilesView, RegisterView
from .nodes.revisions import RevisionsView
from .nodes.search import DeepSearchView, SearchView
from .nodes.streams import CloseStreamView

# The first match is used, so the most frequent requests come first.
NODE_VIEWS: dict[str, type[ApiView]] = {
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
    "register-files": RegisterFilesView,
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
    yield re_path(r"^auth/", include("access.api.urls"))
    yield re_path(rf"^(?:{'|'.join(NODE_VIEWS)})\Z", add_slash)
    yield re_path(r"", not_found)


urlpatterns = list(_patterns())
