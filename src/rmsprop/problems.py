"""Test problems for optimizers: functions with known gradients, minima and plotting windows.

Every problem answers the same few questions:

``loss(theta)``
    the value at ``theta``; ``theta`` has shape (d,), or (..., d) for many points at once, and the
    answer has the shape that is left without the last axis.
``gradient(theta, t=0)``
    the gradient that an optimizer meets at ``theta`` in step t = 0, 1, …: an array like ``theta``,
    of its dtype.  Only online and noisy problems look at ``t``; all of them are pure functions of
    (theta, t), so that the same call gives the same answer and a run can be resumed anywhere.
``project(theta)``
    the nearest allowed point; ``theta`` itself unless the problem is constrained.
``minimum``
    all local minima, shape (k, d), the lowest first; (0, d) where the function has none.
``start``, ``window``
    where a run starts, shape (d,), and what a plot shows: a (low, high) pair for each coordinate.
``name``, ``source``
    for captions, and the key in ``book/references.bib`` ("" for a function made for this book).
"""

from __future__ import annotations  # to name numpy.random in them costs no import of it

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from rmsprop.settings import whole

__all__ = [
    "Beale",
    "Himmelblau",
    "HintonMinibatches",
    "MonkeySaddle",
    "Noisy",
    "OnlineReddi",
    "Problem",
    "Quadratic",
    "Rosenbrock",
    "Saddle",
    "TwoWells",
    "plane_rotation",
    "random_rotation",
]

Window = tuple[tuple[float, float], ...]


def _floats(name: str, value: ArrayLike) -> np.ndarray:
    """Return ``value`` as a float array; floats keep their dtype, whole numbers become float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _constant(name: str, value: ArrayLike, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return a read-only float64 copy of ``value``, which must be finite and of that shape."""
    array = _floats(name, value).astype(np.float64)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {value}")
    array.flags.writeable = False
    return array


class Problem:
    """What all problems share; see the module's first lines for the questions they answer."""

    name: str
    source: str
    minimum: np.ndarray
    start: np.ndarray
    window: Window

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Value at ``theta``, shape (..., d) → (...)."""
        raise NotImplementedError

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient at ``theta`` in step ``t``, shape (..., d) → (..., d)."""
        raise NotImplementedError

    def project(self, theta: ArrayLike) -> np.ndarray:
        """Nearest allowed point; every point is allowed unless a problem says otherwise."""
        return self._points(theta)

    def _points(self, theta: ArrayLike) -> np.ndarray:
        """Return ``theta`` as a float array, after checking its last axis."""
        theta = _floats("theta", theta)
        d = self.start.size
        if theta.ndim == 0 or theta.shape[-1] != d:
            raise ValueError(
                f"theta must have shape ({d},) or (..., {d}) for {self.name}, got {theta.shape}"
            )
        return theta

    def _coordinates(self, theta: ArrayLike) -> tuple[np.ndarray, ...]:
        """Split ``theta``, shape (..., d), into its d coordinates, shape (...) each."""
        theta = self._points(theta)
        return tuple(theta[..., i] for i in range(theta.shape[-1]))


def plane_rotation(angle: float) -> np.ndarray:
    """Rotation of the plane by ``angle`` radians, counter-clockwise, as a (2, 2) matrix.

    Examples
    --------
    >>> plane_rotation(np.pi / 2).round(12) @ [1.0, 0.0]
    array([0., 1.])
    """
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def random_rotation(dimension: int, rng: np.random.Generator) -> np.ndarray:
    """Orthogonal (d, d) matrix drawn uniformly (Haar measure) with the generator ``rng``.

    Half of the draws are rotations, half a rotation and a reflection.  The QR decomposition of a
    Gaussian matrix is uniform once the signs of R's diagonal are moved into Q (Mezzadri 2007,
    arXiv:math-ph/0609050).

    Examples
    --------
    >>> q = random_rotation(3, np.random.default_rng(0))
    >>> np.allclose(q @ q.T, np.eye(3))
    True
    """
    if dimension < 1:
        raise ValueError(f"dimension must be at least 1, got {dimension}")
    q, r = np.linalg.qr(rng.standard_normal((dimension, dimension)))
    return q * np.sign(np.diag(r))


