"""What the endpoints of the API share: the idempotency key, the refusals that they name, and signing in once more."""

from __future__ import annotations

from typing import Annotated, Any

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest
from ninja import Header

from mutoscope.platform.billing.api import schemas
from mutoscope.platform.billing.models import KEY_LENGTH_MAX

Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=KEY_LENGTH_MAX, pattern="^[!-~]+$")]
P = schemas.ProblemOut
REFUSALS: dict[int, Any] = {400: P, 401: P, 402: P, 403: P, 404: P, 409: P, 422: P}


@reauthentication_required  # type: ignore[untyped-decorator] # allauth has no types
def signed_in_just_now(request: HttpRequest) -> None:
    """As on the pages: a stolen session alone must not say where money goes. Raises allauth's ReauthenticationRequired."""
