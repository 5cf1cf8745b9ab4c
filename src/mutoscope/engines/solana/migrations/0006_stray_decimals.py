"""A token that is not configured says itself how many decimals it has: whoever sent it is told the amount."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mutoscope_solana", "0005_leg_origin")]

    operations = [
        migrations.AddField(
            "transfer",
            "decimals",
            models.SmallIntegerField(
                blank=True, help_text="Of a token that is not configured, as the transaction says.", null=True
            ),
        )
    ]
