"""The site: settings, URLs, servers. Composes the packages, without knowledge of the domain."""
