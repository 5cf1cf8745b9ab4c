"""A worker with default settings whose project declares the measured pipeline."""

from __future__ import annotations

import django
from django.core.management import call_command

django.setup()

import bench.tasks.workload  # noqa: E402, F401

call_command("worker")
