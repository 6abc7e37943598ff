"""Topics of a channel's data. Those of its floor are as a device's."""

from backend.core.routing import Incoming, Party, Route
from backend.features.channels.messages import BROADCAST, DATA, ChannelBroadcast, ChannelData


def _relayed(_incoming: Incoming) -> tuple[object, ...]:
    """Nothing happens: data are passed on, or refused, before they would come here."""
    return ()


ROUTES = (
    Route(
        DATA,
        ChannelData,
        Party.THE_PRINCIPAL,
        (Party.BACKEND,),
        "What the sender says: any JSON object. Answered on `session/reply`: `ack` with its `seq`, or `rejected` with "
        "the `reason`: a reason code.",
        handler=_relayed,
    ),
    Route(
        BROADCAST,
        ChannelBroadcast,
        Party.BACKEND,
        (Party.ANYONE,),
        "What the holder of the floor said; this is all that listeners need.",
    ),
)
