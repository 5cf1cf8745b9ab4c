"""What closing an account means for mail: none that waits is sent, and none that was is remembered."""

from __future__ import annotations

from allauth.account.models import EmailAddress

from mutoscope.platform.accounts.public import Holder, Person
from mutoscope.platform.support.models import Mail


class KeptMail(Holder):
    """Mail to a person, sent or waiting, under any of their addresses."""

    def erase(self, person: Person, /) -> None:
        addresses = {*EmailAddress.objects.filter(user=person).values_list("email", flat=True), person.email} - {""}
        for address in addresses:
            Mail.objects.filter(recipients__contains=[address]).delete()
