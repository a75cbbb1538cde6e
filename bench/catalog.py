"""The catalogue: every loss, penalty, stabiliser, objective, architecture, dataset, space and optimizer by name.

An entry is a frozen dataclass whose fields are its settings. One decorator enters it, in the package or in
a file of your own::

    from bench.catalog import losses

    @losses.register("gap", formula="L_D = E[max(0, 1 − r + f)],  L_G = E[r − f]", source="mine")
    class Gap:
        '''The real score is to exceed the fake one by 1.'''

        def discriminator(self, real, fake):
            return (1 - real + fake).relu().mean()

        def generator(self, real, fake):
            return (real - fake).mean()

Nothing here imports torch; the modules that hold the built-in entries are loaded when first asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import json
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from bench.errors import CatalogError, explain, nearest, unknown
from bench.settings import Search as Search
from bench.settings import SettingDescription, SettingField, adapter_of, describe_setting, fields_of
from bench.settings import Unit as Unit

if TYPE_CHECKING:
    from bench.architectures.base import Architecture
    from bench.datasets.base import Dataset
    from bench.evaluation.base import SpaceEntry
    from bench.objectives.base import Loss, Objective, Penalty
    from bench.objectives.hooks import Stabiliser
    from bench.spec import PluginSpec
    from bench.training.optimizers import OptimizerEntry

T = TypeVar("T")
C = TypeVar("C", bound=type)


@dataclasses.dataclass(frozen=True)
class Description:
    """What `ganbench describe` tells of an entry; of plugins, ``latex`` and ``optimum`` may be empty."""

    kind: str
    name: str
    summary: str
    formula: str
    latex: str
    optimum: str
    source: str
    settings: tuple[SettingDescription, ...]
    origin: str


@dataclasses.dataclass(frozen=True)
class Entry(Generic[T]):
    """A name, the class that it creates, and where both come from."""

    kind: str
    name: str
    factory: Callable[..., T]
    formula: str
    latex: str
    optimum: str
    source: str
    plugin: PluginSpec | None

    @functools.cached_property
    def fields(self) -> dict[str, SettingField]:
        """Its settings, in the order of the class."""
        return fields_of(self.factory)

    @functools.cached_property
    def adapter(self) -> TypeAdapter[T]:
        """Validates its settings."""
        return adapter_of(self.factory)


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,39}")
"""What an entry may be called: its name is its label in run ids, folders, tables and plots."""

_loading: list[PluginSpec] = []
"""The plugin whose file is being executed, if any: what it registers is marked as its own."""


class Catalog(Generic[T]):
    """All entries of one kind.

    Args:
        kind: what the entries are, in the plural.
        modules: where the built-in entries are registered.
        methods: what each entry must define; of a tuple, at least one.
    """

    def __init__(self, kind: str, modules: Sequence[str], methods: Sequence[str | tuple[str, ...]]) -> None:
        self.kind = kind
        self._modules = tuple(modules)
        self._methods = tuple(methods)
        self._entries: dict[str, Entry[T]] = {}
        self._complete = False

    @property
    def needed(self) -> tuple[str | tuple[str, ...], ...]:
        """What each entry must define; of a tuple, at least one."""
        return self._methods

    @property
    def singular(self) -> str:
        """The kind in the singular, for messages."""
        irregular = {"losses": "loss", "penalties": "penalty", "spaces": "feature space"}
        return irregular.get(self.kind, self.kind.removesuffix("s"))

    def register(self, name: str, *, formula: str, source: str, latex: str = "", optimum: str = "") -> Callable[[C], C]:
        """Enter the decorated class under ``name``.

        Args:
            name: lower-case words joined by hyphens; unique within the kind.
            formula: the formula (or shape) in plain text.
            source: the paper, with equation where it has one.
            latex: the same formula for a paper, without dollar signs.
            optimum: what is estimated once the discriminator is at its optimum, in plain text.

        Raises:
            CatalogError: the name is taken, or the class lacks a method of this kind.
        """

        def enter(cls: C) -> C:
            plugin = _loading[-1] if _loading else None
            if plugin is not None:
                self._load()  # so that a name that is taken is noticed here, and not when the built-in entries load
            if not NAME.fullmatch(name):
                raise CatalogError(
                    f"{self.singular} '{name}' cannot be called so: up to 40 letters, digits, '.', '+' and '-', "
                    "beginning with a letter or a digit"
                )
            if name in self._entries:
                raise CatalogError(f"{self.singular} '{name}' is registered twice: give one of them another name")
            for method in self._methods:
                options = (method,) if isinstance(method, str) else method
                if not any(hasattr(cls, option) for option in options):
                    needed = " or ".join(f"'{option}'" for option in options)
                    raise CatalogError(f"{self.singular} '{name}' ({cls.__name__}) lacks the method {needed}")
            if "__dataclass_fields__" not in cls.__dict__:
                if "__init__" in cls.__dict__:
                    raise CatalogError(
                        f"{self.singular} '{name}' ({cls.__name__}) has an __init__ of its own: settings are fields of "
                        "the class, such as `margin: float = 1.0`, and what follows from them is a property"
                    )
                cls = typing.cast(C, dataclasses.dataclass(frozen=True)(cls))
            entry: Entry[T] = Entry(self.kind, name, cls, formula, latex, optimum, source, plugin)
            if plugin is not None:
                self._try_settings(entry)
                if self.kind == "losses" and name in objectives.names() and objectives.entry(name).plugin != plugin:
                    raise CatalogError(
                        f"loss '{name}' is called as an objective, which suites would take for it: give it another name"
                    )
            if self.kind in ("losses", "penalties", "stabilisers"):
                _validate_when_made(cls, self, entry)
            self._entries[name] = entry
            return cls

        return enter

    def _try_settings(self, entry: Entry[T]) -> None:
        try:
            if entry.fields:
                entry.adapter.json_schema()
        except Exception as error:  # whatever a foreign class brings about
            raise CatalogError(
                f"the settings of {self.singular} '{entry.name}' cannot be used ({type(error).__name__}: "
                f"{str(error).splitlines()[0] if str(error) else 'no message'}); a setting is a field of type int, "
                "float, str, bool, Literal or tuple"
            ) from error

    def names(self) -> list[str]:
        """All names, sorted."""
        self._load()
        return sorted(self._entries)

    def entry(self, name: str) -> Entry[T]:
        """The entry called ``name``.

        Raises:
            CatalogError: there is none; the message lists the valid names and the nearest.
        """
        self._load()
        try:
            return self._entries[name]
        except KeyError:
            raise CatalogError(unknown(self.singular, name, self.names())) from None

    def create(self, name: str, /, **settings: Any) -> T:
        """The entry called ``name`` with these settings; the others keep their defaults.

        Raises:
            CatalogError: an unknown name or setting, or a value out of its range.
        """
        entry = self.entry(name)
        fields = entry.fields
        faults = [
            f"{self.singular} '{name}' has no setting '{key}';"
            + (f" {hint}" if (hint := nearest(key, fields)) else "")
            + f" valid: {', '.join(fields) or 'none'}"
            for key in settings
            if key not in fields
        ]
        if faults:
            raise CatalogError(*faults)
        return self._validate(entry, settings)

    def _validate(self, entry: Entry[T], settings: Mapping[str, Any]) -> T:
        try:
            return entry.adapter.validate_json(json.dumps(settings, default=_plain), strict=True)
        except ValidationError as error:
            raise CatalogError(
                *(
                    f"{self.singular} '{entry.name}', setting '{'.'.join(map(str, fault['loc']))}': {explain(fault)}"
                    for fault in error.errors()
                )
            ) from None

    def settings(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every setting of the entry called ``name``: the given ones validated, the others at their defaults."""
        return _values(self.create(name, **given))

    def describe(self, name: str) -> Description:
        """What the entry is, its formula, settings and source."""
        entry = self.entry(name)
        return Description(
            kind=self.singular,
            name=name,
            summary=inspect.cleandoc(entry.factory.__doc__ or "").split("\n\n")[0].replace("\n", " "),
            formula=entry.formula,
            latex=entry.latex,
            optimum=entry.optimum,
            source=entry.source,
            settings=tuple(describe_setting(field) for field in entry.fields.values()),
            origin=f"plugin {entry.plugin.name}" if entry.plugin else "built in",
        )

    def _load(self) -> None:
        if not self._complete:
            self._complete = True
            held, _loading[:] = _loading[:], []  # a plugin that asks for names does not own what that loads
            try:
                for module in self._modules:
                    importlib.import_module(module)
            finally:
                _loading[:] = held


