r"""Statistics of two sets of marks, computed for many resamples at once, with bootstrap intervals.

For marks a and b of the same n answers (a, b rounded to the steps of the scale for QWK and agreement):

* Pearson r:  covariance / product of the standard deviations
* Spearman rho:  Pearson r of the ranks, ties sharing their mean rank
* QWK (Cohen 1968):  1 - mean((a-b)^2) / (var(a) + var(b) + (mean(a) - mean(b))^2). The denominator is the expected
  squared difference of independent marks, so this equals the kappa of the contingency table with quadratic weights.
* RMSE, signed bias:  sqrt(mean((a-b)^2)), mean(a-b), not rounded
* exact and adjacent agreement:  shares of pairs with |a-b| = 0 and <= 1 step

Intervals are 95 % percentile intervals of a bootstrap over the answers (Efron & Tibshirani 1993, chapter 13).
numpy and scipy are imported when a function is called (extra ``calibrate``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from coach.calibrate.calibration import Scale, Statistic
from coach.files import require_statistics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    #: Statistics by name; every array has one value per resample, NaN where undefined.
    Values = dict[str, Floats]

#: Names of the statistics of `paired_statistics`, in the order of reports.
NAMES = ("pearson", "spearman", "qwk", "rmse", "exact", "adjacent", "bias")
RESAMPLES = 1000
#: Fewer answers say nothing about agreement.
MIN_ANSWERS = 3
#: An interval needs this share of resamples in which the statistic is defined.
MIN_DEFINED = 0.9

_PERCENTILES = (2.5, 97.5)
#: Numbers held at once while resampling, so that large files need no more memory than small ones.
_BLOCK = 2_000_000
_CONSTANT = 1e-9
_DIGITS = 6


def paired_statistics(
    first: Sequence[float], second: Sequence[float], scale: Scale, seed: int, by: tuple[str, str]
) -> dict[str, Statistic]:
    """Return the statistics named in NAMES with their intervals; differences are first minus second.

    ``by`` names the two sets ("human marks"). What is undefined (fewer than 3 pairs, marks that are all equal) has no
    value but a reason.
    """
    require_statistics()
    import numpy as np

    n = len(first)
    if n < MIN_ANSWERS:
        return {name: _too_few(n) for name in NAMES}
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    point = _all_statistics(a, b, scale)
    spread = _bootstrap(lambda chosen: _all_statistics(a[chosen], b[chosen], scale), n, seed)
    return {name: _statistic(float(point[name]), spread[name], n, _why_undefined(name, a, b, by)) for name in NAMES}


def point_statistics(first: Sequence[float], second: Sequence[float], scale: Scale) -> dict[str, float | None]:
    """Return the statistics named in NAMES without intervals, None where undefined."""
    require_statistics()
    import numpy as np

    if len(first) < MIN_ANSWERS:
        return dict.fromkeys(NAMES, None)
    values = _all_statistics(np.asarray(first, dtype=float), np.asarray(second, dtype=float), scale)
    return {name: None if np.isnan(values[name]) else _rounded(float(values[name])) for name in NAMES}


def rank_correlation(first: Sequence[float], second: Sequence[float], seed: int, by: tuple[str, str]) -> Statistic:
    """Return Spearman's rho of two sets of numbers with its interval; ``by`` names them."""
    require_statistics()
    import numpy as np

    n = len(first)
    if n < MIN_ANSWERS:
        return _too_few(n)
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    spread = _bootstrap(lambda chosen: {"spearman": _spearman(a[chosen], b[chosen])}, n, seed)
    return _statistic(float(_spearman(a, b)), spread["spearman"], n, _why_undefined("spearman", a, b, by))


def mean_of(values: Sequence[float | None], what: str, seed: int) -> Statistic:
    """Return the mean of the defined values; the interval resamples the values themselves (such as questions)."""
    require_statistics()
    import numpy as np

    defined = np.asarray([value for value in values if value is not None], dtype=float)
    left_out = len(values) - len(defined)
    if not len(defined):
        return Statistic(value=None, n=0, reason=f"undefined for every {what}")
    reason = f"undefined for {left_out} of {len(values)} {what}s, which are left out" if left_out else None
    if len(defined) < MIN_ANSWERS:
        few = f"too few {what}s for an interval"
        return Statistic(value=_rounded(defined.mean()), n=len(defined), reason=f"{reason}; {few}" if reason else few)
    spread = _bootstrap(lambda chosen: {"mean": defined[chosen].mean(axis=-1)}, len(defined), seed)
    statistic = _statistic(float(defined.mean()), spread["mean"], len(defined), "")
    return statistic.model_copy(update={"reason": reason})


def steps_of(marks: Any, scale: Scale) -> Any:
    """Return marks (an array) as whole numbers of steps above the scale's low end, halves rounded up."""
    import numpy as np

    top = round((scale.high - scale.low) / scale.step)
    # The tiny addition keeps 2.4999999 from arithmetic apart from a true half.
    return np.clip(np.floor((marks - scale.low) / scale.step + 0.5 + _CONSTANT), 0, top)


def _all_statistics(a: Floats, b: Floats, scale: Scale) -> Values:
    import numpy as np

    difference = a - b
    steps_a, steps_b = steps_of(a, scale), steps_of(b, scale)
    apart = np.abs(steps_a - steps_b)
    return {
        "pearson": _pearson(a, b),
        "spearman": _spearman(a, b),
        "qwk": _weighted_kappa(steps_a, steps_b),
        "rmse": np.sqrt((difference**2).mean(axis=-1)),
        "exact": (apart == 0).mean(axis=-1),
        "adjacent": (apart <= 1).mean(axis=-1),
        "bias": difference.mean(axis=-1),
    }


def _pearson(a: Floats, b: Floats) -> Floats:
    import numpy as np

    constant = (np.ptp(a, axis=-1) <= _CONSTANT) | (np.ptp(b, axis=-1) <= _CONSTANT)
    da, db = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    scatter = np.sqrt((da**2).sum(axis=-1) * (db**2).sum(axis=-1))
    r = (da * db).sum(axis=-1) / np.where(constant, 1.0, scatter)
    return np.where(constant, np.nan, np.clip(r, -1.0, 1.0))


def _spearman(a: Floats, b: Floats) -> Floats:
    from scipy.stats import rankdata

    return _pearson(rankdata(a, axis=-1), rankdata(b, axis=-1))


def _weighted_kappa(a: Floats, b: Floats) -> Floats:
    import numpy as np

    observed = ((a - b) ** 2).mean(axis=-1)
    expected = a.var(axis=-1) + b.var(axis=-1) + (a.mean(axis=-1) - b.mean(axis=-1)) ** 2
    undefined = expected <= _CONSTANT
    return np.where(undefined, np.nan, 1 - observed / np.where(undefined, 1.0, expected))


def _bootstrap(compute: Callable[[NDArray[np.int64]], Values], n: int, seed: int) -> Values:
    """Compute statistics on RESAMPLES resamples of n indices, some at a time."""
    import numpy as np

    random = np.random.default_rng(seed)
    at_once = max(1, _BLOCK // n)
    parts = []
    for start in range(0, RESAMPLES, at_once):
        chosen = random.integers(0, n, size=(min(at_once, RESAMPLES - start), n))
        parts.append(compute(chosen))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _statistic(value: float, spread: Floats, n: int, why_undefined: str) -> Statistic:
    import numpy as np

    if np.isnan(value):
        return Statistic(value=None, n=n, reason=why_undefined)
    defined = spread[~np.isnan(spread)]
    if len(defined) < MIN_DEFINED * len(spread):
        return Statistic(value=_rounded(value), n=n, reason="too few different marks for an interval")
    low, high = np.percentile(defined, _PERCENTILES)
    return Statistic(value=_rounded(value), interval=(_rounded(low), _rounded(high)), n=n)


def _too_few(n: int) -> Statistic:
    answers = "answer" if n == 1 else "answers"
    return Statistic(value=None, n=n, reason=f"only {n} {answers}; at least {MIN_ANSWERS} are needed")


def _rounded(value: float) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(float(value), _DIGITS) + 0.0


def _why_undefined(name: str, a: Floats, b: Floats, by: tuple[str, str]) -> str:
    import numpy as np

    if name == "qwk":
        return "all marks fall on the same step"
    sides = [side for side, marks in zip(by, (a, b), strict=True) if np.ptp(marks) <= _CONSTANT]
    return f"all {' and all '.join(sides)} are equal"
