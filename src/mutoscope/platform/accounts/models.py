"""Tables of the accounts context: who can sign in, and the channels that some of them open."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Replace
from django.utils import timezone

from mutoscope.platform.accounts.domain import names, texts


def skeleton_column(of: str) -> models.GeneratedField:
    """The look-alike skeleton of a name, computed by PostgreSQL itself: no insert can go around it."""
    expression: models.Expression = models.Func(
        models.F(of), models.Value(names.SKELETON_FROM), models.Value(names.SKELETON_TO), function="translate"
    )
    for letter, letters in names.SKELETON_SPREAD:
        expression = Replace(expression, models.Value(letter), models.Value(letters))
    return models.GeneratedField(
        expression=expression,
        output_field=models.CharField(max_length=names.SKELETON_LENGTH_MAX),
        db_persist=True,
        editable=False,
    )


class Person(AbstractUser):
    """Somebody who can sign in: viewer, creator or staff. The username is never shown to others; a channel is."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    username = models.CharField(
        max_length=names.LENGTH_MAX,
        unique=True,
        validators=[RegexValidator(names.PATTERN)],
        error_messages={"unique": "This username is taken."},
    )
    username_skeleton = skeleton_column("username")

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints = [
            models.CheckConstraint(condition=Q(username__regex=names.PATTERN), name="accounts_person_username_form"),
            models.UniqueConstraint(fields=["username_skeleton"], name="accounts_person_username_alike"),
        ]

    def __str__(self) -> str:
        return self.username

    @classmethod
    def normalize_username(cls, username: str) -> str:
        return names.canonical(username)

    def clean(self) -> None:
        """For forms made of this model, as in the operator pages: the database's own word would be an error page."""
        super().clean()
        alike = Person.objects.filter(username_skeleton=names.skeleton(self.username)).exclude(pk=self.pk)
        if alike.exists():
            raise ValidationError({"username": "This username is taken, or looks too much like one that is."})

    def get_full_name(self) -> str:
        return self.username

    def get_short_name(self) -> str:
        return self.username


class Channel(models.Model):
    """A creator's shopfront. A person has at most one."""

    owner = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="channel")
    handle = models.CharField(max_length=names.LENGTH_MAX, unique=True, validators=[RegexValidator(names.PATTERN)])
    handle_skeleton = skeleton_column("handle")
    title = models.CharField(max_length=texts.TITLE_LENGTH_MAX)
    description = models.TextField(max_length=texts.DESCRIPTION_LENGTH_MAX, blank=True, default="")
    # Name in Django's default storage, empty without a picture. Each upload gets a new unguessable name, so that a stored
    # file never changes and may be cached for ever.
    avatar = models.CharField(max_length=100, blank=True, default="")
    opened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-opened_at", "-id"]
        indexes = [models.Index(fields=["-opened_at", "-id"], name="accounts_channel_newest")]
        constraints = [
            models.CheckConstraint(condition=Q(handle__regex=names.PATTERN), name="accounts_channel_handle_form"),
            models.UniqueConstraint(fields=["handle_skeleton"], name="accounts_channel_handle_alike"),
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(title__regex=f"[{texts.FORBIDDEN_RANGES}]"),
                name="accounts_channel_title_form",
            ),
            models.CheckConstraint(
                condition=~Q(description__regex=f"[{texts.FORBIDDEN_RANGES_BUT_LINES}]"),
                name="accounts_channel_description_form",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/@{self.handle}"


from mutoscope.platform.accounts.closing.models import Closing, RetiredHandle  # noqa: E402, F401 - so that Django finds them
