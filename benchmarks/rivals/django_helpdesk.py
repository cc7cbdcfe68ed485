"""Takes the mails of a folder in with django-helpdesk, on SQLite: PYTHON django_helpdesk.py FOLDER (a Python that has it installed).

Prints one JSON object: CPU seconds of its own `process_email`, tickets, attachments and answers. Each mail becomes a ticket with
its files, and its sender gets an answer (written to a folder), as mailbot does it; nothing is fsynced and no child is forked.
"""

import json
import logging
import sys
import tempfile
import time
import types
from datetime import UTC, datetime
from pathlib import Path

import django
from django.conf import settings


def configured(root: Path) -> None:
    settings.configure(
        SECRET_KEY="bench", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField", SITE_ID=1,
        ROOT_URLCONF="bench_urls", STATIC_URL="/static/",
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites",
            "django.contrib.admin", "django.contrib.messages", "django.contrib.humanize", "rest_framework",
            "account", "pinax.invitations", "pinax.teams", "helpdesk",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(root / "db.sqlite3")}},
        EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend", EMAIL_FILE_PATH=str(root / "sent"),
        MEDIA_ROOT=str(root / "media"), HELPDESK_VALID_EXTENSIONS=[".pdf"],
    )  # fmt: skip
    django.setup()
    from django.urls import include, path

    urls = types.ModuleType("bench_urls")
    urls.urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]  # type: ignore[attr-defined]
    sys.modules["bench_urls"] = urls


def main(folder: str) -> None:
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="bench-helpdesk-") as name:
        root = Path(name)
        configured(root)
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("loaddata", "emailtemplate.json", verbosity=0)
        from helpdesk.email import process_email
        from helpdesk.models import FollowUpAttachment, Queue, Ticket

        Queue.objects.create(
            title="LPSE", slug="lpse", email_address="lpse@batangkab.example", allow_email_submission=True,
            email_box_type="local", email_box_local_dir=folder, email_box_interval=0, logging_dir=name,
            email_box_last_check=datetime(2020, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        mails = sorted(Path(folder).iterdir())
        held = [(path, path.read_bytes()) for path in mails[1:]]
        for path, _ in held:
            path.unlink()
        process_email(quiet=True)  # whatever is loaded only once
        for path, data in held:
            path.write_bytes(data)
        before, start = Ticket.objects.count(), time.process_time()
        process_email(quiet=True)
        spent = time.process_time() - start
        answers = sum(1 for _ in (root / "sent").glob("*.log"))
        print(json.dumps({"cpu": spent, "tickets": Ticket.objects.count() - before,
                          "files": FollowUpAttachment.objects.count(), "answers": answers}))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
