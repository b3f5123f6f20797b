import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("runs", "0005_quantizations_say_their_kind"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RegisteredModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=64)),
                ("last_number", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="registered_models", to="accounts.project"),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("registered", "Registered"),
                            ("alias_set", "Set"),
                            ("alias_removed", "Removed"),
                            ("version_deleted", "Deleted"),
                        ],
                        max_length=20,
                    ),
                ),
                ("alias", models.CharField(blank=True, max_length=40)),
                ("from_number", models.PositiveIntegerField(null=True)),
                ("to_number", models.PositiveIntegerField(null=True)),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("verdict", models.CharField(blank=True, max_length=300)),
                ("is_override", models.BooleanField(default=False)),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                (
                    "model",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="registry.registeredmodel"),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("stage_index", models.PositiveSmallIntegerField()),
                ("precision", models.CharField(max_length=20)),
                ("place", models.CharField(max_length=40)),
                ("files", models.JSONField()),
                ("size_bytes", models.PositiveBigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("archive_bytes", models.PositiveBigIntegerField()),
                ("metrics", models.JSONField(default=dict)),
                ("gate", models.JSONField(default=dict)),
                ("lineage", models.JSONField()),
                ("created_at", models.DateTimeField()),
                (
                    "model",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="registry.registeredmodel"),
                ),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("run", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="versions", to="runs.run")),
            ],
            options={
                "ordering": ["model", "-number"],
            },
        ),
        migrations.CreateModel(
            name="Alias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                (
                    "model",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="registry.registeredmodel"),
                ),
                ("version", models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name="aliases", to="registry.version")),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.AddConstraint(
            model_name="registeredmodel",
            constraint=models.UniqueConstraint(fields=("project", "name"), name="one_model_per_name"),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.UniqueConstraint(fields=("model", "number"), name="one_version_per_number"),
        ),
        migrations.AddConstraint(
            model_name="alias",
            constraint=models.UniqueConstraint(fields=("model", "name"), name="one_version_per_alias"),
        ),
    ]
