"""The form with which people log in to the pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm

from core.errors import TooMany


class LoginForm(AdminAuthenticationForm):
    """Django's login form, which also reports throttling."""

    def clean(self) -> dict[str, Any]:
        """Return the validated credentials."""
        try:
            return super().clean()
        except TooMany as error:
            raise forms.ValidationError(error.detail) from None
