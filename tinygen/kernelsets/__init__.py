"""Kernel sets: which kernel of which set serves a kernel call that an operator has lowered to.

Place in the flow: kernels.py asks here for every KernelCall. A set is a folder of templates/kernels/ and a package
of this name here, whose modules are found by themselves. A module has SERVES, the name of a portable kernel, and
`offer(call, aim)`: the same rows by another kernel, with their cost, or None where that cannot be exact. The cheapest
offer is taken; without one, the portable call stays. The set `portable` makes offers like any other: its tiles, beside
the general kernels that operators lower to.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from tinygen import resources
from tinygen.ops.base import KernelCall

AIMS = ("speed", "balanced", "size", "ram")


@dataclass(frozen=True, slots=True)
class Target:
    """What kernels are chosen for: a kernel set (a folder of templates/kernels/) and one of AIMS."""

    kernels: str = "portable"
    aim: str = "balanced"

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
    """The call that the target's kernel set serves best."""
    offers = [offer(call, target.aim) for offer in _offers(target.kernels).get(call.kernel, ())]
    return min((offer for offer in offers if offer is not None), key=lambda offer: offer.cost, default=call)


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
