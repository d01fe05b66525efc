"""The zoo: small Keras models of the kinds that people run on microcontrollers; each public function is one.

Imported only by convert.py, in a child process: it imports TensorFlow. test_zoo.py reads the names of the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers


def _model(shape: tuple[int, ...], body: Callable[[Any], Any]) -> Any:
    x = keras.Input(shape, name="x")
    return keras.Model(x, body(x))


def _chain(*parts: Any) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return run


def _sequential(shape: tuple[int, ...], *parts: Any) -> Any:
    return _model(shape, _chain(*parts))


def _conv_bn(x: Any, filters: int, size: int = 3, stride: int = 1, activation: str | None = "relu6") -> Any:
    x = layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation(activation)(x) if activation else x


# blocks of image models


def mobilenet_v2() -> Any:
    """Inverted residuals with ReLU6."""

    def block(x: Any, filters: int, stride: int) -> Any:
        y = _conv_bn(x, x.shape[-1] * 3, 1)
        y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = _conv_bn(y, filters, 1, activation=None)
        return layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y

    def body(x: Any) -> Any:
        x = block(block(block(_conv_bn(x, 8, stride=2), 8, 1), 12, 2), 12, 1)
        return layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(x))

    return _model((24, 24, 3), body)


def _squeeze_excite(x: Any, gate: str) -> Any:
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(4, 1, activation="relu")(y)
    return layers.Multiply()([x, layers.Conv2D(x.shape[-1], 1, activation=gate)(y)])


def mobilenet_v3() -> Any:
    """hard_swish, and squeeze and excite with hard_sigmoid."""

    def block(x: Any, filters: int, stride: int, size: int) -> Any:
        y = _conv_bn(x, x.shape[-1] * 2, 1, activation="hard_swish")
        y = layers.DepthwiseConv2D(size, stride, padding="same", use_bias=False)(y)
        y = layers.Activation("hard_swish")(layers.BatchNormalization()(y))
        y = _conv_bn(_squeeze_excite(y, "hard_sigmoid"), filters, 1, activation=None)
        return layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y

    def body(x: Any) -> Any:
        x = block(block(_conv_bn(x, 8, stride=2, activation="hard_swish"), 8, 1, 3), 12, 2, 5)
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Conv2D(16, 1, activation="hard_swish")(x)
        return layers.Flatten()(layers.Conv2D(4, 1)(x))

    return _model((20, 20, 3), body)


def squeeze_excite() -> Any:
    return _model((10, 9, 6), lambda x: _squeeze_excite(_conv_bn(x, 8), "sigmoid"))


def _unet(up: Callable[[Any, int], Any]) -> Any:
    def body(x: Any) -> Any:
        first = _conv_bn(x, 4, activation="relu")
        second = _conv_bn(layers.MaxPooling2D()(first), 8, activation="relu")
        bottom = _conv_bn(layers.MaxPooling2D()(second), 12, activation="relu")
        x = _conv_bn(layers.Concatenate()([up(bottom, 8), second]), 8, activation="relu")
        x = _conv_bn(layers.Concatenate()([up(x, 4), first]), 4, activation="relu")
        return layers.Conv2D(2, 1, activation="sigmoid")(x)

    return _model((16, 16, 1), body)


def unet_transposed() -> Any:
    return _unet(lambda x, filters: layers.Conv2DTranspose(filters, 2, 2, activation="relu")(x))


def unet_nearest() -> Any:
    return _unet(lambda x, filters: layers.Conv2D(filters, 1)(layers.UpSampling2D()(x)))


def unet_bilinear() -> Any:
    return _unet(lambda x, filters: layers.Conv2D(filters, 1)(layers.UpSampling2D(interpolation="bilinear")(x)))


def yolo_head() -> Any:
    """Two scales: the deep one is resized and joined with the shallow one, each with boxes, scores and classes."""

    def head(x: Any) -> Any:
        x = layers.Reshape((-1, 7))(layers.Conv2D(14, 1)(x))
        xy, wh, scores = x[..., :2], x[..., 2:4], x[..., 4:]
        return layers.Concatenate()([layers.Activation("sigmoid")(xy), wh, layers.Activation("sigmoid")(scores)])

    def body(x: Any) -> Any:
        shallow = _conv_bn(_conv_bn(x, 6, stride=2), 8, stride=2, activation="leaky_relu")
        deep = _conv_bn(shallow, 12, stride=2, activation="leaky_relu")
        up = layers.Resizing(6, 6, interpolation="nearest")(_conv_bn(deep, 6, 1))
        return layers.Concatenate(1)([head(deep), head(_conv_bn(layers.Concatenate()([up, shallow]), 8))])

    return _model((24, 24, 3), body)


def shuffle_block() -> Any:
    """Channel shuffle: RESHAPE, TRANSPOSE, RESHAPE."""

    def body(x: Any) -> Any:
        y = layers.Conv2D(8, 1, groups=2)(x)
        y = layers.Reshape((8, 8, 8))(layers.Permute((1, 2, 4, 3))(layers.Reshape((8, 8, 2, 4))(y)))
        return layers.Concatenate()([layers.DepthwiseConv2D(3, padding="same")(y), x])

    return _model((8, 8, 8), body)


def autoencoder_dense() -> Any:
    sizes = (16, 4, 16)
    return _sequential((40,), *(layers.Dense(n, activation="relu") for n in sizes), layers.Dense(40))


def autoencoder_conv() -> Any:
    return _sequential(
        (12, 12, 1),
        layers.Conv2D(6, 3, 2, padding="same", activation="relu"),
        layers.Conv2D(3, 3, 2, padding="same", activation="relu"),
        layers.Conv2DTranspose(6, 3, 2, padding="same", activation="relu"),
        layers.Conv2DTranspose(1, 3, 2, padding="same", activation="sigmoid"),
    )


def two_inputs_two_outputs() -> Any:
    image, numbers = keras.Input((8, 8, 2), name="image"), keras.Input((6,), name="numbers")
    x = layers.Flatten()(layers.Conv2D(4, 3, 2, activation="relu")(image))
    joined = layers.Concatenate()([x, layers.Dense(5, activation="tanh")(numbers)])
    classes = layers.Dense(3, activation="softmax", name="classes")(joined)
    return keras.Model([image, numbers], [classes, layers.Dense(2, name="place")(layers.Dense(8)(joined))])


# over time


def tcn() -> Any:
    """Residual blocks of dilated causal convolutions."""

    def body(x: Any) -> Any:
        x = layers.Conv1D(6, 1)(x)
        for dilation in (1, 2, 4):
            y = layers.Conv1D(6, 3, padding="causal", dilation_rate=dilation, activation="relu")(x)
            y = layers.SpatialDropout1D(0.1)(y)
            y = layers.Conv1D(6, 3, padding="causal", dilation_rate=dilation)(y)
            x = layers.ReLU()(layers.Add()([x, y]))
        return layers.Dense(3)(layers.GlobalMaxPooling1D()(x))

    return _model((24, 4), body)


def conv1d() -> Any:
    return _sequential(
        (40, 4),
        layers.Conv1D(6, 5, 2, padding="causal", activation="relu"),
        layers.Conv1D(6, 3, padding="same", dilation_rate=2, activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling1D(2),
        layers.Conv1D(8, 3, groups=2, activation="relu"),
        layers.AveragePooling1D(2),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3, activation="softmax"),
    )


def conv1d_separable() -> Any:
    return _sequential(
        (30, 3),
        layers.SeparableConv1D(8, 5, padding="same", depth_multiplier=2, activation="relu"),
        layers.DepthwiseConv1D(3, strides=2),
        layers.ZeroPadding1D((1, 2)),
        layers.Cropping1D((0, 1)),
        layers.UpSampling1D(2),
        layers.Conv1DTranspose(4, 3, 2),
    )


def conv_lstm_front() -> Any:
    """Convolutions over a spectrogram, then a GRU."""
    return _sequential(
        (20, 10, 1),
        layers.Conv2D(4, 3, (1, 2), padding="same", activation="relu"),
        layers.Reshape((20, 20)),
        layers.GRU(8),
        layers.Dense(3, activation="softmax"),
    )


def lstm_unrolled() -> Any:
    return _sequential((8, 5), layers.LSTM(6, unroll=True), layers.Dense(3))


def lstm_stacked() -> Any:
    """Not unrolled: two fused operators."""
    return _sequential((6, 4), layers.LSTM(5, return_sequences=True), layers.LSTM(4), layers.Dense(2))


def gru_unrolled() -> Any:
    return _sequential((8, 5), layers.GRU(6, unroll=True, return_sequences=True), layers.Dense(3))


def gru_reset_before() -> Any:
    return _sequential((6, 5), layers.GRU(4, reset_after=False), layers.Dense(3))


def simple_rnn() -> Any:
    return _sequential((9, 4), layers.SimpleRNN(6, return_sequences=True), layers.SimpleRNN(4), layers.Dense(2))


def bidirectional() -> Any:
    return _sequential(
        (7, 4),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.GRU(3), merge_mode="sum"),
        layers.Dense(2),
    )


def rnn_cells() -> Any:
    cells = [layers.LSTMCell(4), layers.GRUCell(3)]
    return _sequential((5, 3), layers.RNN(cells), layers.Dense(2))


def conv_lstm() -> Any:
    return _sequential((4, 6, 6, 2), layers.ConvLSTM2D(3, 3, padding="same"), layers.Flatten(), layers.Dense(2))


def time_distributed() -> Any:
    return _sequential(
        (4, 8, 8, 1),
        layers.TimeDistributed(layers.Conv2D(3, 3, 2, activation="relu")),
        layers.TimeDistributed(layers.Flatten()),
        layers.TimeDistributed(layers.Dense(5)),
        layers.LSTM(4),
    )


def encoder_decoder() -> Any:
    """RepeatVector between two recurrent layers."""
    return _sequential(
        (6, 3), layers.LSTM(4), layers.RepeatVector(6), layers.LSTM(4, return_sequences=True), layers.Dense(3)
    )


# attention


def attention() -> Any:
    """A transformer's block: attention with LayerNorm before, and two dense layers with GELU."""

    def body(x: Any) -> Any:
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(y, y)])
        y = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(8)(y)])
        return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))

    return _model((6, 8), body)


