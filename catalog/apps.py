"""The catalog as a Django app."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from .config import export_settings, private_folders, reader_limits, storage_settings
from .storage import external
from .storage.bucket_files.buckets import BucketAccess


class CatalogConfig(AppConfig):
    """Nodes, their structures and storage."""

    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the settings checked before a server starts, and make its formats of files known.

        Connections to SQLite get the functions that searches and triggers call.
        Raises ImproperlyConfigured.
        """
        from access.api.exception_handler import register_statuses
        from access.permissions.staff_scopes import register_staff_scopes
        from access.principals import READ

        from . import checks  # noqa: F401
        from .api.storage_statuses import STORAGE_STATUS
        from .formats import formats
        from .queries.indexes import restore
        from .queries.sqlite import add_functions
        from .storage.errors import StorageError

        register_staff_scopes("catalog.view_node", READ)
        register_statuses({StorageError: 500, **STORAGE_STATUS})
        connection_created.connect(add_functions, dispatch_uid="catalog.queries.sqlite")
        post_migrate.connect(restore, sender=self, dispatch_uid="catalog.queries.indexes")
        try:
            external.register(*map(external.load, storage_settings().format_paths))
            external.configure(
                reader_limits,
                adapters=storage_settings().format_paths,
                private=private_folders(),
                objects=BucketAccess(lambda path: storage_settings().location_of(path)),
            )
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"storage.adapters or tiled_adapters: {error}") from error
        if export_settings().formats:
            formats()  # so that a wrong name stops the start, not the first request
