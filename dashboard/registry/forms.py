"""What people fill in to register a version and to set an alias."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dashboard.registry.models import ALIAS, MAX_ALIAS, MAX_NAME, MAX_REASON, NAME, Version

NAME_RULE = _("Small letters, digits, and between them dots, dashes and underscores.")
ALIAS_RULE = _("Small letters, digits, dashes and underscores; a letter first.")


class RegisterForm(forms.Form):
    """`source` is a stage and a precision: `3:int8`."""

    source = forms.RegexField(r"^\d{1,4}:[a-z0-9_]{1,20}$", label=_("What"), error_messages={"required": _("Choose what is registered.")})
    name = forms.RegexField(NAME, max_length=MAX_NAME, label=_("Name"), error_messages={"invalid": NAME_RULE})
    alias = forms.RegexField(ALIAS, max_length=MAX_ALIAS, required=False, label=_("Alias"), error_messages={"invalid": ALIAS_RULE})
    reason = forms.CharField(max_length=MAX_REASON, required=False, label=_("Note"))

    def chosen(self) -> tuple[int, str]:
        index, _colon, precision = self.cleaned_data["source"].partition(":")
        return int(index), precision


class AliasForm(forms.Form):
    """`alias` is chosen from those there are; where it is empty `own` is a new one. `version` must be one of the model's."""

    alias = forms.RegexField(ALIAS, max_length=MAX_ALIAS, required=False, label=_("Alias"), error_messages={"invalid": ALIAS_RULE})
    own = forms.RegexField(ALIAS, max_length=MAX_ALIAS, required=False, label=_("Its name"), error_messages={"invalid": ALIAS_RULE})
    version = forms.ModelChoiceField(Version.objects.none(), to_field_name="number", label=_("Version"))
    reason = forms.CharField(max_length=MAX_REASON, required=False, label=_("Why"))
    override = forms.BooleanField(required=False, label=_("Go past the gate"))

    def __init__(self, *args: Any, versions: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["version"].queryset = versions  # type: ignore[attr-defined]

    def clean(self) -> None:
        super().clean()
        if not self.errors and not self.name:
            self.add_error("own", _("Give the alias a name."))

    @property
    def name(self) -> str:
        chosen: str = self.cleaned_data["alias"] or self.cleaned_data["own"]
        return chosen