def attention_only() -> Any:
    def body(x: Any) -> Any:
        return layers.Dense(3)(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))

    return _model((6, 8), body)


def dot_product() -> Any:
    """Dot of two branches, one over features and one over time."""

    def body(x: Any) -> Any:
        a, b = layers.Dense(4)(x), layers.Dense(4)(x)
        weights = layers.Softmax()(layers.Dot((2, 2))([a, b]))
        return layers.Dot((2, 1))([weights, layers.Dense(3)(x)])

    return _model((6, 5), body)


# single layers that are easily overlooked


def _activation(*names: str) -> Any:
    def body(x: Any) -> Any:
        for name in names:
            x = layers.Activation(name)(layers.Dense(10)(x))
        return x

    return _model((12,), body)


def elu() -> Any:
    return _activation("elu")


def selu() -> Any:
    return _activation("selu")


def gelu() -> Any:
    return _activation("gelu")


def gelu_tanh() -> Any:
    return _sequential((12,), layers.Dense(10), lambda x: keras.activations.gelu(x, approximate=True))


def swish() -> Any:
    return _activation("swish", "swish")


def softplus() -> Any:
    return _activation("softplus")


def softsign() -> Any:
    return _activation("softsign")


def mish() -> Any:
    return _activation("mish")


def exponential() -> Any:
    return _activation("exponential")


