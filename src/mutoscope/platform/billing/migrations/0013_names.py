from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0012_monthly_statements"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="payoutaddress",
            options={"ordering": ["-id"], "verbose_name_plural": "payout addresses"},
        ),
        migrations.AlterModelOptions(
            name="topup",
            options={"ordering": ["-id"], "verbose_name": "top-up"},
        ),
        migrations.AlterModelOptions(
            name="topuprefund",
            options={
                "ordering": ["-id"],
                "verbose_name": "refund of a top-up",
                "verbose_name_plural": "refunds of top-ups",
            },
        ),
    ]
