"""Scalar arithmetic shared by every engine, the same bits everywhere.

Only ``+ - * /``, comparisons, ``floor``, mantissa and exponent, and the correctly rounded square root are used: no library ``exp``, ``log`` or power, whose last bits differ between
processors and between compiled and interpreted code. So a history depends on its key and on nothing else.

``exp`` reduces its argument by a table of roots of two (Tang 1989); ``log`` takes the mantissa in [sqrt(1/2), sqrt(2)) and minimax coefficients of FreeBSD's msun
(Sun Microsystems 1993); the error of both is below one unit in the last place. Normal quantiles follow Wichura (1988), algorithm AS 241. Random words are
Philox4x32-10 (Salmon et al. 2011).

References
----------
Salmon JK et al. Parallel random numbers: as easy as 1, 2, 3. SC11. doi:10.1145/2063384.2063405
Tang PTP. Table-driven implementation of the exponential function in IEEE floating-point arithmetic. ACM Trans Math Softw 1989;15:144-57. doi:10.1145/63522.214389
Wichura MJ. Algorithm AS 241. Appl Stat 1988;37:477-84. doi:10.2307/2347330
"""

# mypy: disable-error-code="no-any-return"
# (an element of an array has no type here; compiled, it is a double)

from __future__ import annotations

import decimal
import math

import numpy as np
from numpy.typing import NDArray

from pathway.jit import inline_kernel, kernel, mantissa_exponent

Floats = NDArray[np.float64]

INFINITY = math.inf
LOWEST_EXPONENT = -1074
SMALLEST_SLOPE = 1e-280
"""A log hazard that changes by less a year does not change: products with it could be subnormal and lose digits."""
AT_BOUND = 1e-9
"""A value that is no further from a bound, relative to it if it is above 1, stands at it."""
_POWERS_OF_TWO = np.array([math.ldexp(1.0, k) for k in range(LOWEST_EXPONENT, 1024)])
_INVERSE_LN2 = 1.44269504088896338700
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_PARTS_SHIFT, _PARTS = 7, 128
_INVERSE_FACTORIALS = tuple(1.0 / math.factorial(n) for n in range(2, 15))
"""1/2!, 1/3!, ... 1/14!"""
_ROUNDER = 6755399441055744.0
"""1.5 * 2**52: adding and subtracting it rounds a double to the nearest integer."""
_SQRT_HALF = 0.70710678118654752440
SMALLEST_NORMAL = 2.2250738585072014e-308
CENTRAL = 0.425
"""How far from a half the middle part of the normal quantile reaches."""
FOLD = 4.0
"""Standard deviations beyond which a heavy-tailed draw is folded inside."""
FOLDED_SCALE = 1.0611200291475183
"""Gives the folded Student t unit variance again; checked by quadrature in ``tests/test_kernels.py``."""


def _roots_of_two() -> tuple[Floats, Floats]:
    """``2 ** (part / 128)``, rounded, and what was rounded away, relative; by decimal square roots, so the same everywhere."""
    with decimal.localcontext(decimal.Context(prec=50)):
        root = decimal.Decimal(2)
        for _ in range(_PARTS_SHIFT):
            root = root.sqrt()
        exact = [root**part for part in range(_PARTS)]
        tails = [float(number / decimal.Decimal(float(number)) - 1) for number in exact]
    return np.array([float(number) for number in exact]), np.array(tails)


_ROOTS, _TAILS = _roots_of_two()


@kernel
def exp(x: float) -> float:
    """Exponential; 0 below -745.2, infinity above 709.78.

    ``exp(x) = 2**n * 2**(part / 128) * exp(r)``, roots of two from a table with their tails, ``exp(r)`` by five terms of its series: no
    division, and half as many steps that wait for one another as in msun's.
    """
    if x != x:
        return x
    if x > 709.782712893384:
        return INFINITY
    if x < -745.14:
        return 0.0
    k = (x * (_INVERSE_LN2 * _PARTS) + _ROUNDER) - _ROUNDER
    r = (x - k * (_LN2_HIGH / _PARTS)) - k * (_LN2_LOW / _PARTS)
    part = int(k)
    n = part >> _PARTS_SHIFT
    part = part & _PARTS - 1
    t = r * r
    y = _ROOTS[part] + _ROOTS[part] * (((_TAILS[part] + r) + t * (0.5 + r * _INVERSE_FACTORIALS[1])) + (t * t) * (_INVERSE_FACTORIALS[2] + r * _INVERSE_FACTORIALS[3]))
    if n < -1000:
        return (y * _POWERS_OF_TWO[n + 200 + 1074]) * _POWERS_OF_TWO[1074 - 200]
    if n > 1000:
        return (y * _POWERS_OF_TWO[n - 200 + 1074]) * _POWERS_OF_TWO[1074 + 200]
    return y * _POWERS_OF_TWO[n + 1074]