@dataclass(frozen=True, eq=False)
class Quadratic(Problem):
    r"""Convex quadratic f(θ) = ½ (θ − c)ᵀ H (θ − c) with H = Q diag(curvatures) Qᵀ.

    Gradient descent with the learning rate 2/(L + μ) shrinks the distance to the minimum by
    (κ − 1)/(κ + 1) a step, where L and μ are the largest and the smallest curvature and κ = L/μ is
    the condition number (Nesterov 2018, ``nesterov2018``).

    Parameters
    ----------
    curvatures : shape (d,)
        Eigenvalues of H, none negative, at least one positive; ``np.geomspace(1, kappa, d)`` gives
        any dimension any conditioning.  A zero makes a flat direction: ``minimum`` is then one
        point of many.
    rotation : shape (d, d), optional
        Orthogonal Q, whose columns are the directions of the curvatures; see `plane_rotation` and
        `random_rotation`.  Default: the identity, so that the axes of f are those of θ.
    center : shape (d,), optional
        The minimum c.  Default: the origin.
    start : shape (d,), optional
        Default: c + Q (1, …, 1), so that rotating the problem rotates the start with it.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an argument has another shape, holds NaN or an infinity, or a curvature is negative, all
        are zero, or the rotation is not orthogonal.

    Examples
    --------
    >>> bowl = Quadratic(curvatures=(1.0, 100.0), rotation=plane_rotation(np.pi / 4))
    >>> round(bowl.condition), float(bowl.loss([0.0, 0.0]))
    (100, 0.0)
    >>> bowl.gradient([1.0, 0.0])
    array([ 50.5, -49.5])
    """

    name: ClassVar[str] = "quadratic"
    source: ClassVar[str] = "nesterov2018"

    curvatures: ArrayLike = (1.0, 100.0)
    rotation: ArrayLike | None = None
    center: ArrayLike | None = None
    start: ArrayLike | None = None

    def __post_init__(self):
        curvatures = _constant("curvatures", self.curvatures)
        if curvatures.ndim != 1 or curvatures.size == 0:
            raise ValueError(f"curvatures must have shape (d,), got {curvatures.shape}")
        self._check_signs(curvatures)
        d = curvatures.size
        rotation = _constant("rotation", np.eye(d) if self.rotation is None else self.rotation)
        if rotation.shape != (d, d) or not np.allclose(rotation @ rotation.T, np.eye(d)):
            raise ValueError(
                f"rotation must be an orthogonal ({d}, {d}) matrix, got {self.rotation}"
            )
        center = _constant("center", np.zeros(d) if self.center is None else self.center, (d,))
        start = center + rotation @ self._offsets(curvatures) if self.start is None else self.start
        start = _constant("start", start, (d,))
        for field, value in [
            ("curvatures", curvatures),
            ("rotation", rotation),
            ("center", center),
            ("start", start),
        ]:
            object.__setattr__(self, field, value)  # the way to set a field of a frozen dataclass

    @staticmethod
    def _check_signs(curvatures):
        if (curvatures < 0).any() or not curvatures.any():
            raise ValueError(
                "curvatures must not be negative, and not all zero, for a Quadratic "
                f"(a Saddle has both signs), got {curvatures}"
            )

    @staticmethod
    def _offsets(curvatures):
        """Where a run starts, seen from the centre along the directions of the curvatures."""
        return np.ones_like(curvatures)

    @property
    def hessian(self) -> np.ndarray:
        """The matrix H, shape (d, d)."""
        return (self.rotation * self.curvatures) @ self.rotation.T

    @property
    def condition(self) -> float:
        """Condition number κ: the largest curvature by the smallest; inf with a flat direction."""
        sizes = np.abs(self.curvatures)
        return float(sizes.max() / sizes.min()) if sizes.min() > 0 else np.inf

    @property
    def minimum(self) -> np.ndarray:
        """The centre, shape (1, d)."""
        return self.center[np.newaxis]

    @property
    def window(self) -> Window:
        """A square round the centre with the start well inside."""
        reach = 1.25 * max(np.abs(self.start - self.center).max(), 1e-3)
        return tuple((float(c - reach), float(c + reach)) for c in self.center)

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Value at ``theta``, shape (..., d) → (...)."""
        z = (self._points(theta) - self.center) @ self.rotation  # along the curvatures
        return 0.5 * (self.curvatures * z**2).sum(axis=-1)

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient at ``theta``, shape (..., d) → (..., d)."""
        theta = self._points(theta)
        z = (theta - self.center) @ self.rotation
        return ((self.curvatures * z) @ self.rotation.T).astype(theta.dtype)


