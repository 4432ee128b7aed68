"""TensorFlow's fused training kernels, for `rmsprop.keras` where Keras runs on TensorFlow."""

import tensorflow as tf

# TensorFlow has no public name for the question whether XLA will compile this code.
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext


def take(variable):
    """Say whether the kernels take this variable here: under XLA a chain of operations is as fast.

    Parameters
    ----------
    variable : keras.Variable
        The parameters.

    Returns
    -------
    bool
        Whether it is float32 or float64, and the code is not being compiled by XLA.
    """
    return variable.dtype in (tf.float32, tf.float64) and not GraphOrParentsInXlaContext(
        tf.compat.v1.get_default_graph()
    )


def dense(gradient):
    """Return a gradient as a tensor, equal rows of a sparse one added up."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.convert_to_tensor(gradient)
    return gradient


def scratch(shape, dtype, device, purpose):
    """Make a variable for what a kernel writes and the next step does not need."""
    with tf.init_scope(), tf.device(device):
        return tf.Variable(tf.zeros(shape, dtype), name=purpose)


def apply_rmsprop(variable, g, v, buffer, rho, momentum, lr, epsilon):
    """Update by v ← ρ v + (1 − ρ) g², b ← μ b + η g / √(v + ε), θ ← θ − b.

    The kernel for the centered variant would not do: it does not clamp the variance and gives NaN
    for a constant gradient.
    """
    tf.raw_ops.ResourceApplyRMSProp(
        var=variable.handle,
        ms=v.handle,
        mom=buffer.handle,
        lr=lr,
        rho=tf.constant(rho, g.dtype),
        momentum=tf.constant(momentum, g.dtype),
        epsilon=epsilon,
        grad=g,
    )


def apply_adam(variable, g, m, v, beta_1, beta_2, lr, epsilon):
    """Update by m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², θ ← θ − η m / (√v + ε)."""
    zero = tf.constant(0, g.dtype)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=m.handle,
        v=v.handle,
        beta1_power=zero,
        beta2_power=zero,
        lr=lr,
        beta1=tf.constant(beta_1, g.dtype),
        beta2=tf.constant(beta_2, g.dtype),
        epsilon=epsilon,
        grad=g,
    )


def update_averages(variable, g, m, v, rho):
    """Update v and m, and leave θ where it is: Adam with β₁ = β₂ and η = 0."""
    zero, one = tf.constant(0, g.dtype), tf.constant(1, g.dtype)
    apply_adam(variable, g, m, v, rho, rho, zero, one)
