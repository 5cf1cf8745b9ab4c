"""The table of Django's database cache, where sign-in limits are counted across processes.

UNLOGGED: it writes no log, so it costs little, and is empty after a crash, which a cache may be.
"""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.RunSQL(
            sql="""
                CREATE UNLOGGED TABLE web_cache (
                    cache_key varchar(255) PRIMARY KEY,
                    value text NOT NULL,
                    expires timestamp with time zone NOT NULL
                );
                CREATE INDEX web_cache_expires ON web_cache (expires);
            """,
            reverse_sql="DROP TABLE web_cache",
        ),
    ]
