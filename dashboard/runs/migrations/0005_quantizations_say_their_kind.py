from typing import Any

from django.db import migrations


def name_quantizations(apps: Any, schema_editor: Any) -> None:
    apps.get_model("runs", "Job").objects.filter(quantization__isnull=False).update(kind="quantization")


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0004_jobs_beside_the_run"),
    ]

    operations = [
        migrations.RunPython(name_quantizations, migrations.RunPython.noop),
    ]