@dataclass(frozen=True, eq=False)
class Saddle(Quadratic):
    """Quadratic that falls in some directions and rises in others: no minimum, a saddle at c.

    Parameters are those of `Quadratic`, but ``curvatures`` must have both signs.  A run starts at
    distance 1 in the rising directions and 0.001 in the falling ones: almost on the ridge, from
    which gradient descent escapes slowly (Dauphin 2014, ``dauphin2014``).

    Examples
    --------
    >>> saddle = Saddle(curvatures=(1.0, -1.0))
    >>> saddle.gradient(saddle.start)
    array([ 1.   , -0.001])
    >>> saddle.minimum.shape
    (0, 2)
    """

    name: ClassVar[str] = "saddle"
    source: ClassVar[str] = "dauphin2014"

    curvatures: ArrayLike = (1.0, -1.0)

    @staticmethod
    def _check_signs(curvatures):
        if not ((curvatures > 0).any() and (curvatures < 0).any()):
            raise ValueError(f"curvatures of a Saddle must have both signs, got {curvatures}")

    @staticmethod
    def _offsets(curvatures):
        return np.where(curvatures < 0, 0.001, 1.0)

    @property
    def minimum(self) -> np.ndarray:
        """None: an array of shape (0, d)."""
        return np.empty((0, self.center.size))


@dataclass(frozen=True)
class MonkeySaddle(Problem):
    """f(x, y) = x³ − 3xy²: a degenerate saddle, whose Hessian vanishes at the origin.

    Three valleys and three ridges meet there.  Second derivatives cannot tell such a point from a
    minimum (Anandkumar & Ge 2016, ``anandkumar2016``).

    Examples
    --------
    >>> MonkeySaddle().gradient([[1.0, 0.0], [0.0, 0.0]])
    array([[ 3., -0.],
           [ 0., -0.]])
    """

    name: ClassVar[str] = "monkey saddle"
    source: ClassVar[str] = "anandkumar2016"
    minimum: ClassVar[np.ndarray] = _constant("minimum", np.empty((0, 2)))
    start: ClassVar[np.ndarray] = _constant("start", (1.0, 0.001))
    window: ClassVar[Window] = ((-1.5, 1.5), (-1.5, 1.5))

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Value at ``theta``, shape (..., 2) → (...)."""
        x, y = self._coordinates(theta)
        return x**3 - 3 * x * y**2

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient at ``theta``, shape (..., 2) → (..., 2)."""
        x, y = self._coordinates(theta)
        return np.stack([3 * x**2 - 3 * y**2, -6 * x * y], axis=-1)


@dataclass(frozen=True)
class Rosenbrock(Problem):
    """f(x, y) = (1 − x)² + 100 (y − x²)²: a curved, flat valley (Rosenbrock 1960).

    Examples
    --------
    >>> round(float(Rosenbrock().loss([-1.2, 1.0])), 6)
    24.2
    """

    name: ClassVar[str] = "Rosenbrock"
    source: ClassVar[str] = "rosenbrock1960"
    minimum: ClassVar[np.ndarray] = _constant("minimum", [(1.0, 1.0)])
    start: ClassVar[np.ndarray] = _constant("start", (-1.2, 1.0))
    window: ClassVar[Window] = ((-2.0, 2.0), (-1.0, 3.0))

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Value at ``theta``, shape (..., 2) → (...)."""
        x, y = self._coordinates(theta)
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient at ``theta``, shape (..., 2) → (..., 2)."""
        x, y = self._coordinates(theta)
        off_valley = y - x**2
        return np.stack([-2 * (1 - x) - 400 * x * off_valley, 200 * off_valley], axis=-1)