@inline_kernel
def log_of_normal(x: float, shift: int) -> float:
    """Natural logarithm of a normal number above 0, divided by 2 ** ``shift``; without branches."""
    m, n = mantissa_exponent(x)
    is_low = m < _SQRT_HALF
    f = (m * 2.0 if is_low else m) - 1.0
    k = float((n - 1 if is_low else n) - shift)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)))
    r = even + odd
    h = 0.5 * f * f
    return k * _LN2_HIGH - ((h - (s * (h + r) + k * _LN2_LOW)) - f)


@kernel
def log(x: float) -> float:
    """Natural logarithm; minus infinity at 0, NaN below."""
    if x != x or x == INFINITY:
        return x
    if x == 0.0:
        return -INFINITY
    if x < 0.0:
        return math.nan
    return log_of_normal(x * 18014398509481984.0, 54) if x < SMALLEST_NORMAL else log_of_normal(x, 0)


@kernel
def expm1(x: float) -> float:
    """``exp(x) - 1`` without loss near 0: fourteen terms of the series, in pairs (Estrin); beyond, Kahan's correction of the rounded exponential by its own logarithm."""
    if -0.34 < x < 0.34:
        c = _INVERSE_FACTORIALS
        t = x * x
        u = t * t
        near = ((c[0] + c[1] * x) + (c[2] + c[3] * x) * t) + ((c[4] + c[5] * x) + (c[6] + c[7] * x) * t) * u
        far = ((c[8] + c[9] * x) + (c[10] + c[11] * x) * t) + c[12] * u
        return x + t * (near + far * (u * u))
    if x > 40.0 or x < -40.0:
        return exp(x) - 1.0
    y = exp(x)
    if y == 1.0:
        return x
    z = y - 1.0
    if z == -1.0:
        return -1.0
    return z * (x / log(y))


@kernel
def log1p(x: float) -> float:
    """``log(1 + x)`` without loss near 0 (Kahan)."""
    y = 1.0 + x
    if y == 1.0:
        return x
    if y <= 0.0 or y == INFINITY:
        return log(y)
    return log(y) * (x / (y - 1.0))


@kernel
def power(base: float, exponent: float) -> float:
    """``base ** exponent`` for base >= 0, as ``exp(exponent * log(base))``."""
    if exponent == 1.0:
        return base
    if base == 0.0:
        return 1.0 if exponent == 0.0 else 0.0
    return exp(exponent * log(base))


# --- random words -----------------------------------------------------------------------------------------------


