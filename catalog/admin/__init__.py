"""Admin pages: the tree of nodes, and a page for each node."""

from django.contrib import admin

from ..models import Node
from .nodes import NodeAdmin

admin.site.site_title = "tiled-stream"
admin.site.site_header = "tiled-stream"
admin.site.index_title = "Contents of this server"
admin.site.login_template = "admin/catalog/login.html"

admin.site.register(Node, NodeAdmin)
