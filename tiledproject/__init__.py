"""The site: settings, addresses, servers. It wires the rooms together and knows nothing of data."""
