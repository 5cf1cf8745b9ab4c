"""A child process that runs tasks one after another: `python -m mutoscope.engines.tasks.queue.worker.child FD`.

One JSON object a line comes in over the socket FD, `{path, args, kwargs, id, attempt}`; lines `{progress, note}` and in
the end `{result}` or `{error, delay_s}` go back. The parent kills the process to stop a task.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from typing import IO, Any

PR_SET_PDEATHSIG = 1


def main() -> None:
    # A worker that is killed must not leave children behind that go on working on a task which someone else now runs.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    if os.getppid() != parent:
        return
    # Ctrl-C in a terminal reaches the whole group; the worker decides who stops when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import django

    django.setup()
    with (
        socket.socket(fileno=descriptor) as channel,
        channel.makefile("r") as requests,
        channel.makefile("w") as answers,
    ):
        say(answers, {"ready": True})
        for line in requests:
            say(answers, answer(json.loads(line), answers))


def say(answers: IO[str], message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def answer(request: dict[str, Any], answers: IO[str]) -> dict[str, Any]:
    """Run one task and say what became of it."""
    from mutoscope.engines.tasks.compat import TaskResultStatus
    from mutoscope.engines.tasks.queue.context import ProgressClock, QueueTaskContext
    from mutoscope.engines.tasks.queue.encoding import encode
    from mutoscope.engines.tasks.queue.policy import ATTRIBUTE_BY_CALL, Declined, policy_of
    from mutoscope.engines.tasks.queue.results import QueueTaskResult, find_task, task_error, trace_of
    from mutoscope.engines.tasks.queue.worker.threads import check_connections

    check_connections()
    task = find_task(request["path"])
    args, kwargs = request["args"], request["kwargs"]
    try:
        if task.takes_context:
            now = datetime.now(UTC)
            clock = ProgressClock()

            def on_progress(fraction: float | None, note: str) -> None:
                if clock.is_due() or fraction == 1:
                    say(answers, {"progress": fraction, "note": note})

            result = QueueTaskResult(
                task=task,
                id=str(request["id"]),
                status=TaskResultStatus.RUNNING,
                enqueued_at=None,
                started_at=now,
                finished_at=None,
                last_attempted_at=now,
                args=args,
                kwargs=kwargs,
                backend=request["backend"],
                errors=[],
                worker_ids=[str(request["worker"])] * request["attempt"],
            )
            context = QueueTaskContext(
                task_result=result, worker_id=request["worker"], lease=request["lease"], on_progress=on_progress
            )
            args = [context, *args]
        value = task.call(*args, **kwargs)
        return {"result": None if value is None else encode(value)}
    except BaseException as error:
        try:
            by_call = getattr(task.func, ATTRIBUTE_BY_CALL, None)
            chosen = policy_of(task.func) if by_call is None else by_call(kwargs)
            delay_s = chosen.retry_delay_s(request["attempt"], error)
            stored = task_error(error, trace_of(error))
            return {"error": stored, "delay_s": delay_s, "is_declined": isinstance(error, Declined)}
        except Exception as trouble:
            # What was to judge the failure failed itself: there is no other attempt, and the child goes on.
            return {"error": task_error(trouble, trace_of(trouble)), "delay_s": None, "is_declined": False}


if __name__ == "__main__":
    main()
