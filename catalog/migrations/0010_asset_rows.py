from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0009_receipt_child'),
    ]

    operations = [
        migrations.AddField(
            model_name='asset',
            name='rows',
            field=models.BigIntegerField(editable=False, null=True),
        ),
    ]
