"""Database roles: web's role sees no seed and moves no job; the signer's role sees nothing of the business."""

from __future__ import annotations

from importlib.resources import files

from django.db import connections, transaction


def grant(web: str, signer: str, *, using: str, with_other_tables: bool = False) -> None:
    """Give both roles what they need on the tables of wallets and signer, and take away what they must not have. Run by the tables' owner.

    `with_other_tables` gives the role of web the rows of all other tables too, as a role needs that runs the whole site. It
    owns none of them, so it changes none and gets past no trigger.
    """
    connection = connections[using]
    quote = connection.ops.quote_name
    # All at once: at no moment may web see a seed.
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        ((schema,),) = cursor.fetchall()
        places = {"web": quote(web), "signer": quote(signer), "schema": schema}
        for name in [*(["other_tables"] if with_other_tables else []), "roles"]:
            sql = (files("mutoscope.engines.solana") / "signer" / f"{name}.sql").read_text()
            cursor.execute(sql.format(**places))
