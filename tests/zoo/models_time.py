"""Models of the zoo over time: convolutions, recurrent layers."""

from __future__ import annotations

from typing import Any

from keras import layers

from tests.zoo.building import model, sequential


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

    return model((24, 4), body)


def conv1d() -> Any:
    return sequential(
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
    return sequential(
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
    return sequential(
        (20, 10, 1),
        layers.Conv2D(4, 3, (1, 2), padding="same", activation="relu"),
        layers.Reshape((20, 20)),
        layers.GRU(8),
        layers.Dense(3, activation="softmax"),
    )


def lstm_unrolled() -> Any:
    return sequential((8, 5), layers.LSTM(6, unroll=True), layers.Dense(3))


def lstm_stacked() -> Any:
    """Not unrolled: two fused operators."""
    return sequential((6, 4), layers.LSTM(5, return_sequences=True), layers.LSTM(4), layers.Dense(2))


def gru_unrolled() -> Any:
    return sequential((8, 5), layers.GRU(6, unroll=True, return_sequences=True), layers.Dense(3))


def gru_reset_before() -> Any:
    return sequential((6, 5), layers.GRU(4, reset_after=False), layers.Dense(3))


def simple_rnn() -> Any:
    return sequential((9, 4), layers.SimpleRNN(6, return_sequences=True), layers.SimpleRNN(4), layers.Dense(2))


def bidirectional() -> Any:
    return sequential(
        (7, 4),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.GRU(3), merge_mode="sum"),
        layers.Dense(2),
    )


def masking() -> Any:
    """Steps of zeros are left out."""
    return sequential((5, 3), layers.Masking(), layers.LSTM(4, return_sequences=True), layers.GRU(3), layers.Dense(2))


def rnn_cells() -> Any:
    cells = [layers.LSTMCell(4), layers.GRUCell(3)]
    return sequential((5, 3), layers.RNN(cells), layers.Dense(2))


def conv_lstm() -> Any:
    return sequential((4, 6, 6, 2), layers.ConvLSTM2D(3, 3, padding="same"), layers.Flatten(), layers.Dense(2))


def time_distributed() -> Any:
    return sequential(
        (4, 8, 8, 1),
        layers.TimeDistributed(layers.Conv2D(3, 3, 2, activation="relu")),
        layers.TimeDistributed(layers.Flatten()),
        layers.TimeDistributed(layers.Dense(5)),
        layers.LSTM(4),
    )


def encoder_decoder() -> Any:
    """RepeatVector between two recurrent layers."""
    return sequential(
        (6, 3), layers.LSTM(4), layers.RepeatVector(6), layers.LSTM(4, return_sequences=True), layers.Dense(3)
    )
