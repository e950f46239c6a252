"""The OpenAPI document: one module for each family of endpoints.

Each module describes parameters, bodies and responses of its views with drf-spectacular's
`extend_schema_view`, which keeps the views short; `generator` assembles the document. The package
is not imported before the document is requested.
"""
