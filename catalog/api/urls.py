"""Addresses of the API. Any part of a path may have doubled slashes, and may be empty: the root."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, re_path

from .about import AboutView
from .arrays import ArrayBlockView, ArrayFullView
from .base import WireView, add_slash
from .errors import not_found
from .metadata import MetadataView
from .register import DataSourceView, RegisterView
from .search import SearchView
from .streams import CloseStreamView
from .tables import TableFullView, TablePartitionView

NODE_VIEWS: dict[str, type[WireView]] = {
    "metadata": MetadataView,
    "search": SearchView,
    "array/full": ArrayFullView,
    "array/block": ArrayBlockView,
    "table/full": TableFullView,
    "table/partition": TablePartitionView,
    "node/full": TableFullView,
    "register": RegisterView,
    "data_source": DataSourceView,
    "stream/close": CloseStreamView,
}


def _patterns() -> Iterator[URLPattern]:
    yield re_path(r"^$", AboutView.as_view())
    for name, view in NODE_VIEWS.items():
        yield re_path(rf"^{name}/(?P<path>[\s\S]*)\Z", view.as_view())
        yield re_path(rf"^{name}\Z", add_slash)
    yield re_path(r"", not_found)


urlpatterns = list(_patterns())