@dataclass(frozen=True)
class Beale(Problem):
    """f(x, y) = Σₖ (cₖ − x (1 − yᵏ))², k = 1, 2, 3: plateaus between steep walls (Beale 1958).

    The constants c are 1.5, 2.25 and 2.625.

    Examples
    --------
    >>> float(Beale().loss([3.0, 0.5]))
    0.0
    """

    name: ClassVar[str] = "Beale"
    source: ClassVar[str] = "beale1958"
    minimum: ClassVar[np.ndarray] = _constant("minimum", [(3.0, 0.5)])
    start: ClassVar[np.ndarray] = _constant("start", (1.0, 1.0))
    window: ClassVar[Window] = ((-4.5, 4.5), (-4.5, 4.5))

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Value at ``theta``, shape (..., 2) → (...)."""
        x, y = self._coordinates(theta)
        return sum((c - x * (1 - y**k)) ** 2 for k, c in [(1, 1.5), (2, 2.25), (3, 2.625)])

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient at ``theta``, shape (..., 2) → (..., 2)."""
        x, y = self._coordinates(theta)
        dx, dy = np.zeros_like(x), np.zeros_like(y)
        for k, c in [(1, 1.5), (2, 2.25), (3, 2.625)]:
            residual = c - x * (1 - y**k)
            dx += 2 * residual * (y**k - 1)
            dy += 2 * residual * x * k * y ** (k - 1)
        return np.stack([dx, dy], axis=-1)


@dataclass(frozen=True)
class Himmelblau(Problem):
    """f(x, y) = (x² + y − 11)² + (x + y² − 7)²: four minima, all of value 0 (Himmelblau 1972).

    Examples
    --------
    >>> Himmelblau().loss(Himmelblau().minimum).round(12)
    array([0., 0., 0., 0.])
    """

    name: ClassVar[str] = "Himmelblau"
    source: ClassVar[str] = "himmelblau1972"
    minimum: ClassVar[np.ndarray] = _constant(
        "minimum",
        [
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ],
    )
    start: ClassVar[np.ndarray] = _constant("start", (-1.0, -1.0))
    window: ClassVar[Window] = ((-5.0, 5.0), (-5.0, 5.0))

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Value at ``theta``, shape (..., 2) → (...)."""
        x, y = self._coordinates(theta)
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient at ``theta``, shape (..., 2) → (..., 2)."""
        x, y = self._coordinates(theta)
        u, v = x**2 + y - 11, x + y**2 - 7
        return np.stack([4 * x * u + 2 * v, 2 * u + 4 * y * v], axis=-1)


@dataclass(frozen=True)
class TwoWells(Problem):
    """f(x, y) = (x² − 1)² + tilt·x + ½ curvature·y²: two wells, one of them deeper.

    For tilt > 0 the left well is the deeper one, and a run that starts on the right must climb to
    reach it; with tilt = 0 both are equal, and the origin is the saddle between them.  Made for
    this book, to draw which start ends in which well.

    Parameters
    ----------
    tilt : float
        Slope along x; below 8/(3√3) ≈ 1.54 in size, or only one well is left.
    curvature : float
        Curvature along y, positive.

    Raises
    ------
    ValueError
        If the tilt is too large, or the curvature not positive and finite.

    Examples
    --------
    >>> wells = TwoWells(tilt=0.3)
    >>> wells.minimum.round(3)
    array([[-1.036,  0.   ],
           [ 0.96 ,  0.   ]])
    >>> wells.loss(wells.minimum).round(3)
    array([-0.305,  0.294])
    """

    name: ClassVar[str] = "two wells"
    source: ClassVar[str] = ""
    start: ClassVar[np.ndarray] = _constant("start", (1.5, 1.0))
    window: ClassVar[Window] = ((-2.0, 2.0), (-2.0, 2.0))

    tilt: float = 0.3
    curvature: float = 1.0

    def __post_init__(self):
        limit = 8 / (3 * np.sqrt(3))  # where the cubic below keeps three real roots
        if not abs(self.tilt) < limit:
            raise ValueError(f"tilt must be below {limit:.4f} in size, got {self.tilt}")
        if not 0 < self.curvature < np.inf:
            raise ValueError(f"curvature must be positive and finite, got {self.curvature}")

    @property
    def minimum(self) -> np.ndarray:
        """Both wells, shape (2, 2), the deeper one first (the left one if they are equal)."""
        left, _, right = np.sort(np.roots([4.0, 0.0, -4.0, self.tilt]).real)
        wells = np.array([(left, 0.0), (right, 0.0)])
        return wells if self.tilt >= 0 else wells[::-1]

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Value at ``theta``, shape (..., 2) → (...)."""
        x, y = self._coordinates(theta)
        return (x**2 - 1) ** 2 + self.tilt * x + 0.5 * self.curvature * y**2

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient at ``theta``, shape (..., 2) → (..., 2)."""
        x, y = self._coordinates(theta)
        return np.stack([4 * x * (x**2 - 1) + self.tilt, self.curvature * y], axis=-1)


