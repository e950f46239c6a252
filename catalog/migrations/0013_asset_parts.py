import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0012_imported_nodes'),
    ]

    operations = [
        migrations.CreateModel(
            name='AssetPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.BigIntegerField(editable=False)),
                ('size', models.BigIntegerField(editable=False)),
                ('rows', models.BigIntegerField(editable=False)),
                ('name', models.CharField(default='', editable=False, max_length=255)),
                ('skip', models.BigIntegerField(default=0, editable=False)),
                ('content', models.BinaryField(null=True)),
                ('time', models.DateTimeField(auto_now_add=True)),
                ('asset', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='catalog.asset')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('name', ''), ('start__gt', 0)), fields=['asset', 'time'], name='tails_of_assets')],
                'constraints': [models.UniqueConstraint(fields=('asset', 'start'), name='unique_part_of_asset')],
            },
        ),
    ]
