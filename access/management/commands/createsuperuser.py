"""`manage.py createsuperuser`, which also validates a password from the environment."""

from __future__ import annotations

import os
from typing import Any

from django.contrib.auth.management.commands.createsuperuser import Command as DjangoCommand
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

PASSWORD = "DJANGO_SUPERUSER_PASSWORD"  # noqa: S105


class Command(DjangoCommand):
    """Django's command, which with --noinput would accept any password."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Create a superuser. Raises CommandError for a password that is easy to guess."""
        password = os.environ.get(PASSWORD)
        if not options["interactive"] and password:
            named = options.get("username") or os.environ.get("DJANGO_SUPERUSER_USERNAME") or ""
            try:
                validate_password(password, User(username=named))
            except ValidationError as error:
                raise CommandError(f"{PASSWORD}: {' '.join(error.messages)}") from None
        super().handle(*args, **options)
