import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KINDS = [("stage", "Stage"), ("evaluation", "Evaluation"), ("quantization", "Quantization")]


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("runs", "0003_runs_that_are_being_deleted"),
    ]

    operations = [
        migrations.AddField("job", "kind", models.CharField(choices=KINDS, default="stage", max_length=20)),
        migrations.AddField("job", "aside", models.BooleanField(default=False)),
        migrations.AddField("job", "progress", models.JSONField(default=dict)),
        migrations.AddField(
            "job",
            "asked_by",
            models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name="Evaluation",
            fields=[
                (
                    "job_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="runs.job",
                    ),
                ),
                ("checkpoint", models.CharField(blank=True, max_length=300)),
                ("dataset", models.CharField(blank=True, max_length=80)),
                ("split", models.CharField(max_length=20)),
                ("figures", models.JSONField(default=dict)),
                ("samples", models.CharField(blank=True, max_length=300)),
                (
                    "of_stage",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="evaluations", to="runs.stage"),
                ),
            ],
            bases=("runs.job",),
        ),
    ]