@dataclass(frozen=True, eq=False)
class Noisy(Problem):
    """Another problem, seen through minibatches: gradient + noise·ξ/√batch_size, ξ ~ N(0, 1).

    With a `Quadratic` inside it is the noisy quadratic model of Zhang et al. 2019
    (``zhang2019``).  ``loss`` stays the noise-free one, so that curves show true progress.

    The noise of step t comes from a generator seeded with (seed, t): a run with the same seed
    meets the same noise whatever the optimizer, so runs can be compared in pairs.

    Parameters
    ----------
    problem : Problem
        What lies under the noise; minimum, start, window and source are its own.
    noise : float or shape (d,)
        Standard deviation of one example's gradient, for each coordinate; not negative.
    batch_size : int
        Examples in a minibatch; the noise shrinks with its square root.
    seed : int
        Not negative.  Another seed gives another run.
    paired : bool
        With leading batch axes, False (the default) draws noise for each run of the batch; True
        shows all of them the same noise, which compares settings rather than luck.

    Raises
    ------
    TypeError
        If ``noise`` does not hold real numbers.
    ValueError
        If ``noise`` has another shape, is negative or not finite, or ``batch_size`` or ``seed`` is
        no whole number or too small.

    Examples
    --------
    >>> noisy = Noisy(Quadratic(curvatures=(1.0, 1.0)), noise=0.1, seed=1)
    >>> noisy.gradient([0.0, 0.0], t=3).round(3)
    array([-0.011,  0.016])
    >>> bool((noisy.gradient([0.0, 0.0], t=3) == noisy.gradient([0.0, 0.0], t=3)).all())
    True
    """

    problem: Problem
    noise: ArrayLike = 1.0
    batch_size: int = 1
    seed: int = 0
    paired: bool = False

    def __post_init__(self):
        noise = _constant("noise", self.noise)
        if noise.shape not in [(), self.start.shape] or (noise < 0).any():
            raise ValueError(
                "noise must be a number or one for each coordinate, shape "
                f"{self.start.shape}, and not negative, got {self.noise}"
            )
        for field, lowest in [("batch_size", 1), ("seed", 0)]:
            object.__setattr__(self, field, whole(lowest)(field, getattr(self, field)))
        object.__setattr__(self, "noise", noise)

    @property
    def name(self) -> str:
        """The name of the problem inside, after the word noisy."""
        return f"noisy {self.problem.name}"

    @property
    def source(self) -> str:
        """The source of the problem inside."""
        return self.problem.source

    @property
    def minimum(self) -> np.ndarray:
        """The minima of the problem inside, shape (k, d)."""
        return self.problem.minimum

    @property
    def start(self) -> np.ndarray:
        """The start of the problem inside, shape (d,)."""
        return self.problem.start

    @property
    def window(self) -> Window:
        """The plotting window of the problem inside."""
        return self.problem.window

    def project(self, theta: ArrayLike) -> np.ndarray:
        """Project as the problem inside does."""
        return self.problem.project(theta)

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Noise-free value at ``theta``, shape (..., d) → (...)."""
        return self.problem.loss(theta)

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient of the minibatch of step ``t`` at ``theta``, shape (..., d) → (..., d)."""
        exact = self.problem.gradient(theta, t)
        if not self.noise.any():
            return exact
        shape = self.start.shape if self.paired else exact.shape
        xi = np.random.default_rng((self.seed, t)).standard_normal(shape)
        return (exact + self.noise * xi / np.sqrt(self.batch_size)).astype(exact.dtype)


