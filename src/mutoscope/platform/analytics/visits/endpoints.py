"""Where a film's page says that it is looked at, and what it needs to say so.

The browser itself remembers for a day what it has said (static/analytics/visits.js), so nobody needs a name to be counted once.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from mutoscope.platform.analytics.visits.counting import Visit, count
from mutoscope.platform.analytics.visits.crawlers import is_program
from mutoscope.platform.videos.public import Answer, Reason, Video

HEADER = "X-Visit"


@csrf_exempt
@require_POST
def visit(request: HttpRequest, public_id: str) -> HttpResponse:
    """The header `X-Visit` says what was looked at. 204 whether or not it counts: nobody is told how visits are told apart.

    No other site can make a browser send that header, so this needs no token; and signed-out visitors have none.
    """
    try:
        said = Visit(request.headers.get(HEADER, ""))
    except ValueError:
        return HttpResponseBadRequest(f"The header {HEADER} must be one of: {', '.join(Visit)}.")
    if not is_program(request.headers.get("User-Agent", "")):
        count(public_id, said, request.user.pk)
    return HttpResponse(status=204)


def visit_counter(request: HttpRequest, video: Video, answer: Answer) -> str:
    """What a film's page carries so that a visit is counted; nothing for its creator and for programs. Returns HTML."""
    if answer.reason is Reason.OWNER or is_program(request.headers.get("User-Agent", "")):
        return ""
    context = {
        "address": reverse("visit", args=[video.public_id]),
        "what": Visit.PAGE if answer.is_yes() else Visit.PRICE,
    }
    return render_to_string("analytics/visits/counter.html", context, request)
