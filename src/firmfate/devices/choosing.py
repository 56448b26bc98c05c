"""A device by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmfate.errors import DeviceError

if TYPE_CHECKING:
    from firmfate.devices.cuda import CudaEngine
    from firmfate.kernel.engine import Engine
    from firmfate.models.model import Model

    AnyEngine = Engine | CudaEngine

DEVICES = ("cpu", "cuda")

FIRMS_A_CALL = 2**20
"""Of a GPU, whose threads each step several of them."""


def check_device(name: str, *, is_here: bool = True) -> None:
    """Refuse a device that is not here.

    Parameters
    ----------
    name : str
    is_here : bool
        Whether it would be a device of this machine; those of others are looked for there.

    Raises
    ------
    DeviceError
        Where the name is none of `DEVICES`; where there is no GPU, or not what using it takes.

    Examples
    --------
    >>> check_device("cpu")
    >>> check_device("gpu")
    Traceback (most recent call last):
    firmfate.errors.DeviceError: device = 'gpu'; allowed: 'cpu' or 'cuda'
    """
    if name not in DEVICES:
        allowed = " or ".join(f"'{one}'" for one in DEVICES)
        raise DeviceError(f"device = {name!r}; allowed: {allowed}")
    if name == "cuda" and is_here:
        from firmfate.devices.cuda import device

        device()


def firms_a_call(name: str, of_processor: int) -> int:
    """Return how many firms a call of a device's engine takes, which bounds memory.

    Parameters
    ----------
    name : str
        Of `DEVICES`.
    of_processor : int
        Firms of a call of the processor's.

    Examples
    --------
    >>> firms_a_call("cpu", 16_384), firms_a_call("cuda", 16_384)
    (16384, 1048576)
    """
    return of_processor if name == "cpu" else FIRMS_A_CALL


def engine_on(name: str, model: Model, *, dt: float) -> AnyEngine:
    """Return a model's engine on a device.

    Parameters
    ----------
    name : str
        Of `DEVICES`.
    model : Model
    dt : float
        Step in weeks.

    Raises
    ------
    DeviceError
        As `check_device`.

    Examples
    --------
    >>> from firmfate.models import load_model
    >>> engine_on("cpu", load_model("car"), dt=1.0).model.name
    'car'
    """
    check_device(name)
    if name == "cpu":
        from firmfate.kernel.engine import Engine

        return Engine(model, dt=dt)
    from firmfate.devices.cuda import CudaEngine

    return CudaEngine(model, dt=dt)
