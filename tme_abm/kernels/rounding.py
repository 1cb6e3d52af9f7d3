"""Rounding of numbers to some significant bits, so that they compress well."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["rounded"]

Float = TypeVar("Float", np.float32, np.float64)


def rounded(values: NDArray[Float], bits: int) -> NDArray[Float]:
    """``values`` (any shape) to ``bits`` significant bits: m 2^e, 1/2 <= |m| < 1, with m to the nearest 2^-bits.

    The relative error is at most 2^-bits (half a unit of the last bit, over m >= 1/2); zero, infinity and NaN stay.
    """
    fraction, exponent = np.frexp(values)
    result: NDArray[Float] = np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)
    return result
