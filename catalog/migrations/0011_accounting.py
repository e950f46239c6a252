from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_asset_rows'),
    ]

    operations = [
        migrations.AddField(
            model_name='asset',
            name='rows_size',
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='datasource',
            name='nbytes',
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='node',
            name='creator',
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name='node',
            index=models.Index(condition=models.Q(('creator__isnull', False)), fields=['creator'], name='nodes_of_creator'),
        ),
    ]
