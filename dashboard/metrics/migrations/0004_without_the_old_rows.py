from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0003_carry_the_points_over"),
    ]

    operations = [migrations.DeleteModel("OldChunk")]
