"""Database roles: web's role sees no seed and moves no job; the signer's role sees nothing of the business."""

from __future__ import annotations

from importlib.resources import files

from django.db import connections


def grant(web: str, signer: str, *, using: str) -> None:
    """Give both roles what they need on the tables of wallets and signer, and take away what they must not have. Run by the tables' owner."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        ((schema,),) = cursor.fetchall()
        quote = connection.ops.quote_name
        sql = (files("mutoscope.engines.solana") / "signer" / "roles.sql").read_text()
        cursor.execute(sql.format(web=quote(web), signer=quote(signer), schema=schema))
