"""A device by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmfate.errors import DeviceError
from firmfate.kernel.engine import Engine
from firmfate.models.model import Model

if TYPE_CHECKING:
    from firmfate.devices.cuda import CudaEngine

    AnyEngine = Engine | CudaEngine

DEVICES = ("cpu", "cuda")


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
        return Engine(model, dt=dt)
    from firmfate.devices.cuda import CudaEngine

    return CudaEngine(model, dt=dt)
