"""What a model is after each step of compression: quantized by the default path, planned, and judged.

Place in the flow: worker.py makes one Bench per job. TensorFlow is imported in the methods.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygen.compress.job import CompressJob, State
from tinygen.compress.score import Scores
from tinygen.errors import TinygenError
from tinygen.ir import Array
from tinygen.load import keras_job
from tinygen.load.calibration import calibration_of, count_of
from tinygen.load.channel import Channel
from tinygen.load.data import Dataset, Samples, load_data
from tinygen.quantize.flat import Flat
from tinygen.quantize.improve import improve
from tinygen.quantize.search import cost


@dataclass(slots=True, eq=False)
class Bench:
    """The model as it was, its data, and the states so far. numbers: as in FloatModel."""

    job: CompressJob
    channel: Channel
    large: Any
    shapes: dict[str, tuple[int, ...]]
    numbers: dict[str, int]
    dataset: Dataset | None
    states: list[State] = field(default_factory=list)
    scores: Scores | None = None

    @staticmethod
    def of(job: CompressJob, channel: Channel, large: Any) -> Bench:
        """With the data read; raises TinygenError."""
        from tinygen.load.keras_model import float_model

        described = float_model(copied(large), job.model, job.suffix)
        shapes = keras_job.fix_shapes(described.inputs, job.input_shapes)
        dataset = load_data(job.data, shapes) if job.data else None
        if dataset is not None and dataset.calibration is None:
            raise TinygenError(
                f"{dataset.name} has no samples to calibrate with", "add x_calibration, or name FILE:KEY"
            )
        return Bench(job, channel, large, shapes, dict(described.numbers), dataset)

    def tune(self, small: Any, what: str) -> None:
        """Fine-tune in place towards the model as it was, if there is data."""
        if self.dataset is None or self.dataset.calibration is None or self.job.steps == 0:
            return
        from tinygen.compress.distil import distil

        stage, total = f"fine-tuning the {what} model", self.job.steps
        self.channel.progress(stage)
        tensors = zip(self.shapes, self.large.inputs, strict=True)
        arrays = [self.dataset.calibration[name].reshape(-1, *tensor.shape[1:]) for name, tensor in tensors]
        distil(small, self.large, arrays, not self.numbers, total, lambda n: self.channel.count(stage, n, total))

    def note(self, model: Any, step: str) -> State:
        """Put down what the model is now; `step` in words."""
        from tinygen.load import keras_convert
        from tinygen.load.keras_model import float_model

        self.channel.progress(f"quantizing the {step} model")
        floating = float_model(copied(model), self.job.model, self.job.suffix)
        traced = keras_convert.trace(floating, self.shapes)
        keras_convert.need_no_loops(floating, traced)
        samples = self._calibration()
        content = keras_convert.convert(floating, self.shapes, traced, iter(samples))
        score = int8_score = None
        if self.dataset is not None:
            content = improve(keras_convert.convert_float(floating, self.shapes, traced), content, samples).content
            score, int8_score = self._scores(floating, traced, content)
        arena, const, instructions = cost(content)
        state = State(step, score, int8_score, Flat.of(content).macs(), const, arena, instructions)
        self.states.append(state)
        return state

    def _calibration(self) -> list[list[Array]]:
        """Those of `tinygen quantize`; random ones without data, when only costs count."""
        samples = calibration_of(self.dataset, self.shapes, self.numbers).samples
        return [self._sample(samples, i) for i in range(count_of(samples))]

    def _sample(self, samples: Samples, i: int) -> list[Array]:
        """The inputs of one inference, as the model takes them."""
        types = {name: np.int32 if name in self.numbers else np.float32 for name in self.shapes}
        return [samples[name][i].reshape(shape).astype(types[name]) for name, shape in self.shapes.items()]

    def _scores(self, floating: Any, traced: Any, content: bytes) -> tuple[float, float]:
        """Of the float model and its int8 form; the first model that is judged is what later ones are held against."""
        from tinygen.load import keras_convert

        assert self.dataset is not None
        test = self.dataset.test or self.dataset.calibration
        assert test is not None
        real = keras_convert.predict(floating, traced, self.shapes, test, lambda done: None)[0]
        if self.scores is None:
            from tinygen.compress.distil import is_softmax

            inputs = [self._sample(test, i) for i in range(len(real))]
            self.scores = Scores(inputs, real, self.dataset.y_test, is_softmax(self.large, 0))
        return self.scores.of(real), self.scores.of_int8(content)


def copied(model: Any) -> Any:
    """The same functional Keras model in layers of its own."""
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy
