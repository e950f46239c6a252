from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0008_storage_mark'),
    ]

    operations = [
        migrations.AddField(
            model_name='receipt',
            name='child',
            field=models.UUIDField(editable=False, null=True),
        ),
    ]