@inline_kernel
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Philox4x32-10: four random words of a counter under a key; signed 64-bit arithmetic with masks."""
    for _ in range(10):
        p0 = 0xD2511F53 * c0
        p1 = 0xCD9E8D57 * c2
        c0 = ((p1 >> 32) & 0xFFFFFFFF) ^ c1 ^ k0
        c1 = p1 & 0xFFFFFFFF
        c2 = ((p0 >> 32) & 0xFFFFFFFF) ^ c3 ^ k1
        c3 = p0 & 0xFFFFFFFF
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


@inline_kernel
def unit_interval(a: int, b: int) -> float:
    """Two words to a number in the open interval (0, 1), 52 bits and a half."""
    return ((a >> 6) * 67108864.0 + (b >> 6) + 0.5) * (1.0 / 4503599627370496.0)


@kernel
def words(seed: int, sample: int, patient: int, stream: int, index: int) -> tuple[int, int, int, int]:
    """Four words of one key: counter (index, stream, patient, sample), key = seed."""
    return philox(index, stream, patient, sample, seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)


@kernel
def uniform(seed: int, sample: int, patient: int, stream: int, index: int) -> float:
    """Uniform draw in the open interval (0, 1)."""
    a, b, _, _ = words(seed, sample, patient, stream, index)
    return unit_interval(a, b)


@kernel
def exponential(seed: int, sample: int, patient: int, stream: int, index: int) -> float:
    """Unit-exponential draw."""
    a, b, _, _ = words(seed, sample, patient, stream, index)
    return -log(unit_interval(a, b))


@inline_kernel
def central_quantile(q: float) -> float:
    """Quantile of the standard normal for ``q`` above 0.5, if that is at most :data:`CENTRAL`: AS 241, PPND16."""
    r = 0.180625 - q * q
    top = (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r + 45921.953931549871457) * r
             + 13731.693765509461125) * r + 1971.5909503065514427) * r + 133.14166789178437745) * r + 3.387132872796366608)  # fmt: skip
    down = (((((((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r + 21213.794301586595867) * r
              + 5394.1960214247511077) * r + 687.1870074920579083) * r + 42.313330701600911252) * r + 1.0)  # fmt: skip
    return q * top / down


@kernel
def normal_quantile(u: float) -> float:
    """Quantile of the standard normal for u in (0, 1): AS 241, PPND16."""
    q = u - 0.5
    if abs(q) <= CENTRAL:
        return central_quantile(q)
    r = u if q < 0.0 else 1.0 - u
    r = math.sqrt(-log(r))
    if r <= 5.0:
        r = r - 1.6
        top = (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r + 1.27045825245236838258) * r
                 + 3.64784832476320460504) * r + 5.7694972214606914055) * r + 4.6303378461565452959) * r + 1.42343711074968357734)  # fmt: skip
        down = (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r + 0.14810397642748007459) * r
                  + 0.68976733498510000455) * r + 1.6763848301838038494) * r + 2.05319162663775882187) * r + 1.0)  # fmt: skip
    else:
        r = r - 5.0
        top = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r + 0.026532189526576123093) * r
                 + 0.29656057182850489123) * r + 1.7848265399172913358) * r + 5.4637849111641143699) * r + 6.6579046435011037772)  # fmt: skip
        down = (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r
                  + 0.0148753612908506148525) * r + 0.13692988092273580531) * r + 0.59983220655588793769) * r + 1.0)  # fmt: skip
    value = top / down
    return -value if q < 0.0 else value


@kernel
def normal(seed: int, sample: int, patient: int, stream: int, index: int) -> float:
    """Standard normal draw, by inversion."""
    return normal_quantile(uniform(seed, sample, patient, stream, index))


@kernel
def student4(seed: int, sample: int, patient: int, stream: int, index: int) -> float:
    """Student t with 4 degrees of freedom, bounded and of unit variance: heavy tails that end.

    x = z / sqrt(chi2 / 4) / sqrt(2), with chi2 of 4 degrees of freedom = -2 log(u1 u2), has unit variance. The one draw in 208 beyond 4 is folded inside,
    16 / x, which leaves the density continuous; the scale then gives unit variance back. Uses counter indices ``2 * index`` and ``2 * index + 1``, so a stream
    is drawn either by this or by the others.
    """
    a, b, c, d = words(seed, sample, patient, stream, 2 * index)
    e, f, _, _ = words(seed, sample, patient, stream, 2 * index + 1)
    z = normal_quantile(unit_interval(a, b))
    half = -(log(unit_interval(c, d)) + log(unit_interval(e, f)))
    x = z / math.sqrt(half)
    if x > FOLD or x < -FOLD:
        x = FOLD * FOLD / x
    return FOLDED_SCALE * x


# --- hazards ----------------------------------------------------------------------------------------------------


@kernel
def hazard_integral(level: float, slope: float, years: float) -> float:
    """Integral of ``level * exp(slope * s)`` for s from 0 to ``years``."""
    if -SMALLEST_SLOPE < slope < SMALLEST_SLOPE:
        return level * years
    return level * (expm1(slope * years) / slope)


@kernel
def hazard_inverse(level: float, slope: float, need: float) -> float:
    """Years until ``hazard_integral`` reaches ``need``; infinite if never."""
    if need <= 0.0:
        return 0.0
    if level <= 0.0:
        return INFINITY
    if -SMALLEST_SLOPE < slope < SMALLEST_SLOPE:
        return need / level
    z = need * slope / level
    if z <= -1.0:
        return INFINITY
    return log1p(z) / slope


@kernel
def weibull_integral(shape: float, scale: float, begin: float, years: float, factor: float) -> float:
    """Cumulative hazard ``factor * ((begin + years) / scale) ** shape`` less that at ``begin``."""
    return factor * (power((begin + years) / scale, shape) - power(begin / scale, shape))


@kernel
def weibull_inverse(shape: float, scale: float, begin: float, factor: float, need: float) -> float:
    """Years after ``begin`` until ``weibull_integral`` reaches ``need``; infinite if never."""
    if need <= 0.0:
        return 0.0
    if factor <= 0.0:
        return INFINITY
    years = scale * power(power(begin / scale, shape) + need / factor, 1.0 / shape) - begin
    return years if years > 0.0 else 0.0


@kernel
def table_inverse(hazards: Floats, place: int, length: int, age: float, need: float) -> float:
    """Years from ``age`` until the cumulative hazard of a life table has grown by ``need``.

    ``hazards`` holds from ``place`` on the cumulative hazard at ages 0, 1, ..., n, ``length`` n + 1; inside a year the hazard is constant; after the last age the
    last year's hazard goes on (infinite if that is 0).
    """
    last = length - 1
    year = int(math.floor(age))  # noqa: RUF046 - compiled, floor gives a float
    year = min(max(year, 0), last - 1)
    reached = hazards[place + year] + (age - year) * (hazards[place + year + 1] - hazards[place + year]) + need
    if reached >= hazards[place + last]:
        hazard = hazards[place + last] - hazards[place + last - 1]
        if hazard <= 0.0:
            return INFINITY
        return (last - age) + (reached - hazards[place + last]) / hazard
    low = year
    high = last
    while high - low > 1:
        middle = (low + high) // 2
        if hazards[place + middle] <= reached:
            low = middle
        else:
            high = middle
    return (low - age) + (reached - hazards[place + low]) / (hazards[place + low + 1] - hazards[place + low])


@kernel
def table_value(table: Floats, place: int, length: int, first: float, step: float, x: float) -> float:
    """Straight line between the ``length`` entries of a table from ``place`` on, at ``first``, ``first + step``, ...; held beyond its ends."""
    position = (x - first) / step
    if position <= 0.0:
        return table[place]
    last = length - 1
    if position >= last:
        return table[place + last]
    cell = int(position)
    return table[place + cell] + (position - cell) * (table[place + cell + 1] - table[place + cell])


@kernel
def bound_met(value: float, end: float, bound: float, years: float) -> float:
    """Years until a straight line, ``years`` long from ``value`` to ``end``, meets a bound; infinite where it starts at the bound or leaves it behind."""
    distance = bound - value
    if abs(distance) <= AT_BOUND * max(1.0, abs(bound)):
        return INFINITY
    met = years * (distance / (end - value))
    return met if met > 0.0 else INFINITY


@kernel
def transformed(kind: int, x: float) -> float:
    """What an index takes of a value (``pathway.program.Transform``): itself, root, log, log(1 + x) or exp(x) - 1; no root or log of less than 0."""
    if kind == 0:
        return x
    if kind == 4:
        return expm1(x)
    x = x if x > 0.0 else 0.0
    if kind == 1:
        return math.sqrt(x)
    return log(x) if kind == 2 else log1p(x)


@kernel
def improvement(level: float, sd: float, factor: float, u: float) -> float:
    """Latent response of a draw ``u``: ``level + sd * quantile(1 - u / factor)``; minus infinity where the draw is beyond the share that responds."""
    v = u / factor if factor > 0.0 else 1.0
    if v >= 1.0:
        return -INFINITY
    return level + sd * normal_quantile(1.0 - v)


@kernel
def round_half_up(x: float, step: float) -> float:
    """Nearest multiple of ``step``, halves upwards."""
    return math.floor(x / step + 0.5) * step


# --- arrays (one draw an element; used at the edges, never inside histories) --------------------------------------


@kernel
def fill_uniform(seed: int, sample: int, patients: NDArray[np.int64], stream: int, indices: NDArray[np.int64], out: Floats) -> None:
    """Fill ``out``, shape (n,), with uniforms of the given patients and indices."""
    for i in range(out.shape[0]):
        out[i] = uniform(seed, sample, patients[i], stream, indices[i])


@kernel
def fill_exponential(seed: int, sample: int, patients: NDArray[np.int64], stream: int, indices: NDArray[np.int64], out: Floats) -> None:
    """Fill ``out`` with unit exponentials."""
    for i in range(out.shape[0]):
        out[i] = exponential(seed, sample, patients[i], stream, indices[i])


@kernel
def fill_normal(seed: int, sample: int, patients: NDArray[np.int64], stream: int, indices: NDArray[np.int64], out: Floats) -> None:
    """Fill ``out`` with standard normals."""
    for i in range(out.shape[0]):
        out[i] = normal(seed, sample, patients[i], stream, indices[i])


@kernel
def fill_student4(seed: int, sample: int, patients: NDArray[np.int64], stream: int, indices: NDArray[np.int64], out: Floats) -> None:
    """Fill ``out`` with Student t4 draws of unit variance."""
    for i in range(out.shape[0]):
        out[i] = student4(seed, sample, patients[i], stream, indices[i])


@kernel
def fill_normal_quantile(u: Floats, out: Floats) -> None:
    """Fill ``out`` with normal quantiles of ``u``."""
    for i in range(out.shape[0]):
        out[i] = normal_quantile(u[i])


@kernel
def fill_exp(x: Floats, out: Floats) -> None:
    """Fill ``out`` with exponentials of ``x``."""
    for i in range(out.shape[0]):
        out[i] = exp(x[i])


@kernel
def fill_log(x: Floats, out: Floats) -> None:
    """Fill ``out`` with natural logarithms of ``x``."""
    for i in range(out.shape[0]):
        out[i] = log(x[i])


@kernel
def fill_power(base: Floats, exponent: Floats, out: Floats) -> None:
    """Fill ``out`` with powers of ``base``, 0 or above."""
    for i in range(out.shape[0]):
        out[i] = power(base[i], exponent[i])
