"""Every command by name. Each lives in a module of its own, imported only when it is called: `--help` stays quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mutoscope import __version__
from mutoscope.cli.complaint import explain

app = typer.Typer(
    name="mutoscope",
    help="Self-hosted pay-per-view video. `mutoscope up` starts everything.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")]

# What follows the command's name is not ours to read.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 refused or failed with a sentence, 2 wrong usage or settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutoscope.web.settings")
    try:
        app()
    except Exception as error:
        complaint = explain(error)
        if complaint is None:
            raise
        typer.secho(f"mutoscope: {complaint}", err=True, fg=typer.colors.RED)
        sys.exit(complaint.exit_code)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mutoscope {__version__}")
        raise typer.Exit


@app.callback()
def entry(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = None,
) -> None:
    """Options that go before every command."""


@app.command()
def up() -> None:
    """Start database, web server and worker, show their state, and stop them all on Ctrl-C."""
    from mutoscope.cli.up import up as run

    sys.exit(run())


@app.command()
def demo() -> None:
    """Furnish a sandbox with films, points, sales and tips, by using the site. `up` does it by itself on a fresh state."""
    from mutoscope.cli.demo import demo as run

    run()


@app.command()
def web() -> None:
    """Run the web server alone, for a service manager. The database must be up and migrated."""
    from mutoscope.cli.web import serve

    serve()


@app.command(context_settings=PASSED_ON)
def worker(context: typer.Context) -> None:
    """Run one worker alone, for a service manager; `worker --help` lists queues, threads and processes."""
    from mutoscope.cli.worker import work

    work(context.args)


@app.command(context_settings=PASSED_ON)
def watcher(context: typer.Context) -> None:
    """Watch the chain for payments, and credit what is final; `--once` for one look. Of several, one leads."""
    from mutoscope.cli.watcher import watch

    watch(context.args)


@app.command(context_settings=PASSED_ON)
def signer(context: typer.Context) -> None:
    """Run the signer, the one process that holds keys; `signer --help` lists init, rotation, backup and the drill."""
    from mutoscope.cli.signer import run

    run(context.args)


chain_app = typer.Typer(
    name="chain", invoke_without_command=True, help="The sandbox chain: a Solana of your own with play money."
)
app.add_typer(chain_app)


@chain_app.callback()
def chain(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: MUTOSCOPE_CHAIN_PORT.")] = None,
    slot_ms: Annotated[int, typer.Option(min=10, max=60_000, help="Length of a slot, in milliseconds.")] = 400,
    confirmed_after: Annotated[int, typer.Option(min=0, max=1000, help="Slots until confirmed.")] = 2,
    finalized_after: Annotated[int, typer.Option(min=0, max=1000, help="Slots until finalized.")] = 32,
    faults: Annotated[
        bool, typer.Option("--faults", help="Take orders below /admin: faults, rollbacks, time.")
    ] = False,
) -> None:
    """Run the sandbox chain alone until stopped. Refused in production."""
    if context.invoked_subcommand is None:
        from mutoscope.cli.chain import serve

        serve(port, slot_ms, confirmed_after, finalized_after, takes_orders=faults)


# An amount below zero looks like an option: it is refused as the amount that it is.
@chain_app.command(context_settings={"ignore_unknown_options": True})
def faucet(
    address: Annotated[str, typer.Argument(help="Whom to give it to: a wallet's address.")],
    amount: Annotated[str, typer.Argument(help="How much, such as 1.5.")],
    token: Annotated[str, typer.Option(help="SOL, USDC or FEE.")] = "SOL",  # noqa: S107
) -> None:
    """Give play money to ADDRESS, on the chain that runs here."""
    from mutoscope.cli.chain import give

    typer.echo(give(address, amount, token))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check this machine and these settings; one line each, with what to do about it."""
    from mutoscope.cli.doctor import run

    sys.exit(run(as_json=as_json))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write, for example before-upgrade.mutoscope.")],
    without_films: Annotated[
        bool, typer.Option("--without-films", help="Leave films and originals out: they are kept in another way.")
    ] = False,
) -> None:
    """Write the database, the uploaded files and the films into one FILE, while the site runs."""
    from mutoscope.cli.backup import write_backup

    write_backup(file, with_films=not without_films)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `mutoscope backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace what the database holds now.")] = False,
) -> None:
    """Bring back what a backup FILE holds: all of it, or nothing when anything fails."""
    from mutoscope.cli.backup import restore_backup

    restore_backup(file, replace=replace)


@app.command(context_settings=PASSED_ON)
def manage(context: typer.Context) -> None:
    """Run one of Django's management commands; `manage help` lists them."""
    from mutoscope.cli.manage import run

    run(context.args)


@app.command(context_settings=PASSED_ON)
def tasks(context: typer.Context) -> None:
    """Look at the queue and at pipeline runs; retry, cancel, pause, purge. `tasks --help` lists it all."""
    from mutoscope.cli.manage import run

    run(["tasks", *context.args])


@app.command(context_settings=PASSED_ON)
def ledger(context: typer.Context) -> None:
    """Balances, statements, verification and export of the books. `ledger --help` lists it all."""
    from mutoscope.cli.manage import run

    run(["ledger", *context.args])


@app.command(context_settings=PASSED_ON)
def reconcile(context: typer.Context) -> None:
    """Compare ledger, receipts, entitlements and payouts; names each difference. Exit code 1 if there is one."""
    from mutoscope.cli.manage import run

    run(["reconcile", *context.args])


@app.command(context_settings=PASSED_ON)
def sequences(context: typer.Context) -> None:
    """Look at number sequences, and skip ahead after a restore. `sequences --help` lists it all."""
    from mutoscope.cli.manage import run

    run(["sequences", *context.args])


@app.command(name="map")
def print_map() -> None:
    """Print the contexts with their use cases and steps, and the pipelines, from the code."""
    from mutoscope.cli.map import print_map as run

    run()
