"""What the doctor says of settings that name something: a file, a key, a bucket, a token. It goes and looks."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mutoscope.cli.belongings import is_there
from mutoscope.cli.doctor import Finding, Findings, Health
from mutoscope.web.environment import Environment

if TYPE_CHECKING:
    from mutoscope.engines.solana.signer.configuration import Configuration

BUCKET_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
NOT_OURS = "which this user may not read: run the doctor as the signer's user to have it looked at"


def bucket(environment: Environment) -> Findings:
    """Whether its client is installed and has keys. The bucket itself is not asked."""
    if environment.s3_bucket is None:
        return
    if importlib.util.find_spec("storages") is None or importlib.util.find_spec("boto3") is None:
        cure = "Install the extra: pip install 'mutoscope[s3]'."
        yield Finding("bucket", Health.BAD, f"nothing here can speak to the bucket {environment.s3_bucket}", cure)
        return
    missing = [name for name in BUCKET_KEYS if not os.environ.get(name)]
    if not missing:
        yield Finding("bucket", Health.GOOD, f"{environment.s3_bucket}, with keys from the environment")
    elif len(missing) < len(BUCKET_KEYS):
        yield Finding("bucket", Health.BAD, f"{missing[0]} is not set, and the other half of it is", "Set both.")
    else:
        detail = f"{environment.s3_bucket}, and neither {' nor '.join(BUCKET_KEYS)} is set"
        cure = "Set both, unless this machine's own role or profile may use the bucket."
        yield Finding("bucket", Health.WARNING, detail, cure)


def rates_file(environment: Environment) -> Findings:
    """Reads the file of exchange rates as a quote does."""
    from mutoscope.platform.billing.topup.ports import NoRate
    from mutoscope.platform.billing.topup.rates import FileRates

    file = environment.rates_file
    if file is None:
        return
    if environment.rates_key is None:
        detail = "MUTOSCOPE_RATES_FILE is set without MUTOSCOPE_RATES_KEY, and is not read"
        yield Finding("rates file", Health.BAD, detail, "Set the public key that the file is signed with.")
        return
    try:
        rates = FileRates(file, environment.rates_key, environment.rates_age_s_max).read()
    except NoRate as error:
        why = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
        cure = "Check MUTOSCOPE_RATES_FILE and MUTOSCOPE_RATES_KEY, and that something keeps the file up to date."
        yield Finding("rates file", Health.BAD, f"{file}: {why}", cure)
    else:
        yield Finding("rates file", Health.GOOD, f"{file}, signed and fresh: {', '.join(sorted(rates))}")


def signer_files(environment: Environment) -> Findings:
    """The signer's configuration and key-encryption key, where this user may look at them."""
    from django.conf import settings

    from mutoscope.engines.solana.signer.configuration import ConfigurationRefused, read_configuration

    file: Path = settings.SOLANA_SIGNER_CONFIGURATION
    name = "signer's configuration"
    if not is_there(file):
        if not environment.is_production:
            yield Finding(name, Health.GOOD, "will be made at the first start")
        elif environment.signer_config is not None:
            cure = "Correct MUTOSCOPE_SIGNER_CONFIG, or write the file: docs/keys.md shows one."
            yield Finding(name, Health.BAD, f"MUTOSCOPE_SIGNER_CONFIG is {file}, which does not exist", cure)
        else:
            cure = "Right where the signer runs on another machine. Else set MUTOSCOPE_SIGNER_CONFIG: docs/keys.md shows one."
            yield Finding(name, Health.WARNING, f"{file} does not exist", cure)
        return
    if not os.access(file, os.R_OK):
        yield Finding(name, Health.GOOD, f"{file}, {NOT_OURS}")
        return
    try:
        configured = read_configuration(file)
    except ConfigurationRefused as error:
        yield Finding(name, Health.BAD, str(error), "The signer does not start with it. docs/keys.md shows one.")
        return
    yield Finding(name, Health.GOOD, str(file))
    for address in configured.key_encryption_keys:
        yield _key_encryption_key(address, configured)


