"""The API's root in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from ..about import AboutView
from .operations import document, operation, reference

extend_schema_view(
    get=operation(answers=document(reference("About")), of_a_node=False, conditional=True)
)(AboutView)
