"""Where devices are connected, over all workers and nodes: displaced, told and ended wherever that is.

The verbs are called once a change is durable. What concerns a connection of this process happens at once; the others
hear an announcement (`announcements.py` says what that is worth). The node's memory knows which devices are connected
to any of its workers; that of another node is not asked, so a device is shown as connected by its own node only.
"""

from typing import assert_never

from homeport.clock import Clock, Randomness
from homeport.hubs.embedded.announcements import (
    Announcement,
    Announcements,
    Channel,
    DesiredPropertiesAdvanced,
    DeviceAltered,
    DeviceConnected,
    DeviceGone,
)
from homeport.hubs.embedded.connections import (
    AdmittedSession,
    Claim,
    Claims,
    DeviceConnection,
    DeviceConnections,
    DeviceKey,
    Listener,
    device_key,
)
from homeport.hubs.embedded.node_memory import NodeMemory
from homeport.hubs.embedded.openers import still_opens
from homeport.hubs.embedded.reconciliation import Reconciliation
from homeport.model.hub_device import HubDevice, HubTwin, JsonObject
from homeport.storage.port import HubDeviceReader


class Presence:
    """The devices of every embedded hub, as far as they are connected."""

    def __init__(
        self, *, devices: HubDeviceReader, memory: NodeMemory, channel: Channel, clock: Clock, randomness: Randomness
    ) -> None:
        self.changes = 0
        """How many changes of devices this process has made or heard of."""
        self._memory = memory
        self._connections = DeviceConnections()
        self._claims = Claims(clock, randomness)
        self._reconciliation = Reconciliation(self._connections, devices, affirm=self._affirm, end=self._end)
        self._announcements = Announcements(
            channel, sender=randomness.token(8).hex(), receive=self._heard, missed=self._reconciliation.hasten
        )

    def attach(self, session: AdmittedSession, listener: Listener) -> None:
        """Make this the connection of the session's device; an earlier one is displaced, wherever it is."""
        connection = DeviceConnection(session, listener, self._claims.next())
        self._connections.attach(connection)
        self._affirm(connection)
        if self.changes != session.as_of:
            # Perhaps of this device, while it was let in by what was stored before.
            self._reconciliation.soon(session.key)

    def detach(self, session: AdmittedSession, listener: Listener) -> None:
        """The connection is over; nothing happens if another one has taken its place."""
        connection = self._connections.detach(session.key, listener)
        if connection is not None:
            self._unremember(connection)

    def is_here(self, session: AdmittedSession) -> bool:
        """Whether the session's device is connected to this process."""
        return self._connections.find(session.key) is not None

    def is_connected(self, hub_host_name: str, device_id: str) -> bool:
        """Whether the device is connected to this node.

        Raises:
            StorageUnavailable: the node's memory cannot be read.
        """
        here = self._connections.find(device_key(hub_host_name, device_id))
        return here is not None or self._memory.is_connected(hub_host_name, device_id)

    def desired_properties_changed(self, twin: HubTwin, patch: JsonObject) -> None:
        """`patch` has led to this twin: tell the device, if it is connected."""
        self.changes += 1
        connection = self._connections.find(device_key(twin.hub_host_name, twin.device_id))
        if connection is not None:
            connection.tell(twin, patch)
        self._announcements.announce(
            DesiredPropertiesAdvanced(twin.hub_host_name, twin.device_id, twin.desired_version)
        )

    def identity_changed(self, device: HubDevice) -> None:
        """End the device's connection unless it would be let in again as it was."""
        self.changes += 1
        key = device_key(device.hub_host_name, device.device_id)
        connection = self._connections.find(key)
        if connection is not None and not still_opens(connection.session.opener, device):
            self._end(key)
        self._announcements.announce(DeviceAltered(device.hub_host_name, device.device_id))

    def look_again(self, hub_host_name: str, device_id: str) -> None:
        """The device has changed in a way that only storage knows: compare its connection with it."""
        self.changes += 1
        self._reconciliation.soon(device_key(hub_host_name, device_id))
        self._announcements.announce(DeviceAltered(hub_host_name, device_id))

    def gone(self, hub_host_name: str, device_id: str) -> None:
        """The device is deleted: end its connection, and forget its messages."""
        self.changes += 1
        self._end(device_key(hub_host_name, device_id))
        self._memory.forget(hub_host_name, device_id)
        self._announcements.announce(DeviceGone(hub_host_name, device_id))

    async def reconcile(self) -> None:
        """Compare the next few connections with what is stored, and announce them again.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        await self._reconciliation.step()

    def close(self) -> None:
        """Neither tell nor look any more."""
        self._announcements.close()
        self._reconciliation.close()

    # --- what others announce ---------------------------------------------------------------------------------

    def _heard(self, announcement: Announcement) -> None:
        key = device_key(announcement.hub_host_name, announcement.device_id)
        if isinstance(announcement, DeviceConnected):
            self._claims.seen(announcement.stamp)
            self._yield_to(key, Claim(announcement.stamp, announcement.connection))
            return
        self.changes += 1
        match announcement:
            case DesiredPropertiesAdvanced(version=version):
                here = self._connections.find(key)
                if here is not None and here.desired_version < version:
                    self._reconciliation.soon(key)
            case DeviceAltered():
                self._reconciliation.soon(key)
            case DeviceGone():
                # Also on the same node: what the device sent here may have been written after messages were dropped.
                self._end(key)
                self._memory.forget(*key)
            case _:
                assert_never(announcement)

    def _yield_to(self, key: DeviceKey, claim: Claim) -> None:
        """The greater claim stays; who makes the smaller one has not heard of it."""
        here = self._connections.find(key)
        if here is None or here.claim == claim:
            return
        if here.claim < claim:
            self._end(key)
        else:
            self._affirm(here)

    # --- this process's connections ---------------------------------------------------------------------------

    def _affirm(self, connection: DeviceConnection) -> None:
        session, claim = connection.session, connection.claim
        place = (session.hub_host_name, session.device_id)
        self._memory.connected(*place, stamp=claim.stamp, connection=claim.connection)
        self._announcements.announce(DeviceConnected(*place, claim.stamp, claim.connection))

    def _end(self, key: DeviceKey) -> None:
        connection = self._connections.end(key)
        if connection is not None:
            self._unremember(connection)

    def _unremember(self, connection: DeviceConnection) -> None:
        session = connection.session
        self._memory.disconnected(session.hub_host_name, session.device_id, connection=connection.claim.connection)
