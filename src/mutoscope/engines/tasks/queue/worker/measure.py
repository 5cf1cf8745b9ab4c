"""How much work to take in advance: enough that threads never wait for the database, so little that nothing waits here
while another worker sleeps."""

from __future__ import annotations

# Work taken in advance should last about this long.
AHEAD_S = 0.1
# Tasks that take longer than this are claimed one by one, when a thread is free for them.
LONG_S = 0.5
# What is taken for granted before anything was measured: tasks are of middling length.
GUESS_S = 0.05
# A claimed task that has not begun after this long goes back for others to take.
WAIT_MAX_S = 1.0
# A worker with no room looks up this often for tasks that have waited in it for too long.
FULL_S = 0.25
# What was added to threads and is not begun after this long shall wake those that sleep.
NUDGE_S = 0.002
# Work for less than this is not worth another thread.
HAND_S = 0.0005


class Pace:
    """Seconds that a task takes on this worker, as an average that forgets."""

    def __init__(self) -> None:
        self.task_s = GUESS_S

    def saw(self, run_us: int, count: int) -> None:
        """`count` tasks took `run_us` together."""
        if count:
            mean_s = run_us / count / 1_000_000
            weight = min(1.0, 0.1 * count)
            self.task_s += (mean_s - self.task_s) * weight

    def saw_long_wait(self) -> None:
        """Tasks had to be given back: whatever the average says, what runs now is long."""
        self.task_s = max(self.task_s, LONG_S * 2)

    def ahead(self, concurrency: int, batch_max: int) -> int:
        """How many tasks may wait in this worker beside those that run."""
        if self.task_s > LONG_S:
            return 0
        wanted = int(concurrency * AHEAD_S / max(self.task_s, 1e-6))
        return max(2 * concurrency, min(wanted, 2 * batch_max))

    def hands(self, count: int) -> int:
        """How many threads so many tasks are worth."""
        return 1 + int(count * self.task_s / HAND_S)
