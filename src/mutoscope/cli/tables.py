"""Whether the database's tables are those of this release. Every part asks before it says that it does its work."""

from __future__ import annotations

from dataclasses import dataclass

from mutoscope import __version__
from mutoscope.cli.complaint import Complaint, database_away

NAMED_MAX = 3


class TablesOfAnotherRelease(Complaint):
    """The database has changes that this release does not know: it could misread what they made."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the tables are another release's: {what}. This is {__version__}. Nothing was changed. Install the release that "
            "made them, which is a newer one as a rule. If it was one before 0.1.0, whose changes are counted differently now, "
            f"its data cannot be taken over. To go back to {__version__}, restore a backup that it wrote "
            "(docs/deploying.md, Upgrading)."
        )


class TablesNotCurrent(Complaint):
    """The database lacks changes that this release needs."""

    def __init__(self, missing: list[str], *, is_empty: bool) -> None:
        what = "has no tables yet" if is_empty else f"lacks {_some(missing)}, which this release ({__version__}) needs"
        super().__init__(
            f"{described_database()} {what}. Run `systemctl start mutoscope-migrate`, or `mutoscope manage migrate` "
            "with the same settings, then start this again."
        )


@dataclass(frozen=True)
class Tables:
    """What of this release's changes the database lacks, each as app.name, in their order."""

    missing: list[str]
    is_empty: bool


def look_at_tables() -> Tables:
    """Compare the database with this release. Needs Django to be set up. Raises TablesOfAnotherRelease, and Complaint."""
    from django.db import OperationalError, ProgrammingError, connections
    from django.db.migrations.exceptions import InconsistentMigrationHistory
    from django.db.migrations.executor import MigrationExecutor

    connection = connections["direct"]
    try:
        executor = MigrationExecutor(connection)
        loader = executor.loader
        loader.check_consistent_history(connection)
    except OperationalError as error:
        raise database_away(error) from None
    except InconsistentMigrationHistory as error:
        raise TablesOfAnotherRelease(str(error).rstrip(".")) from None
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", None) != "42501":
            raise
        user = connection.settings_dict["USER"]
        raise Complaint(
            f"the role {user} may not see which changes the database has: {str(error).splitlines()[0]}. Give it its rights "
            "as docs/keys.md says (`mutoscope signer grant`), after each upgrade anew."
        ) from None
    known = loader.disk_migrations
    # Django also records what a migration stands for.
    stood_for = {replaced for migration in known.values() for replaced in migration.replaces}
    unknown = sorted(set(loader.applied_migrations) - set(known) - stood_for)
    if ours := [f"{app}.{name}" for app, name in unknown if app in loader.migrated_apps]:
        raise TablesOfAnotherRelease(f"it has {_some(ours)}")
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    missing = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    return Tables(missing, is_empty=not loader.applied_migrations)


def require_current_tables() -> None:
    """Raise a Complaint where the database is not exactly this release's. Leaves no connection behind."""
    import django

    django.setup()
    from django.db import connections

    try:
        tables = look_at_tables()
    finally:
        connections["direct"].close()
    if tables.missing:
        raise TablesNotCurrent(tables.missing, is_empty=tables.is_empty)


def described_database() -> str:
    """Which database the settings lead to, without its password."""
    from django.conf import settings
    from django.db import connections

    if settings.EMBEDDED_SERVER is not None:
        return f"the embedded database in {settings.HOME / 'postgres'}"
    parts = connections["direct"].settings_dict
    where = ":".join(part for part in (parts["HOST"], parts["PORT"]) if part) or "this machine"
    role = f", as {parts['USER']}" if parts["USER"] else ""
    return f"the database {parts['NAME']} at {where}{role},"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more
