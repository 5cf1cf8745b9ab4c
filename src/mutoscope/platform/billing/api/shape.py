"""What every API of this site is made of: signed in by the session, and errors as problem details."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import SessionAuth

from mutoscope.platform.billing.api.problems import CONTENT_TYPE, of_refusal, problem
from mutoscope.platform.billing.failures import Refused


class ProblemsApi(NinjaAPI):
    """Says in its schema that errors are problem details, where ninja would say plain JSON."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        for operations in schema["paths"].values():
            for operation in operations.values():
                # The site refuses what no honest program sends, such as a NUL, before any endpoint sees it.
                refused = {**deepcopy(operation["responses"][401]), "description": "Bad Request"}
                operation["responses"].setdefault(400, refused)
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = {CONTENT_TYPE: answer["content"]["application/json"]}
        return schema


def problems_api(*, title: str, urls_namespace: str, description: str) -> NinjaAPI:
    """An API without endpoints. Every cookie-bearing request that changes something carries the CSRF token, as the site's own forms do."""
    made = ProblemsApi(
        title=title,
        version="1",
        urls_namespace=urls_namespace,
        auth=SessionAuth(csrf=True),
        docs_url=None,
        description=description,
    )

    @made.exception_handler(Refused)
    def _refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
        return of_refusal(refusal)

    @made.exception_handler(ValidationError)
    def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        """Bad input is refused whole, with each field's name."""
        wrong = [
            {"field": ".".join(str(part) for part in each["loc"][1:]), "why": each["msg"]} for each in error.errors
        ]
        return problem(
            422, "/problems/unacceptable", "Something in the request is wrong", "See `errors`.", errors=wrong
        )

    @made.exception_handler(AuthenticationError)
    def _who(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem(401, "/problems/signed-out", "Nobody is signed in", "Sign in first.")

    @made.exception_handler(ReauthenticationRequired)
    def _once_more(request: HttpRequest, error: ReauthenticationRequired) -> HttpResponse:
        told = "Sign in once more at /account/reauthenticate/, then repeat this request."
        return problem(403, "/problems/sign-in-once-more", "This needs a fresh sign-in", told)

    @made.exception_handler(HttpError)
    def _other(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, "about:blank", "The request could not be read", str(error))

    return made
