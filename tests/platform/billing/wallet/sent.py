"""Reading an answer that is written while it is sent."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.test import Client


def sent(client: Client, path: str) -> str:
    """The whole file at an address; fails if it is no stream."""
    answer = client.get(path)
    assert isinstance(answer, StreamingHttpResponse), f"{path} is sent as a whole in memory"
    return answer.getvalue().decode()
