"""Which channels of a Keras model can be removed, and which only together.

Place in the flow: prune.py removes what this module found. Imports TensorFlow.

Every position of a tensor's last axis has an atom: the channel that it comes from. Convolutions and dense layers make
new atoms, most other layers hand them on, a sum or a product makes two atoms one (union-find). Atoms that reach an
input, an output, or a layer that is not known here stay. Atoms made by one layer, or joined, are a group: removing k
of them leaves all tensors whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tinygen.ir import Array

_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SUMS = (
    keras.layers.Add,
    keras.layers.Subtract,
    keras.layers.Multiply,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
)
# Activations that treat channels apart; behind any other one (softmax) all channels stay.
_APART = ("relu", "relu6", "leaky_relu", "sigmoid", "hard_sigmoid", "tanh", "linear", "elu", "selu", "silu", "gelu")
_HANDED_ON = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.ELU,
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.UpSampling1D,
    keras.layers.UpSampling2D,
)


@dataclass(frozen=True, slots=True)
class Layer:
    """The atoms of a layer's inputs and output, last axis each."""

    layer: Any
    inputs: tuple[Array, ...]
    output: Array

    @property
    def makes(self) -> bool:
        """Whether the output's channels are its filters."""
        return isinstance(self.layer, (*_CONVOLUTIONS, keras.layers.Dense))

    @property
    def normalises(self) -> bool:
        return isinstance(self.layer, keras.layers.BatchNormalization)

    @property
    def is_depthwise(self) -> bool:
        return isinstance(self.layer, _DEPTHWISE)


@dataclass(frozen=True, slots=True)
class Channels:
    """Layers in their order, with atoms by their representatives; groups: atoms that can be removed, those of the same
    layers together."""

    layers: tuple[Layer, ...]
    groups: tuple[tuple[int, ...], ...]


class _Atoms:
    """Numbers, some of which are one, some of which must stay."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._fixed: set[int] = set()

    def new(self, count: int, fixed: bool = False) -> Array:
        first = len(self._parent)
        made = np.arange(first, first + count)
        self._parent += made.tolist()
        if fixed:
            self._fixed.update(made.tolist())
        return made

    def find(self, atom: int) -> int:
        while self._parent[atom] != atom:
            self._parent[atom] = atom = self._parent[self._parent[atom]]
        return atom

    def join(self, a: Array, b: Array) -> None:
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            self._parent[self.find(x)] = self.find(y)

    def fix(self, atoms: Array) -> None:
        self._fixed.update(atoms.tolist())

    def roots(self, atoms: Array) -> Array:
        return np.array([self.find(a) for a in atoms.tolist()], int)

    def fixed(self) -> frozenset[int]:
        return frozenset(self.find(a) for a in self._fixed)


def channels_of(model: Any) -> Channels:
    """Of a functional Keras model whose layers are each used once where channels are to be removed."""
    atoms = _Atoms()
    known: dict[int, Array] = {id(t): atoms.new(_last(t), fixed=True) for t in model.inputs}
    found: list[Layer] = []
    once = used_once(model)
    for operation, inputs, outputs in _calls(model):
        before = tuple(known[id(t)] for t in inputs)
        after = None
        if len(outputs) == 1 and operation.name in once:
            after = _through(operation, inputs, outputs[0], before, atoms)
        if after is None:
            for each in before:
                atoms.fix(each)
            known.update({id(t): atoms.new(_last(t), fixed=True) for t in outputs})
        else:
            known[id(outputs[0])] = after
            found.append(Layer(operation, before, after))
    for tensor in model.outputs:
        atoms.fix(known[id(tensor)])
    layers = tuple(Layer(x.layer, tuple(map(atoms.roots, x.inputs)), atoms.roots(x.output)) for x in found)
    return Channels(layers, tuple(_groups(layers, atoms.fixed())))


def used_once(model: Any) -> frozenset[str]:
    """The names of the layers that a functional model calls once."""
    counts = Counter(operation.name for operation, _, _ in _calls(model))
    return frozenset(name for name, count in counts.items() if count == 1)


def _calls(model: Any) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """Each call of a layer in the model, in an order in which inputs come first."""
    depths = model._nodes_by_depth
    for depth in sorted(depths, reverse=True):
        for node in depths[depth]:
            if not node.is_input:
                yield node.operation, list(node.input_tensors), list(node.outputs)


def _last(tensor: Any) -> int:
    return int(tensor.shape[-1] or 1) if len(tensor.shape) > 1 else 1


def _through(layer: Any, inputs: list[Any], output: Any, before: tuple[Array, ...], atoms: _Atoms) -> Array | None:
    """The output's atoms; None for a layer whose channels cannot be followed."""
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return None
    size = _last(output)
    apart = getattr(getattr(layer, "activation", None), "__name__", "linear") in _APART
    if type(layer) in _CONVOLUTIONS and layer.groups == 1:
        return atoms.new(size, fixed=not apart)
    if type(layer) is keras.layers.Dense:
        return atoms.new(size, fixed=not apart)
    if not apart:
        return None
    if type(layer) in _DEPTHWISE and layer.depth_multiplier == 1:
        return before[0]
    if type(layer) is keras.layers.BatchNormalization and layer.axis in (-1, len(output.shape) - 1):
        return before[0]
    if type(layer) in (*_HANDED_ON, keras.layers.Activation):
        return before[0]
    if type(layer) is keras.layers.Flatten and None not in inputs[0].shape[1:]:
        return np.tile(before[0], size // len(before[0]))
    if type(layer) in _SUMS and all(len(each) == size for each in before):
        for each in before[1:]:
            atoms.join(before[0], each)
        return before[0]
    if type(layer) is keras.layers.Concatenate and layer.axis in (-1, len(output.shape) - 1):
        return np.concatenate(before)
    return None


def _groups(layers: tuple[Layer, ...], fixed: frozenset[int]) -> Iterator[tuple[int, ...]]:
    """Atoms made by the same set of layers, without those that must stay."""
    makers: Mapping[int, list[int]] = defaultdict(list)
    for place, layer in enumerate(layers):
        if layer.makes:
            for atom in layer.output.tolist():
                makers[atom].append(place)
    grouped: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for atom, places in makers.items():
        if atom not in fixed:
            grouped[tuple(places)].append(atom)
    yield from (tuple(group) for group in grouped.values())
