"""Every setting that an operator can make, read from the environment, typed, and refused with a sentence when wrong."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import NoDecode, SettingsConfigDict

from mutoscope.web.kinds import (
    DatabaseUrl,
    Key,
    Strings,
    VideoKey,
    chain_port_value,
    host_value,
    mail_url_value,
    origin_value,
    split_value,
)
from mutoscope.web.selling import Selling


class Mode(StrEnum):
    """SANDBOX plays with toy money and shows mail in the browser; PRODUCTION refuses every unsafe default."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class WrongEnvironment(Exception):
    """One or more environment variables cannot be used. `problems` maps each variable's name to what is wrong."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        lines = [f"  {name}: {problem}" for name, problem in problems.items()]
        super().__init__("These environment variables cannot be used:\n" + "\n".join(lines) + "\nSee docs/settings.md.")


# pydantic's word for a default that could not be computed because another value is wrong.
FOLLOWS = "default_factory_not_called"


class Environment(Selling):
    """What the operator says. A field's alias is the variable's name, its description what docs/settings.md prints."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    mode: Mode = Field(
        Mode.SANDBOX,
        validation_alias="MUTOSCOPE_MODE",
        description="`sandbox` for trying and developing, `production` for real money.",
        examples=["production"],
    )
    home: Path = Field(
        Path("var"),
        validation_alias="MUTOSCOPE_HOME",
        description="Folder of everything that is not in the database: the embedded server, uploads, logs, generated keys.",
        examples=["/srv/mutoscope"],
    )
    host: str = Field(
        "127.0.0.1",
        validation_alias="MUTOSCOPE_HOST",
        description="Address that the web server listens on.",
        examples=["127.0.0.1"],
    )
    port: int = Field(
        8000,
        ge=1,
        le=65535,
        validation_alias="MUTOSCOPE_PORT",
        description="Port that the web server listens on.",
        examples=["8000"],
    )
    signer_config: Path | None = Field(
        None,
        validation_alias="MUTOSCOPE_SIGNER_CONFIG",
        description="The signer's own configuration, which no other process may read. Default: signer/signer.toml below MUTOSCOPE_HOME, made by itself in the sandbox.",
        examples=["/etc/mutoscope-signer/signer.toml"],
    )
    chain_port: int = Field(
        default_factory=lambda set_before: chain_port_value(set_before.get("port", 8000)),
        ge=1,
        le=65535,
        validation_alias="MUTOSCOPE_CHAIN_PORT",
        description="Port of the sandbox chain, which `mutoscope up` starts in the sandbox only. Default: 899 above MUTOSCOPE_PORT.",
        examples=["8899"],
    )
    site_url: Annotated[str, AfterValidator(origin_value)] = Field(
        default_factory=lambda set_before: f"http://localhost:{set_before.get('port', 8000)}",
        validation_alias="MUTOSCOPE_SITE_URL",
        description="The address that people type. Links in mail, allowed hosts, secure cookies and passkeys follow from it. Default: http://localhost with the port.",
        examples=["https://films.example.org"],
    )
    allowed_hosts: Annotated[Strings, AfterValidator(lambda hosts: [host_value(host) for host in hosts])] = Field(
        [],
        validation_alias="MUTOSCOPE_ALLOWED_HOSTS",
        description="Further host names to answer to, separated by commas.",
        examples=["www.films.example.org,films.internal"],
    )
    secret_key: Key | None = Field(
        None,
        validation_alias="MUTOSCOPE_SECRET_KEY",
        description="Signs sessions and links. Needed in production; the sandbox makes one below MUTOSCOPE_HOME.",
        examples=["the output of: openssl rand -base64 48"],
    )
    secret_key_fallbacks: Annotated[list[SecretStr], NoDecode, BeforeValidator(split_value)] = Field(
        [],
        validation_alias="MUTOSCOPE_SECRET_KEY_FALLBACKS",
        description="Earlier secret keys that are still accepted while a new one takes over, separated by commas.",
        examples=["the-key-used-until-yesterday"],
    )
    database_url: DatabaseUrl | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15 or newer; may go through a transaction pooler, with the server as a second host to fall "
        "back to. Without it the embedded server is used.",
        examples=["postgresql://mutoscope:password@pooler:6432,server:5432/mutoscope"],
    )
    database_direct_url: DatabaseUrl | None = Field(
        None,
        validation_alias="DATABASE_DIRECT_URL",
        description="The same database without a pooler: for migrations, LISTEN and long reads. Default: DATABASE_URL.",
        examples=["postgresql://mutoscope:password@server:5432/mutoscope"],
    )
    database_pool_size: int = Field(
        8,
        ge=1,
        le=200,
        validation_alias="DATABASE_POOL_SIZE",
        description="Connections that one web process may hold at once.",
        examples=["8"],
    )
    web_workers: int = Field(
        2,
        ge=1,
        le=64,
        validation_alias="MUTOSCOPE_WEB_WORKERS",
        description="Web processes. One per core is a good start.",
        examples=["2"],
    )
    web_threads: int = Field(
        8,
        ge=1,
        le=256,
        validation_alias="MUTOSCOPE_WEB_THREADS",
        description="Requests that one web process answers at once.",
        examples=["8"],
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=5,
        validation_alias="MUTOSCOPE_TRUSTED_PROXIES",
        description="How many reverse proxies of yours stand in front. Only then X-Forwarded-For and -Proto are believed.",
        examples=["1"],
    )
    mail_url: Annotated[SecretStr, AfterValidator(mail_url_value)] | None = Field(
        None,
        validation_alias="MUTOSCOPE_MAIL_URL",
        description="Where mail leaves. Without it the sandbox keeps mail on its outbox page; production needs it.",
        examples=["smtp+tls://user:password@mail.example.org:587"],
    )
    mail_from: str = Field(
        "Mutoscope <no-reply@localhost>",
        validation_alias="MUTOSCOPE_MAIL_FROM",
        description="Sender of every mail.",
        examples=["Films <no-reply@films.example.org>"],
    )
    metrics_token: SecretStr | None = Field(
        None,
        validation_alias="MUTOSCOPE_METRICS_TOKEN",
        description="Bearer token that `/metrics` asks for. Without it nobody may read them in production, and in the sandbox only this machine itself.",
        examples=["a long random word"],
    )
    log_format: LogFormat | None = Field(
        None,
        validation_alias="MUTOSCOPE_LOG_FORMAT",
        description="`console` for people, `json` for machines. Default: json in production.",
        examples=["json"],
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        validation_alias="MUTOSCOPE_LOG_LEVEL",
        description="The least important message to log: DEBUG, INFO, WARNING or ERROR.",
        examples=["INFO"],
    )
    ffmpeg: Path | None = Field(
        None,
        validation_alias="MUTOSCOPE_FFMPEG",
        description="Path of an ffmpeg to use instead of the one in the wheel.",
        examples=["/usr/bin/ffmpeg"],
    )
    video_key: VideoKey | None = Field(
        None,
        validation_alias="MUTOSCOPE_VIDEO_KEY",
        description="Seals the keys of films in the database: 32 bytes in base64. Needed in production; the sandbox makes one "
        "below MUTOSCOPE_HOME. Without it no film can be played: back it up, apart from the database.",
        examples=["the output of: openssl rand -base64 32"],
    )
    video_key_fallbacks: Annotated[list[VideoKey], NoDecode, BeforeValidator(split_value)] = Field(
        [],
        validation_alias="MUTOSCOPE_VIDEO_KEY_FALLBACKS",
        description="Earlier video keys that still open what they sealed, separated by commas.",
        examples=["the-video-key-used-until-yesterday"],
    )
    streams_per_viewer: int = Field(
        3,
        ge=1,
        le=100,
        validation_alias="MUTOSCOPE_STREAMS_PER_VIEWER",
        description="How many films one person may have playing at the same moment.",
        examples=["3"],
    )
    upload_gb_max: int = Field(
        50,
        ge=1,
        le=10_000,
        validation_alias="MUTOSCOPE_UPLOAD_GB_MAX",
        description="The largest file that may be uploaded, in gigabytes.",
        examples=["50"],
    )
    channel_gb_max: int = Field(
        500,
        ge=1,
        le=1_000_000,
        validation_alias="MUTOSCOPE_CHANNEL_GB_MAX",
        description="What the originals of one channel may take, in gigabytes.",
        examples=["500"],
    )
    uploads_without_walls: bool = Field(
        False,
        validation_alias="MUTOSCOPE_UPLOADS_WITHOUT_WALLS",
        description="Take uploads although this machine has neither bubblewrap nor Landlock to look into them safely.",
        examples=["true"],
    )
    video_encoders: int = Field(
        2,
        ge=1,
        le=1000,
        validation_alias="MUTOSCOPE_VIDEO_ENCODERS",
        description="Encoders that may run at once, over all workers. One for two cores is a good start.",
        examples=["2"],
    )
    video_preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"] = Field(
        "veryfast",
        validation_alias="MUTOSCOPE_VIDEO_PRESET",
        description="How hard x264 tries: slower presets make smaller files of the same look.",
        examples=["veryfast"],
    )
    video_crf: int = Field(
        23,
        ge=16,
        le=35,
        validation_alias="MUTOSCOPE_VIDEO_CRF",
        description="Quality of the picture: lower is better and larger. Each rendition has a greatest rate besides.",
        examples=["23"],
    )
    video_av1: bool = Field(
        False,
        validation_alias="MUTOSCOPE_VIDEO_AV1",
        description="Make every film's renditions in AV1 besides H.264: about a third fewer bytes to load, and somewhat more than twice the encoding.",
        examples=["true"],
    )
    s3_bucket: str | None = Field(
        None,
        validation_alias="MUTOSCOPE_S3_BUCKET",
        description="Keep films and originals in this S3-compatible bucket instead of a folder. Needs the extra `s3`, and "
        "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY.",
        examples=["films-example-org"],
    )
    s3_endpoint: Annotated[str, AfterValidator(origin_value)] | None = Field(
        None,
        validation_alias="MUTOSCOPE_S3_ENDPOINT",
        description="Address of an S3-compatible server other than Amazon's.",
        examples=["https://s3.example.org"],
    )
    demo_films: int = Field(
        6,
        ge=0,
        le=6,
        validation_alias="MUTOSCOPE_DEMO_FILMS",
        description="How many short films, with sales and tips, `mutoscope up` furnishes a fresh sandbox with. 0 leaves it empty; production is never furnished.",
        examples=["0"],
    )
    postgres_os_user: str | None = Field(
        None,
        validation_alias="MUTOSCOPE_POSTGRES_OS_USER",
        description="Started by root, the embedded PostgreSQL runs as this user. Default: postgres, else nobody.",
        examples=["postgres"],
    )

    @property
    def is_production(self) -> bool:
        return self.mode is Mode.PRODUCTION

    @property
    def chain_url(self) -> str:
        """Where the sandbox chain answers JSON-RPC."""
        return f"http://127.0.0.1:{self.chain_port}"

    @property
    def is_https(self) -> bool:
        return self.site_url.startswith("https://")


def read_environment() -> Environment:
    """The environment's settings. Raises WrongEnvironment naming every wrong variable, its problem and an example."""
    try:
        return Environment()
    except ValidationError as error:
        raise WrongEnvironment(
            dict(_problem(detail) for detail in error.errors() if detail["type"] != FOLLOWS)
        ) from None


def _problem(detail: Any) -> tuple[str, str]:
    variable = str(detail["loc"][0])
    field = next(f for f in Environment.model_fields.values() if f.validation_alias == variable)
    message = str(detail["msg"]).removeprefix("Value error, ")
    example = field.examples[0] if field.examples else ""
    return variable, f"{message[:1].lower()}{message[1:]}. For example: {variable}={example}"


def home_directory(environment: Environment) -> Path:
    """MUTOSCOPE_HOME as an absolute path."""
    return Path(os.path.abspath(environment.home))
