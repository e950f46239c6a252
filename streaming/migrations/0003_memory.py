from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('streaming', '0002_in_flight'),
    ]

    operations = [
        migrations.AddField(
            model_name='waiting',
            name='memory',
            field=models.CharField(blank=True, default='', max_length=16),
        ),
    ]
