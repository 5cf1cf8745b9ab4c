"""The peer that one writes without thinking much: Django's ORM, a transaction, and select_for_update."""

from __future__ import annotations

from django.db import connection, models, transaction


class NaiveAccount(models.Model):
    balance = models.BigIntegerField(default=0)

    class Meta:
        app_label = "naive"


class NaiveTransfer(models.Model):
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "naive"


class NaiveEntry(models.Model):
    transfer = models.ForeignKey(NaiveTransfer, on_delete=models.PROTECT)
    account = models.ForeignKey(NaiveAccount, on_delete=models.PROTECT)
    amount = models.BigIntegerField()

    class Meta:
        app_label = "naive"


class NaiveEntitlement(models.Model):
    viewer = models.BigIntegerField()
    transfer = models.ForeignKey(NaiveTransfer, on_delete=models.PROTECT)

    class Meta:
        app_label = "naive"


MODELS = (NaiveAccount, NaiveTransfer, NaiveEntry, NaiveEntitlement)


def furnish(accounts: int, points: int) -> None:
    with connection.schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)
    NaiveAccount.objects.bulk_create(
        [NaiveAccount(id=n, balance=points) for n in range(1, accounts + 1)], batch_size=1000
    )


def unlock(viewer: int, creator: int, platform: int) -> None:
    with transaction.atomic():
        found = {
            each.pk: each
            for each in NaiveAccount.objects.select_for_update()
            .filter(pk__in=[viewer, creator, platform])
            .order_by("pk")
        }
        transfer = NaiveTransfer.objects.create()
        for pk, amount in ((viewer, -30), (creator, 27), (platform, 3)):
            found[pk].balance += amount
            found[pk].save(update_fields=["balance"])
            NaiveEntry.objects.create(transfer=transfer, account_id=pk, amount=amount)
        NaiveEntitlement.objects.create(viewer=viewer, transfer=transfer)
