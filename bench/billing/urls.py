"""The site's addresses, and two that answer a single indexed SELECT behind the same middleware: by a cursor, and by the ORM."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from mutoscope.platform.billing.models import Offer
from mutoscope.web.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def one_select(request: HttpRequest, number: int) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT points FROM billing_offer WHERE id = %s", [number])
        row = cursor.fetchone()
    return HttpResponse(str(row))


def one_by_orm(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(Offer.objects.get(pk=number).points))


urlpatterns = [
    path("bench/select/<int:number>", one_select),
    path("bench/orm/<int:number>", one_by_orm),
    *urlpatterns,
]
