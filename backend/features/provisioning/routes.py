"""Topics on which a board claims: its own, and nobody else's."""

from collections.abc import Iterable

from backend.core.routing import Incoming, Party, Route
from backend.features.provisioning.machine import ClaimAsked
from backend.features.provisioning.messages import REPLY, REQUEST, ProvisionReply, ProvisionRequest


def _claim(incoming: Incoming) -> Iterable[ClaimAsked]:
    if incoming.asked is not None:  # the engine sees to it on a request topic
        yield ClaimAsked(incoming.levels["principal"], incoming.asked, incoming.body)


ROUTES = (
    Route(
        REQUEST,
        ProvisionRequest,
        Party.CLAIMANT,
        (Party.BACKEND,),
        "A board that has nothing but a claim code asks who it is.",
        handler=_claim,
        reply=REPLY,
    ),
    Route(REPLY, ProvisionReply, Party.BACKEND, (Party.CLAIMANT,), "Who the board is, for itself only."),
)