def hard_sigmoid() -> Any:
    return _activation("hard_sigmoid", "sigmoid", "tanh")


def log_softmax() -> Any:
    return _activation("log_softmax")


def relu_variants() -> Any:
    return _sequential(
        (6, 6, 3),
        layers.Conv2D(4, 3),
        layers.LeakyReLU(0.2),
        layers.Conv2D(4, 1),
        layers.ReLU(threshold=0.2),
        layers.Conv2D(4, 1),
        layers.ReLU(1.0),
    )


def relu6_with_slope() -> Any:
    return _sequential((6, 6, 3), layers.Conv2D(4, 3), layers.ReLU(6.0, 0.1))


def prelu() -> Any:
    start = keras.initializers.RandomUniform(0.1, 0.5, 1)
    return _sequential(
        (6, 6, 3),
        layers.Conv2D(4, 3),
        layers.PReLU(start, shared_axes=(1, 2)),
        layers.Conv2D(4, 1),
        layers.PReLU(start),
    )


def layer_normalization() -> Any:
    return _sequential((5, 8), layers.LayerNormalization(), layers.Dense(4))


def group_normalization() -> Any:
    return _sequential((6, 6, 3), layers.Conv2D(8, 3), layers.GroupNormalization(4), layers.Dense(4))


def rms_normalization() -> Any:
    return _sequential((5, 8), layers.RMSNormalization(), layers.Dense(4))


def unit_normalization() -> Any:
    return _sequential((10,), layers.Dense(8), layers.UnitNormalization())


def batch_normalization() -> Any:
    """On its own, where no convolution can take it in."""
    return _sequential((6, 6, 3), layers.BatchNormalization(), layers.MaxPooling2D(), layers.BatchNormalization())


def rescaling() -> Any:
    return _sequential((8, 8, 3), layers.Rescaling(1 / 2, -0.25), layers.Conv2D(4, 3, 2, activation="relu"))


def embedding() -> Any:
    """Words come as floats here: an int8 model has no other inputs."""
    return _sequential((6,), layers.Embedding(9, 4), layers.GlobalAveragePooling1D(), layers.Dense(2))


def upsampling_nearest() -> Any:
    return _sequential((4, 5, 3), layers.Conv2D(4, 1), layers.UpSampling2D((2, 3)), layers.Conv2D(2, 3))


