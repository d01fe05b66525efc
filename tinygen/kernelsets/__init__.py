"""Kernel sets: which kernel of which set serves a kernel call that an operator has lowered to.

Place in the flow: kernels.py asks here for every KernelCall. A set is a folder of templates/kernels/ and a package
of this name here, whose modules are found by themselves. A module has SERVES, the name of a portable kernel, and
`offer(call, aim)`: the same rows by another kernel, with their cost, or None where that cannot be exact. The cheapest
offer is taken. The set `portable` makes offers like any other: its tiles, beside the general kernels that operators
lower to. They are asked for where another set offers nothing; without them, too, the portable call stays.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from tinygen import resources
from tinygen.errors import TinygenError
from tinygen.ops.base import Constant, KernelCall

AIMS = ("speed", "balanced", "size", "ram")


@dataclass(frozen=True, slots=True)
class Target:
    """What kernels are chosen for: a kernel set (a folder of templates/kernels/) and one of AIMS.

    `tuned`: what `tinygen tune` found, a name out of `candidates` for each call in the order in which operators lower
    to them; () where nothing was tuned.
    """

    kernels: str = "portable"
    aim: str = "balanced"
    tuned: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of templates/kernels/ in which a kernel's file is looked for, in that order."""
        return tuple(dict.fromkeys((self.kernels, "portable")))


PORTABLE = Target()


OfferFunction = Callable[[KernelCall, str], "KernelCall | None"]


def kernel_sets() -> tuple[str, ...]:
    """The names of all kernel sets, sorted."""
    return tuple(sorted(folder.name for folder in resources.KERNELS.iterdir() if folder.is_dir()))


def choose(call: KernelCall, target: Target) -> KernelCall:
    """The call that the target's kernel set serves best, by the costs that the offers state."""
    offers = (_offered(call, kernels, target.aim) for kernels in target.folders)
    return min(next((found for found in offers if found), ()), key=lambda offer: offer.cost, default=call)


def candidates(call: KernelCall, target: Target) -> dict[str, KernelCall]:
    """All that can serve a call, by name: the general kernel, and what is offered for any aim, as KERNEL:AIM.

    An aim that differs in nothing but the estimated cost from one before it is left out; the target's is the first.
    """
    found = {call.kernel: call}
    forms = []
    for kernels, aim in product(target.folders, dict.fromkeys((target.aim, *AIMS))):
        for offered in _offered(call, kernels, aim):
            if _form(offered) not in forms:
                forms.append(_form(offered))
                found[f"{offered.kernel}:{aim}"] = offered
    return found


def _offered(call: KernelCall, kernels: str, aim: str) -> tuple[KernelCall, ...]:
    """What a kernel set offers for a call."""
    offers = (offer(call, aim) for offer in _offers(kernels).get(call.kernel, ()))
    return tuple(offered for offered in offers if offered is not None)


def chosen_name(call: KernelCall, target: Target) -> str:
    """The candidate that `choose` takes."""
    form = _form(choose(call, target))
    return next(name for name, candidate in candidates(call, target).items() if _form(candidate) == form)


def choose_tuned(call: KernelCall, target: Target, index: int) -> KernelCall:
    """The candidate that target.tuned names for call number `index`; raises TinygenError when there is none."""
    names = candidates(call, target)
    name = target.tuned[index] if index < len(target.tuned) else "nothing"
    if name not in names:
        raise TinygenError(
            f"tuned for {name} where this version of tinygen has {', '.join(names)}", "run `tinygen tune` again"
        )
    return names[name]


def _form(call: KernelCall) -> tuple[object, ...]:
    """What tells two ways apart in which one kernel may serve a call."""
    numbers = tuple(value for _, value in call.params if not isinstance(value, Constant))
    sizes = tuple(constant.values.nbytes for constant in call.constants)
    return (call.kernel, numbers, sizes, call.scratch_bytes, call.rows_at_once)


@functools.cache
def _offers(kernels: str) -> dict[str, tuple[OfferFunction, ...]]:
    """The offer functions of a set by the portable kernel that they serve."""
    package = importlib.import_module(f"{__name__}.{kernels}")
    found: dict[str, tuple[OfferFunction, ...]] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")):
        kernel = importlib.import_module(f"{package.__name__}.{module}")
        for served in kernel.SERVES:
            found[served] = (*found.get(served, ()), kernel.offer)
    return found
