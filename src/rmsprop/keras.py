"""RMSprop and Rprop as Keras optimizers: the rules of `rmsprop.optimizers` on Keras variables.

They run on Keras's backends TensorFlow, JAX and torch, whichever ``KERAS_BACKEND`` names, and take
part in all that Keras does with an optimizer: ``fit``, schedules, clipping, moving averages of the
weights, loss scaling, gradient accumulation, saving, XLA, distribution. Beside the further
switches, four things differ from ``keras.optimizers.RMSprop``:

- On TensorFlow most variants run in fused kernels, several times faster than a chain of operations
  on whole arrays; not so where XLA compiles the step, for it fuses that chain itself.
- A sparse gradient (``tf.IndexedSlices``, of an embedding) is first added up into a dense one. So
  a row that occurs twice in a batch takes one step by the sum, and the averages of the other rows
  decay. (TensorFlow's sparse kernels do neither; TF1's RMSProp used them.)
- The state of 16-bit variables is float32: g² overflows float16 for g > 255, and a ρ near 1 is
  lost in bfloat16.
- Settings are checked, and fixed once the state is built; only ``learning_rate`` may change.

Keras with TensorFlow is an extra, ``pip install rmsprop[keras]``.
"""

import functools
import math

import numpy as np

try:
    import keras
    from keras import ops
except ImportError as error:
    raise ImportError(
        "rmsprop.keras needs Keras and the backend that KERAS_BACKEND names (tensorflow if it "
        "names none): pip install rmsprop[keras], or keras and jax, or keras and torch"
    ) from error

from rmsprop.optimizers import flavor_arguments
from rmsprop.schedules import Schedule
from rmsprop.settings import Setting, flag, number, pair


def _scalar(low, high=math.inf, *, above=False):
    """Return a check for one number: these settings, unlike NumPy's, are no arrays."""
    check = number(low, high, above=above)

    def check_one(name, value):
        checked = check(name, value)
        if not isinstance(checked, float):
            raise ValueError(f"{name} must be one number for Keras, not the array {value!r}")
        return checked

    return check_one


def _learning_rate(value):
    """Return a learning rate that Keras takes: a float, its own schedule, or a callable."""
    if isinstance(value, Schedule):
        raise TypeError(
            f"learning_rate must be a schedule of keras.optimizers.schedules, not {value!r}"
        )
    return value if callable(value) else _scalar(0, above=True)("learning_rate", value)


def _kernels_of(backend):
    """Return the module of the fused kernels that a backend of Keras has, or None."""
    if backend != "tensorflow":
        return None
    from rmsprop import _tf_kernels

    return _tf_kernels


_kernels = _kernels_of(keras.backend.backend())


def _dtype(variable):
    return keras.backend.standardize_dtype(variable.dtype)


def _work_dtype(variable):
    """Return the dtype of state and arithmetic: float32 for 16-bit variables."""
    dtype = _dtype(variable)
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def _as(tensor, number):
    """Return a number in the dtype of a tensor; on torch Keras makes float32 of a bare one."""
    return ops.convert_to_tensor(number, tensor.dtype)


