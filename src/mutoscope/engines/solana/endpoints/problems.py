"""Refusals as problem details. Source: RFC 9457."""

from __future__ import annotations

from django.http import JsonResponse


def problem(status: int, kind: str, title: str, detail: str) -> JsonResponse:
    """`kind` is the last part of the type, stable for programs; title and detail are for people."""
    body = {"type": f"urn:mutoscope:solana:{kind}", "title": title, "status": status, "detail": detail}
    response = JsonResponse(body, status=status, content_type="application/problem+json")
    response["Cache-Control"] = "no-store"
    return response


def not_found() -> JsonResponse:
    """The same for what is not there and what is somebody else's."""
    return problem(404, "no_such_payment", "No such payment", "There is none, or it is not yours to see.")
