"""What endpoints are asked with, what they refuse with, and by whose channel."""

from __future__ import annotations

from typing import Annotated, Any, cast

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest
from ninja import Header, Path

from mutoscope.platform.accounts.public import Channel, Person, channel_of
from mutoscope.platform.billing.api import schemas
from mutoscope.platform.billing.failures import NoSuchChannel
from mutoscope.platform.billing.models import KEY_LENGTH_MAX

CODE = "^[A-Za-z0-9][A-Za-z0-9-]{2,23}$"
PublicId = Annotated[str, Path(pattern="^[a-z0-9]{12}$")]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=KEY_LENGTH_MAX, pattern="^[!-~]+$")]
P = schemas.ProblemOut
REFUSALS: dict[int, Any] = {400: P, 401: P, 402: P, 403: P, 404: P, 409: P, 422: P}


def channel_asking(request: HttpRequest) -> Channel:
    """The signed-in creator's channel. Raises NoSuchChannel."""
    found = channel_of(cast("Person", request.user))
    if found is None:
        raise NoSuchChannel
    return found


@reauthentication_required  # type: ignore[untyped-decorator] # allauth has no types
def signed_in_just_now(request: HttpRequest) -> None:
    """As on the pages: a stolen session alone must not say where money goes. Raises allauth's ReauthenticationRequired."""
