"""The database that studies are kept in: opened, and told of without its password."""

from __future__ import annotations

import dataclasses
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage, get_storage
from sqlalchemy.engine import URL, Engine, make_url

from bench.errors import StorageError, UsageError

FILE = "studies.db"
OPTION = "--storage"
WAIT_SECONDS = 60
"""How long a writer waits for another one of a SQLite file."""
CONNECT_SECONDS = 10
DRIVERS = {"postgresql": ("psycopg", 'pip install "ganbench[postgresql]"')}
"""By kind of database: the driver that is taken where the URL names none, and how it is installed."""
TRIES = 5
"""Two processes that make the tables of a fresh database at the same time fail each other."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """An open database."""

    studies: BaseStorage
    """As Optuna has it."""
    engine: Engine
    shown: str
    """Its URL without password."""


def open_storage(url: str | None, folder: Path) -> Storage:
    """Open a database; one that is empty gets Optuna's tables.

    Args:
        url: as SQLAlchemy and Optuna have it; None for a SQLite file in ``folder``, which exists.
        folder: of the results.

    Raises:
        UsageError: there is none such, it cannot be reached, or it lets nobody in; no message tells the password.
    """
    quieten()
    parsed = URL.create("sqlite", database=str(folder.absolute() / FILE)) if url is None else _parsed(url)
    shown = str(folder / FILE) if url is None else show_url(parsed)
    try:
        engine = sqlalchemy.create_engine(parsed, **_engine_settings(parsed))
        with engine.connect():
            pass
        return Storage(get_storage(_optuna_storage(parsed)), engine, shown)
    except sqlalchemy.exc.NoSuchModuleError:
        kind = parsed.drivername
        raise UsageError(
            f"{OPTION}: '{kind}' is no database that is known; valid: sqlite:///FILE, "
            "postgresql://USER:PASSWORD@HOST/DATABASE, mysql+DRIVER://…"
        ) from None
    except ImportError as error:
        _, how = DRIVERS.get(parsed.get_backend_name(), ("", f"pip install {error.name or 'its driver'}"))
        raise UsageError(f"{OPTION}: {shown} needs a driver that is not installed: {how}") from None
    except Exception as error:  # whatever a driver raises for a door that stays shut
        raise UsageError(
            f"{OPTION}: {shown} cannot be used: {reason_of(error, parsed)}; "
            f"nothing was started. Give another with {OPTION}, or leave it out for a SQLite file beside the results"
        ) from None


def quieten() -> None:
    """What Optuna logs and warns of is not for those who tune: what they need to know is told by other means."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"optuna\..*")
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@contextmanager
def kept(storage: Storage) -> Iterator[None]:
    """A database that goes away in the middle ends the command with one message, and what is recorded is safe.

    Raises:
        StorageError: it did.
    """
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise StorageError(f"the database {storage.shown} failed: {reason_of(error, storage.engine.url)}") from None


def show_url(url: URL) -> str:
    """Where a database is, without password and options (which may hold one)."""
    plain = URL.create(url.get_backend_name(), url.username, None, url.host, url.port, url.database)
    return plain.render_as_string()


def reason_of(error: BaseException, url: URL) -> str:
    """The database's own words: the innermost error's first line that says something, without the password."""
    while (inner := getattr(error, "orig", None) or error.__cause__) is not None:
        error = inner
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = "; ".join(lines[:2]) or type(error).__name__
    secrets = [str(url.password or ""), *(text for value in url.query.values() for text in _texts(value))]
    for secret in secrets:
        if len(secret) > 1:
            said = said.replace(secret, "***")
    return said


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except sqlalchemy.exc.ArgumentError:
        raise UsageError(
            f"{OPTION} is no URL of a database: expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE, "
            "with special characters of the password as %40 and the like"
        ) from None
    driver = DRIVERS.get(parsed.drivername)
    return parsed if driver is None else parsed.set(drivername=f"{parsed.drivername}+{driver[0]}")


def _engine_settings(url: URL) -> dict[str, object]:
    kind = url.get_backend_name()
    connect: dict[str, object] = {}
    if kind == "sqlite":
        connect = {"timeout": WAIT_SECONDS}
    elif kind == "postgresql":
        connect = {"connect_timeout": CONNECT_SECONDS}
    return {"connect_args": connect, "pool_pre_ping": True}


def _optuna_storage(url: URL) -> RDBStorage:
    text = url.render_as_string(hide_password=False)
    for attempt in range(TRIES):
        try:
            return RDBStorage(text, engine_kwargs=_engine_settings(url))
        except (sqlalchemy.exc.IntegrityError, sqlalchemy.exc.ProgrammingError, sqlalchemy.exc.OperationalError):
            if attempt == TRIES - 1:
                raise
            time.sleep(0.2 * 2**attempt)
    raise AssertionError
