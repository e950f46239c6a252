"""The form with which people log in to the pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm

from core.errors import TooMany


class LoginForm(AdminAuthenticationForm):
    """Django's own, which can also say that somebody has to wait."""

    def clean(self) -> dict[str, Any]:
        """The name and the password, if they are right."""
        try:
            return super().clean()
        except TooMany as error:
            raise forms.ValidationError(error.detail) from None
