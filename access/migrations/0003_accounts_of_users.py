"""Every user there is already gets an account."""

from django.db import migrations


def give_accounts(apps, schema_editor):
    account = apps.get_model("access", "Account")
    user = apps.get_model("auth", "User")
    account.objects.bulk_create(
        account(kind="user", user=one) for one in user.objects.filter(account=None).iterator()
    )


class Migration(migrations.Migration):
    dependencies = [("access", "0002_accounts"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(give_accounts, migrations.RunPython.noop)]
