from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_topup_refunds"),
    ]

    operations = [
        migrations.AddField(
            model_name="reconciliation",
            name="holdings",
            field=models.JSONField(default=list),
        ),
    ]
