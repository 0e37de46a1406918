"""`homeport database`: bring its schema up, find out whether it is whole, copy it into PostgreSQL.

Works on the machine itself, past the server. Migrating and checking may be done beside one; a copy has the source for
itself.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from homeport.administration import audit_log
from homeport.application import read_sealing_key
from homeport.cli.data_directory import CONFIG_FILE, config_of, data_dir_option
from homeport.clock import SystemClock
from homeport.config import Config, ConfigError, StorageConfig, load
from homeport.security.sealing import Sealer
from homeport.storage import checking, postgresql_migrator
from homeport.storage.copying import Copy, CopyRefused
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.opening import Database, alone_with, bring_up, connected, engine_of, pending, reading
from homeport.storage.port import StorageUnavailable
from homeport.storage.readers import Fetch, StoredAudit
from homeport.storage.tables import counts

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def config_option(command: Command) -> Command:
    """`--config`, in place of the data directory."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(dir_okay=False, exists=True, path_type=Path),
        help="The server's TOML file, if it is not in a data directory.",
    )(command)


@click.group()
def database() -> None:
    """Migrate, check and copy the database."""


@database.command()
@click.option("--dry-run", is_flag=True, help="Say what would run, and change nothing.")
@config_option
@data_dir_option
def migrate(dry_run: bool, config_file: Path | None, data_dir: Path) -> None:
    """Bring the schema to that of this version of homeport.

    A server does the same at its start; this is for those who want it done before, or by somebody else.
    """
    storage = _config(config_file, data_dir).storage
    _run(_migrate(_database(storage), dry_run=dry_run))


@database.command()
@config_option
@data_dir_option
def check(config_file: Path | None, data_dir: Path) -> None:
    """Look through the whole database: its structure, its schema, its audit log, its sealed columns.

    Also whether registration records and the registry of the embedded hub agree. The exit code is 1 if anything is
    wrong.
    """
    storage = _config(config_file, data_dir).storage
    if not _run(_check(storage)):
        raise click.ClickException("The database is not as it should be; see above.")


@database.command()
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    metavar="PATH",
    help="The SQLite database: its file, the data directory, or the server's TOML file.",
)
@click.option("--to", "target", required=True, metavar="URL", help="An empty PostgreSQL database, postgresql://…")
def copy(source: Path, target: str) -> None:
    """Copy a SQLite database into PostgreSQL, and compare both.

    Stop the server first. An interrupted copy goes on where it was when the command is given again. The sealing key
    is needed on as before: what is sealed is copied sealed.
    """
    try:
        url = DatabaseUrl(target)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to") from error
    _run(_copy(_source_file(source), url))
    click.echo("The copy is complete, and equal. In the server's configuration, in place of `path`:")
    click.echo(f'\n[storage]\nurl = "{url}"')
    click.echo("\nsealing_key stays as it is; each node needs the same key.")


async def _migrate(database: Database, *, dry_run: bool) -> None:
    async with reading(database) as fetch:
        steps = await pending(fetch, engine_of(database))
    for step in steps:
        click.echo(f"{'to run' if dry_run else 'run'}: {step.version:04} {step.name}")
    if not steps:
        click.echo("The schema is up to date.")
    elif not dry_run:
        click.echo(f"The schema is at version {await bring_up(database, SystemClock())}.")


async def _check(storage: StorageConfig) -> bool:
    database = _database(storage)
    sealer = Sealer(read_sealing_key(storage.sealing_key))
    async with reading(database) as fetch:
        flaws = await checking.schema_flaws(fetch, engine_of(database))
        if _said("schema", flaws):
            return False  # The rest is for this version's tables.
        rows = await counts(fetch)
        with _bar() as bar:
            findings = [
                _said("structure", await checking.engine_flaws(fetch)),
                _said("records and registries", await checking.agreement_flaws(fetch)),
                _said("sealed columns", await _seal_flaws(fetch, sealer, rows, bar)),
                _said("audit log", await _audit_flaws(fetch)),
            ]
    for table, count in rows.items():
        click.echo(f"{table}: {count} rows")
    return not any(findings)


async def _seal_flaws(fetch: Fetch, sealer: Sealer, rows: Any, bar: Progress) -> list[str]:
    task = bar.add_task("sealed columns", total=sum(rows[table.name] for table in checking.SEALED))
    return await checking.seal_flaws(fetch, sealer, lambda count: bar.advance(task, count))


async def _audit_flaws(fetch: Fetch) -> list[str]:
    reader = StoredAudit(fetch)
    verdicts = [await audit_log.verify(reader, chain) for chain in await reader.chains()]
    return [f"chain {verdict.chain} is {verdict}" for verdict in verdicts if not verdict.is_whole]


async def _copy(file: Path, url: DatabaseUrl) -> None:
    with alone_with(file) as fetch:
        if await pending(fetch, "sqlite"):
            raise click.ClickException(f"{file} has an older schema. Run `homeport database migrate` first.")
        await postgresql_migrator.migrate(url, SystemClock(), to_be_copied_into=True)
        async with connected(url) as connection:
            await _copy_and_compare(Copy(fetch, connection), sum((await counts(fetch)).values()))


async def _copy_and_compare(copying: Copy, total: int) -> None:
    progress = await copying.begin()
    done = sum(table.copied for table in progress.values())
    if done:
        click.echo(f"Going on with a copy that was interrupted; {done} rows are there.")
    with _bar() as bar:
        task = bar.add_task("copy", total=total, completed=done)
        await copying.run(progress, lambda table, count: bar.update(task, advance=count, description=f"copy {table}"))
        task = bar.add_task("compare", total=total)
        compared = [each async for each in copying.compare(lambda _, count: bar.advance(task, count))]
    for each in compared:
        click.echo(f"{each.table}: {each.target[0]} rows, {'equal' if each.is_equal else 'NOT EQUAL'}")
    if not all(each.is_equal for each in compared):
        raise click.ClickException(
            "The copy is not equal: a database was written meanwhile. Take an empty one, and copy again."
        )
    await copying.end()


def _said(what: str, flaws: list[str]) -> bool:
    """Print what was found; whether anything is wrong."""
    for flaw in flaws:
        click.echo(f"{what}: {flaw}")
    if not flaws:
        click.echo(f"{what}: good")
    return bool(flaws)


def _config(file: Path | None, directory: Path) -> Config:
    try:
        return config_of(directory) if file is None else load(file)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def _database(storage: StorageConfig) -> Database:
    found = storage.url or storage.path
    assert found is not None, "a configuration names one of them"
    return found


def _source_file(source: Path) -> Path:
    file = source / CONFIG_FILE if source.is_dir() else source
    if file.suffix != ".toml":
        return file
    database = _database(_config(file, source).storage)
    if isinstance(database, DatabaseUrl):
        raise click.BadParameter(f"{file} names a PostgreSQL database; only SQLite is copied.", param_hint="--from")
    return database


@contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar, where somebody sees it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield bar


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (ConfigError, CopyRefused, StorageUnavailable) as error:
        raise click.ClickException(str(error)) from error