def _validate_when_made(cls: type, catalog: Catalog[T], entry: Entry[T]) -> None:
    """Have settings checked in training loops of one's own as well, where classes are called and no catalogue."""
    make = cls.__init__  # type: ignore[misc]

    @functools.wraps(make)
    def make_and_validate(self: object, *args: Any, **settings: Any) -> None:
        make(self, *args, **settings)
        if type(self) is cls:
            catalog._validate(entry, _values(self))  # pydantic fills its own instance without calling this

    cls.__init__ = make_and_validate  # type: ignore[misc]


def _values(instance: object) -> dict[str, Any]:
    return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise CatalogError(f"a setting cannot be of type {type(value).__name__}: use text, numbers, true/false or lists")


losses: Catalog[Loss] = Catalog(
    "losses",
    [
        "bench.objectives.losses",
        "bench.objectives.relativistic",
        "bench.objectives.f_divergences",
        "bench.objectives.energies",
    ],
    ["discriminator", "generator"],
)
penalties: Catalog[Penalty] = Catalog(
    "penalties",
    ["bench.objectives.penalties", "bench.objectives.gradient_penalties"],
    [("term", "generator_term", "joint_term", "project")],
)
stabilisers: Catalog[Stabiliser] = Catalog(
    "stabilisers",
    [
        "bench.objectives.stabilisers",
        "bench.objectives.minimised",
        "bench.objectives.players",
        "bench.objectives.updates",
    ],
    [
        (
            "present",
            "perturb",
            "replay",
            "around",
            "generator_term",
            "weights_term",
            "build_generator",
            "extend_discriminator",
            "ema_images",
            "penalty_factor",
            "rate_factor",
            "generator_updates",
            "simultaneous",
            "movers",
            "unrolled_steps",
        )
    ],
)
objectives: Catalog[Objective] = Catalog("objectives", ["bench.objectives.presets"], [])
architectures: Catalog[Architecture] = Catalog(
    "architectures",
    [
        "bench.architectures.mlp",
        "bench.architectures.dcgan",
        "bench.architectures.infogan",
        "bench.architectures.wgan_gp_cnn",
        "bench.architectures.resnet",
        "bench.architectures.resnet_r3gan",
        "bench.architectures.began",
        "bench.architectures.pacgan_mlp",
    ],
    ["check", "generator", "discriminator"],
)
datasets: Catalog[Dataset] = Catalog(
    "datasets",
    [
        "bench.datasets.mixtures",
        "bench.datasets.protocols",
        "bench.datasets.swiss_roll",
        "bench.datasets.digits",
        "bench.datasets.mnist",
        "bench.datasets.cifar",
        "bench.datasets.natural",
        "bench.datasets.celeba",
        "bench.datasets.lsun",
        "bench.datasets.stacked",
        "bench.datasets.folder",
        "bench.datasets.array",
    ],
    ["load", "shape", "space"],
)
spaces: Catalog[SpaceEntry] = Catalog("spaces", ["bench.evaluation.entries"], [("extractor", "open")])
optimizers: Catalog[OptimizerEntry] = Catalog("optimizers", ["bench.training.optimizers"], ["build"])

