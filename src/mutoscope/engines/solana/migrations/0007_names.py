"""How lists are named."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mutoscope_solana", "0006_stray_decimals")]

    operations = [migrations.AlterModelOptions("webhookdelivery", {"verbose_name_plural": "webhook deliveries"})]
