import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The rows of the new store beside those of the old one, which the next migration carries over."""

    dependencies = [
        ("metrics", "0001_initial"),
        ("runs", "0002_stages_that_are_reused"),
    ]

    operations = [
        migrations.RenameModel("Chunk", "OldChunk"),
        migrations.AlterField(
            model_name="oldchunk",
            name="attempt",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="runs.attempt"),
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("metric", models.CharField(max_length=500)),
                ("num_points", models.PositiveBigIntegerField(default=0)),
                ("num_not_finite", models.PositiveBigIntegerField(default=0)),
                ("not_finite", models.JSONField(default=list)),
                ("first_step", models.PositiveIntegerField(default=0)),
                ("last_step", models.PositiveIntegerField(default=0)),
                ("last_value", models.FloatField(null=True)),
                ("levels", models.JSONField(default=list)),
                (
                    "attempt",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="series", to="runs.attempt"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("attempt", "metric"), name="one_series_per_metric")],
            },
        ),
        migrations.CreateModel(
            name="Chunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.PositiveSmallIntegerField()),
                ("is_full", models.BooleanField()),
                ("first_point", models.PositiveBigIntegerField()),
                ("first_step", models.PositiveIntegerField()),
                ("last_step", models.PositiveIntegerField()),
                ("num_entries", models.PositiveIntegerField()),
                ("first_cursor", models.PositiveBigIntegerField()),
                ("cursor", models.PositiveBigIntegerField()),
                ("cursors", models.BinaryField()),
                ("data", models.BinaryField()),
                (
                    "run",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="runs.run"),
                ),
                (
                    "series",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="chunks", to="metrics.series"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["series", "is_full", "level", "first_step", "last_step"], name="chunks_of_a_level"),
                    models.Index(fields=["run", "level", "cursor", "first_cursor"], name="chunks_after_a_cursor"),
                ],
            },
        ),
    ]
