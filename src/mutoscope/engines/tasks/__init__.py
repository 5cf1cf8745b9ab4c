"""A task queue and durable pipelines on PostgreSQL: a backend for Django's tasks API, usable alone in any project.

`INSTALLED_APPS += ["mutoscope.engines.tasks"]`, and in `TASKS` the backend
`mutoscope.engines.tasks.queue.backend.PostgresBackend`. docs/tasks.md and docs/pipelines.md teach it.
"""
