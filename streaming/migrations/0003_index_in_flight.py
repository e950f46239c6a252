from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('streaming', '0002_in_flight'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='waiting',
            index=models.Index(condition=models.Q(('in_flight', True)), fields=['id'], name='in_flight'),
        ),
    ]
