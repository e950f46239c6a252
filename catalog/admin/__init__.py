"""Pages for whoever looks after the site: the tree of nodes, and each node as it is."""

from django.contrib import admin

from ..models import Node
from .nodes import NodeAdmin

admin.site.site_title = "tiled-stream"
admin.site.site_header = "tiled-stream"
admin.site.index_title = "What this server holds"
admin.site.login_template = "admin/catalog/login.html"

admin.site.register(Node, NodeAdmin)
