"""Where firms are stepped: on this machine's processor or on an NVIDIA GPU, to the same bits."""

from __future__ import annotations

from firmfate.devices.choosing import DEVICES, check_device, engine_on, firms_a_call

__all__ = ["DEVICES", "check_device", "engine_on", "firms_a_call"]
