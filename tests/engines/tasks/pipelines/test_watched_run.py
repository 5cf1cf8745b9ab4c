"""A run of three steps, watched live in the admin, whose worker is killed in each step."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.engines.tasks.processes import ROOT, Project, scratch_database, wait_for

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def admin_project(postgres_server: EmbeddedServer) -> Iterator[Project]:
    """The minimal project with Django's admin, a person who may do everything, and the table `notes`."""
    with scratch_database(postgres_server) as url:
        project = Project(
            url,
            PROJECT_ADMIN="1",
            DJANGO_SUPERUSER_USERNAME="operator",
            DJANGO_SUPERUSER_PASSWORD="only for tests",
            DJANGO_SUPERUSER_EMAIL="operator@example.org",
        )
        project.manage("migrate", "--verbosity", "0")
        project.manage("createsuperuser", "--noinput")
        project.rows("CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, text text)")
        try:
            yield project
        finally:
            project.end()


@contextlib.contextmanager
def serving(project: Project) -> Iterator[str]:
    """The project's web server; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "django", "runserver", "--noreload", "--insecure", f"127.0.0.1:{port}"],
        env=project.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_for(answers, "the web server's start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)


@pytest.mark.browser
def test_a_three_step_run_is_watched_live_and_survives_a_kill_in_each_step(
    admin_project: Project, tmp_path: Path
) -> None:
    from playwright.sync_api import expect, sync_playwright

    project = admin_project
    pictures = Path(os.environ.get("TASKS_PICTURES", tmp_path))
    worker = project.start_worker()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with serving(project) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/admin/login/?next=/admin/")
        page.fill("#id_username", "operator")
        page.fill("#id_password", "only for tests")
        page.click("[type=submit]")
        printed = project.python(
            "from tests.engines.tasks.project.pipelines import THREE_STEPS; print(THREE_STEPS.start('x', subject='film:1'))"
        )
        run_id = int(printed.split()[-1])
        page.goto(f"{address}/admin/tasks/run/{run_id}/change/")
        page.evaluate("window.untouched = true")
        for step in ("first", "second", "third"):
            running = page.locator("tr.unit-running", has_text=step)
            expect(running).to_be_visible(timeout=60_000)
            # The page shows a step from its claim on, which is a moment before its first line.
            project.eventually(f"SELECT count(*) > 0 FROM notes WHERE text LIKE 'begin {step}%%'", patience_s=60)
            page.screenshot(path=pictures / f"run-{step}.png")
            worker.send_signal(signal.SIGKILL)
            worker.wait(60)
            worker = project.start_worker()
            expect(page.locator("tr.unit-done", has_text=step)).to_be_visible(timeout=60_000)
        expect(page.locator(".run-succeeded")).to_be_visible(timeout=60_000)
        expect(page.locator(".run-percent")).to_have_text("100%", timeout=60_000)
        assert page.evaluate("window.untouched"), "the page was loaded again: that is not live"
        page.screenshot(path=pictures / "run-succeeded.png")
        page.set_viewport_size({"width": 390, "height": 844})
        page.screenshot(path=pictures / "run-on-a-phone.png")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"on a phone the run's page is {wide} px wide"
        page.set_viewport_size({"width": 1280, "height": 800})
        for name in ("livetask", "finishedtask", "queuesettings", "workerrecord", "schedulerecord", "run"):
            page.goto(f"{address}/admin/tasks/{name}/")
            expect(page.locator("#content h1")).to_be_visible()
            page.screenshot(path=pictures / f"list-{name}.png")
        assert complaints == []
        browser.close()
    assert project.value("SELECT output FROM tasks_unit WHERE unit = 'third'") == '"x>first>second>third"'
    assert project.value("SELECT count(*) FROM tasks_unit") == 3
    for step in ("first", "second", "third"):
        assert project.value("SELECT count(*) FROM notes WHERE text LIKE %s", f"begin {step}%") >= 2
        assert project.value("SELECT attempt FROM tasks_unit WHERE unit = %s", step) >= 2


def test_a_three_step_run_survives_a_kill_in_each_step(project: Project) -> None:
    """The same without a browser, for machines that have none."""
    worker = project.start_worker()
    project.python("from tests.engines.tasks.project.pipelines import THREE_STEPS; THREE_STEPS.start('x')")
    for number, step in enumerate(("first", "second", "third")):
        project.eventually(f"SELECT count(*) > 0 FROM notes WHERE text LIKE 'begin {step}%%'", patience_s=60)
        worker.send_signal(signal.SIGKILL)
        worker.wait(60)
        worker = project.start_worker()
        project.eventually("SELECT count(*) FROM tasks_unit", number + 1, patience_s=60)
    project.eventually("SELECT state FROM tasks_run", "SUCCEEDED", patience_s=60)
    assert project.value("SELECT output FROM tasks_unit WHERE unit = 'third'") == '"x>first>second>third"'
    # What was done is not done again: no step before the one that was killed.
    begun = [row[0].split()[1] for row in project.rows("SELECT text FROM notes WHERE text LIKE 'begin%%' ORDER BY id")]
    assert begun == sorted(begun, key=["first", "second", "third"].index)
