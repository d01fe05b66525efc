"""ARG_MIN along one axis, int8 in, int32 out; equals ArgMinMax in reference/arg_min_max.h: the first of equals."""

from __future__ import annotations

from tinygen.ops.arg_max import ArgMax


class ArgMin(ArgMax):
    kind = "ARG_MIN"
    sign = -1
