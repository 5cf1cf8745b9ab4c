"""`/livez`: this process answers. `/readyz`: everything that a request may need is there."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

log = structlog.get_logger(__name__)

FREE_BYTES_MIN = 256 * 1024 * 1024


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all. A restart would mend nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when every check passes, 503 with the names of those that do not. Reasons go to the log, not to strangers."""
    results = {name: _passes(name, check) for name, check in CHECKS.items()}
    everything = all(results.values())
    answer = JsonResponse(
        {"ready": everything, "checks": {name: "ok" if good else "failing" for name, good in results.items()}},
        status=200 if everything else 503,
    )
    # Django's mark of an answer that needs no line of its own: which check fails, and why, is logged below.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def _passes(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception as error:
        log.warning("not ready", action="readyz", check=name, error=str(error).strip())
        return False
    return True


def _database_answers() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")


def _tables_are_there() -> None:
    # One query, not the whole migration graph: `mutoscope up` and deployments migrate before they start this process.
    applied = MigrationRecorder(connections["default"]).migration_qs.filter(app="accounts").exists()
    if not applied:
        raise RuntimeError("the database is not migrated: run `mutoscope manage migrate`")


def _disk_has_room() -> None:
    free = shutil.disk_usage(settings.HOME).free
    if free < FREE_BYTES_MIN:
        raise RuntimeError(f"{free // 1024 // 1024} MiB are free at {settings.HOME}")


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database_answers,
    "tables": _tables_are_there,
    "disk": _disk_has_room,
}
