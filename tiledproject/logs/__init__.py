"""Logging: formats of log lines and the configuration of Django's loggers."""