CATALOGS: tuple[Catalog[Any], ...] = (
    losses,
    penalties,
    stabilisers,
    objectives,
    architectures,
    datasets,
    spaces,
    optimizers,
)


@contextlib.contextmanager
def registering(plugin: PluginSpec) -> Iterator[None]:
    """Marks what is registered inside as the plugin's, in place of what it registered before.

    After an exception the catalogue is as it was.
    """
    before = [dict(catalog._entries) for catalog in CATALOGS]
    for catalog in CATALOGS:
        catalog._entries = {n: e for n, e in catalog._entries.items() if not _same_plugin(e.plugin, plugin)}
    _loading.append(plugin)
    try:
        yield
    except BaseException:
        for catalog, entries in zip(CATALOGS, before, strict=True):
            builtin = {n: e for n, e in catalog._entries.items() if e.plugin is None}
            catalog._entries = builtin | entries  # built-in entries may have been loaded meanwhile
        raise
    finally:
        _loading.pop()


def registered_by(plugin: PluginSpec) -> list[Entry[Any]]:
    """What the plugin has registered."""
    return [e for catalog in CATALOGS for e in catalog._entries.values() if _same_plugin(e.plugin, plugin)]


def _same_plugin(one: PluginSpec | None, other: PluginSpec) -> bool:
    return one is not None and (one.name, one.path) == (other.name, other.path)