def _key_encryption_key(address: str, configured: Configuration) -> Finding:
    from mutoscope.engines.solana.keys import KeySourceRefused, key_source

    name = "signer's key"
    scheme, _, rest = address.partition(":")
    if scheme != "file":
        return Finding(name, Health.GOOD, f"{address}, which only the signer itself can ask for")
    file = Path(rest)
    if is_there(file) and not os.access(file, os.R_OK):
        return Finding(name, Health.GOOD, f"{file}, {NOT_OURS}")
    try:
        key_source(address).key_id()
    except KeySourceRefused as error:
        return Finding(name, Health.BAD, str(error), "docs/keys.md says who may read what of the signer's.")
    owner, state = file.stat().st_uid, configured.state
    if is_there(state) and state.stat().st_uid != owner:
        detail = f"{file} belongs to user {owner}, and the signer's state {state} to user {state.stat().st_uid}"
        return Finding(name, Health.BAD, detail, f"One user runs the signer: chown --reference={state} {file}")
    return Finding(name, Health.GOOD, f"{file}, readable by its owner alone")


def tokens(environment: Environment) -> Findings:
    """Needs the database. Whether creators can be paid in the token that is set, and what has a rate to be bought with."""
    from django.db import connection

    from mutoscope.engines.solana.public import token_model
    from mutoscope.platform.billing.topup.ports import NoRate
    from mutoscope.platform.billing.topup.rates import configured_rates

    model = token_model()
    if model._meta.db_table not in connection.introspection.table_names():
        # Not migrated yet, which is said elsewhere.
        return
    symbols = sorted(set(model.objects.filter(is_active=True).values_list("symbol", flat=True)))
    if not symbols:
        if environment.is_production:
            cure = "Add a token in the operator pages, under Solana payments."
            yield Finding("tokens", Health.WARNING, "the site accepts no token: nothing can be bought", cure)
        return
    if environment.payout_by == "signer" and environment.payout_token not in symbols:
        detail = f"MUTOSCOPE_PAYOUT_TOKEN is {environment.payout_token}, and the site accepts {', '.join(symbols)}"
        cure = "Set it to one of those, or add the token in the operator pages. Until then no creator is paid."
        yield Finding("payout token", Health.BAD, detail, cure)
    without = {}
    for symbol in symbols:
        try:
            configured_rates().rate(symbol)
        except NoRate as error:
            without[symbol] = str(error)
    for symbol, why in without.items():
        cure = "Set a rate for it in MUTOSCOPE_RATES_FIXED, or mend the source, or stop accepting it."
        yield Finding("rates", Health.WARNING, f"nothing can be bought with {symbol}: {why}", cure)
    if len(without) < len(symbols):
        known = ", ".join(symbol for symbol in symbols if symbol not in without)
        yield Finding("rates", Health.GOOD, f"known for {known}")


def packs(_: Environment) -> Findings:
    """Needs the database. Packs whose points creators are paid more for than they cost: whoever buys one and sells to themselves gains."""
    from django.db import connection

    from mutoscope.platform.billing.public import Pack, packs_paid_out_for_more

    if Pack._meta.db_table not in connection.introspection.table_names():
        return
    for pack, why in packs_paid_out_for_more():
        cure = "Raise its price or end its sale in the operator pages, or lower MUTOSCOPE_PAYOUT_POINT_USD."
        yield Finding("packs", Health.BAD, f"“{pack.title}” {why.sums()}", cure)


def django_checks(environment: Environment) -> Findings:
    """What Django, and the apps by its means, find wrong with the settings."""
    import django
    from django.core.checks import run_checks

    django.setup()
    found = [
        message
        for message in run_checks(include_deployment_checks=environment.is_production)
        if not message.is_silenced()
    ]
    for message in found:
        health = Health.BAD if message.is_serious() else Health.WARNING
        yield Finding(f"check {message.id}", health, message.msg, message.hint or "See docs/operations.md.")
    if not found:
        yield Finding("checks", Health.GOOD, "Django and its apps find nothing wrong with the settings")