class _Optimizer(keras.optimizers.Optimizer):
    """What the two methods share: settings, dense gradients, weight decay of both kinds."""

    l2 = Setting(_scalar(0))
    has_begun = property(lambda self: self.built)

    def __init__(self, learning_rate, *, l2=0.0, weight_decay=None, **options):
        if weight_decay is not None:
            weight_decay = _scalar(0)("weight_decay", weight_decay)
        super().__init__(_learning_rate(learning_rate), weight_decay=weight_decay, **options)
        self.l2 = l2

    def get_config(self):
        """Return the arguments that make an equal optimizer, as JSON types."""
        settings = {
            name: getattr(self, name)
            for cls in type(self).__mro__
            for name, kind in vars(cls).items()
            if isinstance(kind, Setting)
        }
        return super().get_config() | settings

    def build(self, variables):
        """Create the state of these variables, none where Keras overwrites the variable.

        Raises
        ------
        TypeError
            If a variable is not real: g² and the sign of g are those of real numbers.
        """
        if self.built:
            return
        for variable in variables:
            if not keras.backend.is_float_dtype(_dtype(variable)):
                raise TypeError(
                    f"variables must be of real floating-point numbers, but {variable.name!r} is "
                    f"{_dtype(variable)}: give {type(self).__name__} real variables, such as real "
                    "and imaginary part"
                )
        super().build(variables)
        self._build_slots(variables)

    def apply(self, grads, trainable_variables=None):
        """Update the variables by one step; see ``keras.optimizers.Optimizer.apply``."""
        if _kernels:
            grads = [_kernels.dense(gradient) for gradient in grads]
        super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable and its state; Keras calls this."""
        dtype = _work_dtype(variable)
        g = ops.cast(gradient, dtype)
        lr = ops.cast(learning_rate, dtype)
        decays = self._use_weight_decay(variable)
        if self.l2 and decays:
            g = g + _as(g, self.l2) * ops.cast(variable, dtype)
        if self.weight_decay and decays:
            self._subtract(variable, lr * _as(lr, self.weight_decay) * ops.cast(variable, dtype))
        self._update(variable, g, lr)

    def _apply_weight_decay(self, variables):
        """Do nothing: `update_step` decays the weights, after it has taken the gradient of l2."""

    def _subtract(self, variable, step):
        self.assign_sub(variable, ops.cast(step, variable.dtype))

    def _add_slots(self, variables, name, start=0.0):
        """Return a slot for each variable; None for one that takes its gradient as its value."""
        return [
            None
            if self._overwrite_variable_with_gradient(variable)
            else self._add_slot(variable, name, keras.initializers.Constant(start))
            for variable in variables
        ]

    def _add_slot(self, variable, name, initializer):
        dtype = _work_dtype(variable)
        if dtype == _dtype(variable):
            return self.add_variable_from_reference(variable, name, initializer)
        return self.add_variable(variable.shape, initializer, dtype, name=name)


@keras.saving.register_keras_serializable(package="rmsprop")
class RMSprop(_Optimizer):
    """RMSprop for Keras models, with every switch in which libraries differ.

    v ← ρ v + (1 − ρ) g²,  b ← μ b + η g / √(v + ε),  θ ← θ − b

    The defaults give the steps of ``keras.optimizers.RMSprop``, whose saved state it can load.
    The arguments are those of `rmsprop.optimizers.RMSprop`, with which it is tested equal; only
    ``nonfinite`` is missing (``keras.optimizers.LossScaleOptimizer`` skips such steps).
    ``RMSprop.flavor("torch")`` and the like set them as other libraries do.

    Parameters
    ----------
    learning_rate : float, keras.optimizers.schedules.LearningRateSchedule or callable
        η, by default 0.001. A callable takes no argument.
    rho : float in [0, 1), default 0.9
        ρ, how much of the old average of g² each step keeps.
    momentum : float in [0, 1), default 0
        μ.
    epsilon : float, at least 0, default 1e-7
        ε. 0 stands for the smallest number that keeps the division finite.
    centered : bool, default False
        Divide by the standard deviation: v − m² in place of v, where m is the average of g,
        clamped at 0 (``keras.optimizers.RMSprop`` does not, and can return NaN).
    nesterov : bool, default False
        Look ahead as in Nesterov's momentum.
    epsilon_inside : bool, default True
        √(v + ε); if False √v + ε.
    learning_rate_inside : bool, default True
        Whether b adds up η g / √(v + ε), or g / √(v + ε) and is then multiplied by η.
    initial_accumulator_value : float, at least 0, default 0
        v before the first step.
    bias_correction : bool, default False
        Divide v (and m) by 1 − ρᵗ.
    l2 : float, at least 0, default 0
        The rule sees g + l2 · θ: torch's ``weight_decay``, where Keras's moves θ directly.
        ``exclude_from_weight_decay`` holds for both.
    weight_decay : float, at least 0, optional
        θ ← θ − η · weight_decay · θ before the rule.
    **options
        What every Keras optimizer takes: ``clipnorm``, ``clipvalue``, ``global_clipnorm``,
        ``use_ema``, ``ema_momentum``, ``ema_overwrite_frequency``, ``loss_scale_factor``,
        ``gradient_accumulation_steps``, ``name``.

    Raises
    ------
    ValueError, TypeError
        If an argument is outside its range or of another type.

    Notes
    -----
    Outside XLA the fused kernels need a scratch array for each distinct shape of a variable, where
    there is no momentum, and another where `centered`. They are not part of the state.

    Examples
    --------
    >>> theta = keras.Variable([1.0, -2.0])
    >>> optimizer = RMSprop(learning_rate=0.1)
    >>> optimizer.apply([2 * theta.value], [theta])
    >>> print(theta.numpy().round(4))
    [ 0.6838 -1.6838]
    """

    rho = Setting(_scalar(0, 1))
    momentum = Setting(_scalar(0, 1))
    epsilon = Setting(_scalar(0))
    centered = Setting(flag)
    nesterov = Setting(flag)
    epsilon_inside = Setting(flag)
    learning_rate_inside = Setting(flag)
    initial_accumulator_value = Setting(_scalar(0))
    bias_correction = Setting(flag)

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
        *,
        nesterov=False,
        epsilon_inside=True,
        learning_rate_inside=True,
        initial_accumulator_value=0.0,
        bias_correction=False,
        **options,
    ):
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self.nesterov = nesterov
        self.epsilon_inside = epsilon_inside
        self.learning_rate_inside = learning_rate_inside
        self.initial_accumulator_value = initial_accumulator_value
        self.bias_correction = bias_correction
        self._scratch = functools.cache(lambda *key: _kernels.scratch(*key))

    @classmethod
    def flavor(cls, name, **overrides):
        """Return RMSprop as a library has it; see `rmsprop.optimizers.RMSprop.flavor`."""
        return cls(**flavor_arguments(name, overrides))

    def _build_slots(self, variables):
        """Create the state in the order of ``keras.optimizers.RMSprop``."""
        self._velocities = self._add_slots(variables, "velocity", self.initial_accumulator_value)
        if self.momentum:
            self._momentums = self._add_slots(variables, "momentum")
        if self.centered:
            self._average_gradients = self._add_slots(variables, "average_gradient")

    def _update(self, variable, g, lr):
        kernel = self._kernel(variable)
        if kernel is None:
            self._rule(variable, g, lr)
        elif self.centered:
            moment = self._scratch_like(variable, "moment")
            self.assign(moment, self._second_moment(variable, g))
            kernel(variable, g, moment, 1.0, lr, self._safe_epsilon(g.dtype))
        else:
            v = self._velocities[self._get_variable_index(variable)]
            kernel(variable, g, v, self.rho, *self._corrected(lr))

    # ------------------------------------------------------------ the rule in Keras's operations

    def _rule(self, variable, g, lr):
        index = self._get_variable_index(variable)
        moment = self._second_moment(variable, g)
        epsilon = self._safe_epsilon(g.dtype)
        if self.epsilon_inside:
            step = g / ops.sqrt(moment + epsilon)
        else:
            step = g / (ops.sqrt(moment) + epsilon)
        if not self.momentum:
            step = lr * step
        elif self.learning_rate_inside:
            step = self._heavy_ball(index, lr * step)
        else:
            step = lr * self._heavy_ball(index, step)
        self._subtract(variable, step)

    def _second_moment(self, variable, g):
        """Update the averages; return v or its bias-corrected or centered form."""
        index = self._get_variable_index(variable)
        v = self._velocities[index]
        if not self.centered:
            return self._unbiased(self._average(v, ops.square(g)))
        m = self._average_gradients[index]
        if self._has_kernels(variable):
            _kernels.update_averages(variable, g, m, v, self.rho)
        else:
            v, m = self._average(v, ops.square(g)), self._average(m, g)
        # relu clamps at 0: Keras's maximum rounds to float32 on torch.
        return ops.relu(self._unbiased(v) - ops.square(self._unbiased(m)))

    def _average(self, average, new):
        result = average * _as(new, self.rho) + _as(new, 1 - self.rho) * new
        self.assign(average, result)
        return result

    def _heavy_ball(self, index, step):
        buffer = self._momentums[index]
        momentum = _as(step, self.momentum)
        result = buffer * momentum + step
        self.assign(buffer, result)
        return momentum * result + step if self.nesterov else result

    def _unbiased(self, average):
        return average / self._correction(average.dtype) if self.bias_correction else average

    def _correction(self, dtype):
        """Return 1 − ρᵗ, without the cancellation of that subtraction."""
        t = ops.cast(self.iterations + 1, dtype)
        return -ops.expm1(t * _as(t, math.log(self.rho) if self.rho else -math.inf))

    def _smallest_epsilon(self, dtype):
        tiny = float(np.finfo(keras.backend.standardize_dtype(dtype)).tiny)
        return tiny if self.epsilon_inside else math.sqrt(tiny)

    def _safe_epsilon(self, dtype):
        """Return ε, or in place of 0 the smallest one with which 0/√v is not 0/0."""
        return ops.convert_to_tensor(max(self.epsilon, self._smallest_epsilon(dtype)), dtype)

    # ------------------------------------------------------------ the same in TensorFlow's kernels

    def _has_kernels(self, variable):
        # The kernels' v += (1 − ρ)(g² − v) cancels after a spike where ρ is small.
        return _kernels is not None and self.rho >= 0.1 and _kernels.take(variable)

    def _kernel(self, variable):
        """Return the kernel that takes the step from v, if the variant has one."""
        if not self._has_kernels(variable):
            return None
        if self.epsilon_inside:
            plain = self.learning_rate_inside and not self.nesterov
            return self._rmsprop_kernel if plain or not self.momentum else None
        return None if self.momentum else self._adam_kernel

    def _rmsprop_kernel(self, variable, g, v, rho, lr, epsilon):
        """Take the step from v. If centered, v is the variance, and ρ = 1 leaves it alone."""
        if self.momentum:
            buffer = self._momentums[self._get_variable_index(variable)]
        else:
            buffer = self._scratch_like(variable, "step")
        _kernels.apply_rmsprop(variable, g, v, buffer, rho, self.momentum, lr, epsilon)

    def _adam_kernel(self, variable, g, v, rho, lr, epsilon):
        """Update by v ← ρ v + (1 − ρ) g², θ ← θ − η g / (√v + ε): Adam with β₁ = 0."""
        buffer = self._scratch_like(variable, "step")
        _kernels.apply_adam(variable, g, buffer, v, 0.0, rho, lr, epsilon)

    def _corrected(self, lr):
        """Return η and ε with which v does what v / (1 − ρᵗ) would do with the given ones."""
        epsilon = self._safe_epsilon(lr.dtype)
        if not self.bias_correction:
            return lr, epsilon
        correction = self._correction(lr.dtype)
        root = ops.sqrt(correction)
        epsilon = epsilon * (correction if self.epsilon_inside else root)
        return lr * root, ops.maximum(epsilon, self._smallest_epsilon(lr.dtype))

    def _scratch_like(self, variable, purpose):
        return self._scratch(tuple(variable.shape), variable.dtype, variable.device, purpose)


@keras.saving.register_keras_serializable(package="rmsprop")
class Rprop(_Optimizer):
    """Step by the sign of the gradient; each coordinate has a step length of its own.

    Δ grows by `factors[1]` while the sign of g stays, and shrinks by `factors[0]` when it flips;
    after a flip the coordinate rests for a step (Riedmiller and Braun 1993,
    doi:10.1109/ICNN.1993.298623). Made for full-batch gradients. Tested equal to
    `rmsprop.optimizers.Rprop`.

    Parameters
    ----------
    learning_rate : float, default 0.01
        The first step length Δ. It cannot be a schedule, and to change it later has no effect:
        Rprop adapts Δ itself.
    factors : pair of floats, default (0.5, 1.2)
        η⁻ in (0, 1) and η⁺ above 1.
    step_sizes : pair of floats, default (1e-6, 50)
        The smallest and the largest Δ.
    **options
        ``l2`` and ``weight_decay`` (as in `RMSprop`), and what every Keras optimizer takes.

    Raises
    ------
    ValueError, TypeError
        If an argument is outside its range or of another type.

    Examples
    --------
    >>> theta = keras.Variable([1.0, -2.0])
    >>> optimizer = Rprop(learning_rate=0.1)
    >>> for _ in range(2):
    ...     optimizer.apply([2 * theta.value], [theta])
    >>> print(theta.numpy().round(4))
    [ 0.78 -1.78]
    """

    factors = Setting(pair(_scalar(0, 1, above=True), _scalar(1, above=True)))
    step_sizes = Setting(pair(_scalar(0, above=True), _scalar(0, above=True)))

    def __init__(self, learning_rate=0.01, factors=(0.5, 1.2), step_sizes=(1e-6, 50.0), **options):
        if callable(learning_rate):
            raise TypeError(
                "learning_rate of Rprop must be a number, for it adapts its step lengths itself, "
                f"not {learning_rate!r}"
            )
        super().__init__(learning_rate, **options)
        self._first_length = float(learning_rate)
        self.factors = factors
        self.step_sizes = step_sizes

    def _build_slots(self, variables):
        self._lengths = self._add_slots(variables, "step_length", self._first_length)
        self._previous = self._add_slots(variables, "previous_gradient")

    def _update(self, variable, g, lr):
        index = self._get_variable_index(variable)
        length, previous = self._lengths[index], self._previous[index]
        turn = ops.sign(g) * ops.sign(previous)
        shrink, grow = (_as(g, factor) for factor in self.factors)
        factor = ops.where(turn > 0, grow, ops.where(turn < 0, shrink, ops.ones_like(g)))
        new_length = ops.clip(length * factor, *(_as(g, size) for size in self.step_sizes))
        g = ops.where(turn < 0, _as(g, 0), g)
        self.assign(length, new_length)
        self.assign(previous, g)
        self._subtract(variable, new_length * ops.sign(g))
