"""docs/operators.md says what the code does."""

from __future__ import annotations

import pytest

from tests.exact.cases import NIGHTLY
from tests.support import operators_doc
from tinygen.ops import OPERATORS


@pytest.mark.skipif(NIGHTLY, reason="the same in every run")
def test_it_is_up_to_date() -> None:
    assert operators_doc.PATH.read_text(encoding="utf-8") == operators_doc.document(), "make docs"


def test_it_tells_what_is_known_otherwise() -> None:
    """Some facts that stand in the operators' checks, so that trying options out cannot go wrong unseen."""
    sections = operators_doc.PATH.read_text(encoding="utf-8").split("\n### ")
    texts = {section.partition("\n")[0]: section for section in sections[1:]}
    assert set(texts) == set(OPERATORS) - {"TABLE"}
    assert "`fusedActivationFunction`: NONE, RELU, RELU_N1_TO_1, RELU6; refused: TANH, SIGN_BIT." in texts["CONV_2D"]
    assert "`padding`: SAME, VALID." in texts["CONV_2D"]
    assert "`fusedActivationFunction`: NONE; refused" in texts["CONCATENATION"]
    assert "`ellipsisMask`: 0; refused: 1." in texts["STRIDED_SLICE"]
    assert "`exclusive`: false, true." in texts["CUMSUM"]
    assert "formula = numpy = C" in texts["TILE"]
    assert "TFLM = numpy = C" in texts["SOFTMAX"]
