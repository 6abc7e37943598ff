"""The backend's connection to Mosquitto: nothing is announced there before Mosquitto knows who may command."""

from collections.abc import Collection, Sequence

import aiomqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

from backend.core.engine import Send
from backend.core.topics import overlaps
from backend.shell.address import Address
from backend.shell.client import client_at, refused
from backend.shell.inbox import Inbox
from backend.shell.link import Broker, Link
from backend.shell.mosquitto import Steward
from backend.shell.operator import Login


class MosquittoLink(Link):
    """A link that settles with Mosquitto what it announces.

    Mosquitto cannot refuse that a message is retained. MQTT 5 shows that one was published so, the engine refuses it,
    and it is cleared here, or it would come again at each start, and a command at each start of the device.
    """

    protocol = aiomqtt.ProtocolVersion.V5

    def __init__(
        self,
        broker: Broker,
        subscriptions: Sequence[tuple[str, int]],
        will: Send,
        inbox: Inbox,
        steward: Steward,
        never_retained: Collection[str],
    ) -> None:
        super().__init__(broker, subscriptions, will, inbox)
        self._steward = steward
        self._never_retained = never_retained

    async def send(self, sends: Sequence[Send]) -> bool:
        """Publish in order, once Mosquitto lets the holders that are announced command, and nobody else."""
        self._steward.heard(sends)
        if self._client is not None:
            await self._steward.settle()
        return await super().send(sends)

    async def _prepare(self) -> None:
        await self._steward.ready()

    async def _subscribe(self, client: aiomqtt.Client, wanted: Sequence[tuple[str, int]]) -> list[str]:
        filters = [topic for topic, _ in wanted]
        options = [SubscribeOptions(qos, retainAsPublished=topic in self._never_retained) for topic, qos in wanted]
        return refused(filters, await client.subscribe(list(zip(filters, options, strict=True))))

    async def _takes(self, client: aiomqtt.Client, message: aiomqtt.Message) -> bool:
        """Clear what must not be retained, and overlook the clearing."""
        topic = str(message.topic)
        if not message.retain or not any(overlaps(topic, never) for never in self._never_retained):
            return True
        if message.payload:
            await client.publish(topic, b"", retain=True)
        return bool(message.payload)


async def refuses(where: Address, login: Login, filters: Sequence[str]) -> list[str]:
    """Return what Mosquitto does not let the server hear; it sends nothing that is retained. Raises MqttError."""
    async with client_at(where, login, login.user, aiomqtt.ProtocolVersion.V5) as listener:
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        return refused(filters, await listener.subscribe([(each, options) for each in filters]))
