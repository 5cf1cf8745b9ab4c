"""The one place that talks SMTP."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 20.0
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


class Refused(Exception):
    """The server will never take this mail: sending it again would not help."""


class NotNow(Exception):
    """The mail did not leave this time: no connection, no log-in, or the server asked to try later."""


@dataclass(frozen=True)
class SmtpServer:
    host: str
    port: int
    encryption: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> SmtpServer:
        """From smtp://, smtp+tls:// (STARTTLS) or smtps:// with user and password percent-encoded."""
        parts = urlsplit(url)
        return cls(
            host=str(parts.hostname),
            port=parts.port or PORTS[parts.scheme],
            encryption=parts.scheme,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    @contextlib.contextmanager
    def connection(self) -> Iterator[SmtpConnection]:
        """A connection, encrypted and signed in as the URL says. Raises NotNow."""
        try:
            client = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise NotNow(f"no connection to {self.host}:{self.port}: {_words(error)}") from error
        try:
            yield SmtpConnection(client)
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.quit()

    def _connect(self) -> smtplib.SMTP:
        client: smtplib.SMTP
        if self.encryption == "smtps":
            client = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        else:
            client = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            if self.encryption == "smtp+tls":
                client.starttls(context=ssl.create_default_context())
            if self.user:
                client.login(self.user, self.password)
        except BaseException:
            client.close()
            raise
        return client


@dataclass
class SmtpConnection:
    client: smtplib.SMTP

    def send(self, sender: str, recipients: Sequence[str], message: bytes) -> None:
        """Hand one message over. Returns when the server has taken it; raises Refused or NotNow."""
        try:
            refused = self.client.sendmail(sender, list(recipients), message)
        except smtplib.SMTPRecipientsRefused as error:
            raise _failure(*next(iter(error.recipients.values()))) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotNow(_words(error)) from error
        if refused:
            # Taken for some and not for others; sending again would reach the first ones twice.
            raise Refused(f"not taken for {', '.join(sorted(refused))}")


def _failure(code: int, words: bytes | str) -> Refused | NotNow:
    said = words.decode(errors="replace") if isinstance(words, bytes) else words
    sentence = f"{code} {said}"[:500]
    # RFC 5321, 4.2.1: 5yz is for ever, 4yz is for now.
    return Refused(sentence) if code >= 500 else NotNow(sentence)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
