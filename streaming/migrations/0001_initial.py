from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Waiting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("node", models.UUIDField(editable=False)),
                ("kind", models.CharField(choices=[("update", "Update"), ("lost", "updates of which nothing is left"), ("end", "end of stream"), ("drop", "end of the node")], max_length=6)),
                ("token", models.CharField(max_length=16)),
                ("tried", models.CharField(blank=True, max_length=16)),
                ("count", models.PositiveIntegerField(default=1)),
                ("size", models.BigIntegerField(default=0)),
                ("since", models.DateTimeField(auto_now_add=True)),
                ("before", models.BinaryField(default=b"")),
                ("after", models.BinaryField(default=b"")),
                ("payload", models.BinaryField(null=True)),
            ],
            options={
                "verbose_name_plural": "waiting entries",
                "indexes": [models.Index(fields=["node", "id", "size"], name="waiting_in_order")],
            },
        ),
    ]
