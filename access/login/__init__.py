"""Login: passwords, identity providers, devices, sessions."""