def upsampling_bilinear() -> Any:
    return _sequential(
        (4, 5, 3), layers.Conv2D(4, 1), layers.UpSampling2D(2, interpolation="bilinear"), layers.Conv2D(2, 3)
    )


def upsampling_1d() -> Any:
    return _sequential((6, 3), layers.Conv1D(4, 1), layers.UpSampling1D(3), layers.Conv1D(2, 3))


def padding_and_cropping() -> Any:
    return _sequential(
        (8, 8, 2),
        layers.ZeroPadding2D(((1, 2), (0, 1))),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.ZeroPadding2D(1),
        layers.MaxPooling2D(2),
        layers.Cropping2D(((1, 0), (0, 1))),
        layers.SpatialDropout2D(0.2),
        layers.Conv2D(3, 1),
    )


def merges() -> Any:
    """Every merging layer of Keras on branches of the same shape."""

    def body(x: Any) -> Any:
        a, b = layers.Conv2D(4, 1)(x), layers.Conv2D(4, 1)(x)
        kinds = (layers.Maximum, layers.Minimum, layers.Subtract, layers.Multiply, layers.Average, layers.Add)
        return layers.Concatenate()([kind()([a, b]) for kind in kinds])

    return _model((5, 5, 3), body)


def merges_of_three() -> Any:
    def body(x: Any) -> Any:
        branches = [layers.Dense(6)(x) for _ in range(3)]
        kinds = (layers.Maximum, layers.Multiply, layers.Average, layers.Add)
        return layers.Concatenate()([kind()(branches) for kind in kinds])

    return _model((7,), body)


def transposed_convolutions() -> Any:
    return _sequential(
        (5, 4, 3),
        layers.Conv2DTranspose(4, 3, (2, 1), padding="same", activation="relu"),
        layers.Conv2DTranspose(3, (2, 3), 2, padding="valid"),
        layers.Conv2DTranspose(2, 3, use_bias=False),
    )


def depthwise_multiplier() -> Any:
    return _sequential(
        (9, 9, 3),
        layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu"),
        layers.SeparableConv2D(6, 3, depth_multiplier=2, padding="same", activation="relu6"),
        layers.DepthwiseConv2D(3, dilation_rate=2),
    )


def dilated_and_grouped() -> Any:
    return _sequential(
        (12, 12, 4),
        layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu"),
        layers.Conv2D(8, 3, groups=2, activation="relu"),
        layers.Conv2D(4, (1, 3), dilation_rate=(1, 3)),
    )


def pools() -> Any:
    def body(x: Any) -> Any:
        x = layers.Conv2D(4, 3)(x)
        joined = layers.Concatenate()([layers.AveragePooling2D(3, 2, "same")(x), layers.MaxPooling2D(3, 2, "same")(x)])
        return layers.Concatenate()([layers.GlobalMaxPooling2D()(joined), layers.GlobalAveragePooling2D()(joined)])

    return _model((11, 11, 2), body)


def shapes() -> Any:
    """Permute, RepeatVector, Reshape and Flatten, whose bytes mostly stay where they are."""

    def body(x: Any) -> Any:
        x = layers.Reshape((10, 1, 3))(layers.Permute((2, 1))(layers.Dense(10)(x)))
        x = layers.Permute((2, 1, 3))(x)  # moves an axis of one: a reshape
        x = layers.Dense(6)(layers.Flatten()(layers.Permute((3, 1, 2))(x)))
        x = layers.RepeatVector(3)(x)
        return layers.Reshape((6, 3))(layers.Reshape((2, 9))(layers.Dense(6)(x)))

    return _model((3, 4), body)


def dense_block() -> Any:
    """A block of DenseNet: concatenation upon concatenation."""

    def body(x: Any) -> Any:
        for _ in range(3):
            x = layers.Concatenate()([x, layers.Conv2D(3, 3, padding="same", activation="relu")(x)])
        return x

    return _model((6, 6, 3), body)


def attention_gate() -> Any:
    """A gate of one channel, spread over all of them, and one of one row."""

    def body(x: Any) -> Any:
        x = layers.Conv2D(6, 3)(x)
        gate = layers.Conv2D(1, 1, activation="sigmoid")(x)
        rows = layers.Conv2D(6, (6, 1), activation="tanh")(x)
        return layers.Subtract()([layers.Multiply()([x, gate]), rows])

    return _model((8, 8, 3), body)


def additive_attention() -> Any:
    def body(x: Any) -> Any:
        q, k = layers.Dense(4)(x), layers.Dense(4)(x)
        return layers.Concatenate()([layers.Attention()([q, k]), layers.AdditiveAttention()([q, k])])

    return _model((5, 6), body)
