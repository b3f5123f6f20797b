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
        migrations.AddIndex("run", models.Index(fields=["project", "deleted_at", "status"], name="runs_of_a_project")),
        migrations.AddIndex("run", models.Index(fields=["status"], name="runs_by_status")),
        migrations.AddIndex("run", models.Index(fields=["ended_at"], name="runs_by_end")),
        migrations.AddIndex("job", models.Index(fields=["status", "queued_at"], name="jobs_by_status")),
        migrations.AddIndex("attempt", models.Index(fields=["ended_at", "lease_until"], name="attempts_by_lease")),
    ]
