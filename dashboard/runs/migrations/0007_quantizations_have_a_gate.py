from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0006_load_tests")]

    operations = [
        migrations.AddField("quantization", "gate", models.JSONField(default=dict)),
        migrations.AddField("quantization", "flipped", models.CharField(blank=True, max_length=300)),
    ]
