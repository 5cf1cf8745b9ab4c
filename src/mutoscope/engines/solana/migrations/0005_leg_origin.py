"""What left a wallet is looked up by the wallet (watcher/leaving.py)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mutoscope_solana", "0004_stray_search")]

    operations = [migrations.AddIndex("signerleg", models.Index(fields=["origin"], name="solana_signer_leg_origin"))]
