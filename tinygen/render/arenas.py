"""The arenas of a model as C arrays, one per memory, and the library that holds those which several models share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygen import __version__, resources
from tinygen.plan import Plan, shared_regions
from tinygen.regions import Region
from tinygen.render import Files, render


@dataclass(frozen=True, slots=True)
class Array:
    """An array of C in a region (by number); `section` is empty or the start of its list of attributes.

    `shared` is the name of the shared array that it stands for, or empty.
    """

    name: str
    macro: str
    nbytes: int
    section: str
    region: int
    shared: str = ""


@dataclass(frozen=True, slots=True)
class SharedArena:
    """The arenas of several models, which run one after the other: each array as large as the largest of theirs."""

    name: str
    models: tuple[tuple[str, int], ...]  # with the bytes that each needs
    arrays: tuple[Array, ...]


def arrays_of(plan: Plan, shared: SharedArena | None) -> tuple[Array, ...]:
    """The arrays of one model."""
    shared_names = {array.region: array.name for array in shared.arrays} if shared else {}
    arrays = []
    for region in plan.used_regions:
        nbytes = plan.regions[region].bytes if plan.regions else plan.arena_bytes
        section = _section(plan.regions[region].region) if plan.regions else ""
        name = plan.arena_of(region)
        arrays.append(Array(name, name.upper(), nbytes, section, region, shared_names.get(region, "")))
    return tuple(arrays)


def arena_name(models: Sequence[str]) -> str:
    """The name of the library that several models share, from their names."""
    return f"{'_'.join(models)}_arena"


def shared_arena(plans: Sequence[Plan]) -> SharedArena:
    """The arena of several models. State that lives from one inference to the next is no part of it."""
    models = tuple((plan.program.graph.name, plan.arena_bytes) for plan in plans)
    name = arena_name([model for model, _ in models])
    used = [(index, use) for index, use in enumerate(shared_regions(plans)) if use.bytes]
    if not used:
        return SharedArena(name, models, (Array(name, name.upper(), max(n for _, n in models), "", 0),))
    arrays = []
    for index, use in used:
        array = name if len(used) == 1 else f"{name}_{use.region.name.lower()}"
        arrays.append(Array(array, array.upper(), use.bytes, _section(use.region), index))
    return SharedArena(name, models, tuple(arrays))


def arena_files(arena: SharedArena) -> Files:
    """The library of a shared arena as files relative to its folder."""
    shown = {"version": __version__, "macro": arena.name.upper(), "models": [name for name, _ in arena.models]}
    files = {
        f"src/{arena.name}{suffix}": render(f"arena/arena{suffix}.j2", a=arena, **shown) for suffix in (".h", ".c")
    }
    for file in ("library.json", "library.properties"):
        files[file] = render(f"arena/{file}.j2", a=arena, **shown)
    files["LICENSE"] = (resources.TEMPLATES / "model" / "LICENSE").read_bytes()
    return files


def _section(region: Region) -> str:
    return f'section("{region.section}"), ' if region.section else ""
