"""What the API says of itself in OpenAPI: a module for each family of endpoints.

Each describes what its views take and give with drf-spectacular's `extend_schema_view`, so that the
views themselves stay short; `document` puts it all together. Nothing here is loaded before
the document is requested.
"""
