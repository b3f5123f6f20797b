"""What people fill in about themselves and their team."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from dashboard.accounts.models import Role, User


class SignInForm(AuthenticationForm):
    stay = forms.BooleanField(required=False, initial=True, label=_("Keep me signed in"))


class MemberForm(forms.Form):
    """Adds somebody to a project. A name that nobody has is refused, unless a new person is asked for."""

    username = forms.CharField(max_length=150, validators=User._meta.get_field("username").validators, label=_("Username"))
    role = forms.ChoiceField(choices=Role, initial=Role.EDITOR, label=_("Role"))
    is_new = forms.BooleanField(required=False, label=_("New person: make up a first password"))

    def clean(self) -> None:
        super().clean()
        username = self.cleaned_data.get("username")
        exists = User.objects.filter(username=username).exists()
        if username and not exists and not self.cleaned_data["is_new"]:
            self.add_error("username", _("Nobody here is called %(name)s. Tick “New person” to create them.") % {"name": username})
        if username and exists and self.cleaned_data["is_new"]:
            self.add_error("username", _("%(name)s exists already. Leave “New person” empty to add them.") % {"name": username})


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role)
