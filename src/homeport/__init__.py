"""homeport: self-hosted device provisioning, wire-compatible with Azure IoT Hub DPS."""

__version__ = "0.1.0"