@dataclass(frozen=True)
class HintonMinibatches(Problem):
    """Ten minibatches in turn: the gradient is +0.1 nine times, then −0.9 once.

    Hinton's argument against rprop with minibatches (lecture 6e, ``hinton2012``): the ten
    gradients sum to zero, so θ should stay about where it is, while a method that looks at signs
    alone walks nine steps down and one up.  ``loss`` is the mean of the ten linear losses,
    0 everywhere; ``minimum`` is the start, one point of many.

    Examples
    --------
    >>> [float(HintonMinibatches().gradient([0.0], t)[0]) for t in (0, 8, 9, 10)]
    [0.1, 0.1, -0.9, 0.1]
    """

    name: ClassVar[str] = "Hinton's minibatches"
    source: ClassVar[str] = "hinton2012"
    minimum: ClassVar[np.ndarray] = _constant("minimum", [(0.0,)])
    start: ClassVar[np.ndarray] = _constant("start", (0.0,))
    window: ClassVar[Window] = ((-1.0, 1.0),)

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """0 at every ``theta``, shape (..., 1) → (...)."""
        return np.zeros_like(self._points(theta)[..., 0])

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Gradient of minibatch ``t`` mod 10, shape (..., 1) → (..., 1)."""
        return np.full_like(self._points(theta), -0.9 if t % 10 == 9 else 0.1)


@dataclass(frozen=True, eq=False)
class OnlineReddi(Problem):
    """Convex online problem on [−1, 1] where RMSprop can end at the worst point (Reddi 2018).

    fₜ(x) = C·x when t is a multiple of the period (t = 0, 1, …; the paper counts from 1), else
    −x.  For C > period − 1 the mean loss rises with x, and −1 is the best point; yet with
    learning rate η/√t and ρ = 1/(1 + C²) RMSprop drifts to +1 from a period of 3 on, the paper's
    (``reddi2018``); with a period of 2 it does not.

    Parameters
    ----------
    c : float or array
        Slope C > period − 1.  An array of shape (...) gives each run of a batch θ of shape
        (..., 1) its own problem.
    period : int
        Steps from one large gradient to the next, at least 2.

    Raises
    ------
    TypeError
        If ``c`` does not hold real numbers.
    ValueError
        If ``period`` is no whole number or less than 2, or ``c`` not finite or too small.

    Examples
    --------
    >>> online = OnlineReddi(c=3.0)
    >>> [float(online.gradient([0.0], t)[0]) for t in range(4)]
    [3.0, -1.0, -1.0, 3.0]
    >>> online.project([1.7]), online.minimum
    (array([1.]), array([[-1.]]))
    """

    name: ClassVar[str] = "online problem of Reddi et al."
    source: ClassVar[str] = "reddi2018"
    minimum: ClassVar[np.ndarray] = _constant("minimum", [(-1.0,)])
    start: ClassVar[np.ndarray] = _constant("start", (0.0,))
    window: ClassVar[Window] = ((-1.0, 1.0),)

    c: ArrayLike = 3.0
    period: int = 3

    def __post_init__(self):
        object.__setattr__(self, "period", whole(2)("period", self.period))
        c = _constant("c", self.c)
        if not (c > self.period - 1).all():
            raise ValueError(
                f"c must be above period − 1 = {self.period - 1}, or −1 is not the minimum, "
                f"got {self.c}"
            )
        object.__setattr__(self, "c", c)

    def project(self, theta: ArrayLike) -> np.ndarray:
        """Clip to [−1, 1]."""
        return np.clip(self._points(theta), -1, 1)

    def loss(self, theta: ArrayLike) -> np.ndarray:
        """Mean of fₜ over a period, shape (..., 1) → (...)."""
        theta = self._points(theta)
        return (self._slopes(theta) - (self.period - 1)) / self.period * theta[..., 0]

    def gradient(self, theta: ArrayLike, t: int = 0) -> np.ndarray:
        """Slope of fₜ, shape (..., 1) → (..., 1)."""
        theta = self._points(theta)
        if t % self.period:
            return np.full_like(theta, -1.0)
        return self._slopes(theta)[..., np.newaxis].astype(theta.dtype)

    def _slopes(self, theta: np.ndarray) -> np.ndarray:
        """Return C for each run of a batch, shape (...) for ``theta`` of shape (..., 1)."""
        try:
            return np.broadcast_to(self.c, theta.shape[:-1])
        except ValueError:
            raise ValueError(
                f"theta must have shape {(*self.c.shape, 1)}, a run for each c, got {theta.shape}"
            ) from None
