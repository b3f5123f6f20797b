from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0002_stages_that_are_reused"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="deleted_at",
            field=models.DateTimeField(null=True),
        ),
    ]
