"""Base class of the views of nodes."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from access.api.base import ApiView
from access.api.permissions import principal_of

from ..permissions.node_permissions import check_node


class NodeView(ApiView):
    """A view of the node at `path`, which also checks the permissions on that node."""

    def check_access(self, request: Request, **kwargs: Any) -> None:
        """Check the credentials, then the scopes on the node. Raises ServiceError."""
        super().check_access(request, **kwargs)
        if "path" in kwargs:
            check_node(kwargs["path"], principal_of(request), *self.needed_scopes(request))
