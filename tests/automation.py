"""A house with triggers, and somebody in place of the shell who does what profiles want, as late as one likes."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from sqlalchemy import Engine as Database

from backend.core.automation import ErrandDone, TriggerSensed
from backend.core.engine import Send
from backend.core.facts import Definition
from backend.core.principals import Principal
from backend.features.triggers.feature import CallOff, Errand, RunOver, Trigger
from backend.features.triggers.state import Phase, Run, Subscription
from tests.house import WORKERS, House

STEP: Mapping[str, Any] = {"do": "wait", "seconds": 1}
"""An action that does nothing: what matters here is when it is done, and how often."""


def profile(*phases: Phase) -> Definition:
    """Return a profile that has something to do in these phases."""
    return {phase: [STEP] for phase in phases}


class Shell:
    """Takes errands, and asserts that nobody is asked for what cannot be: it does not judge what it is asked for."""

    def __init__(self, slots: int = WORKERS) -> None:
        self.slots = slots
        self.at_hand: dict[str, Errand] = {}
        self.called_off: set[str] = set()
        self.taken: list[Errand] = []
        self._told: Counter[tuple[str, Phase, int]] = Counter()
        self._phases: dict[str, list[Phase]] = defaultdict(list)
        self._over: set[str] = set()
        self._survived: set[str] = set()

    def takes(self, performed: Iterable[object]) -> None:
        """Take what is performed, in order."""
        for what in performed:
            match what:
                case Errand():
                    self._take(what)
                case CallOff(session=session):
                    self.called_off |= {session} & self.at_hand.keys()
                case RunOver(session=session):
                    self._is_over(session)

    def _take(self, errand: Errand) -> None:
        session, phase = errand.context.session, errand.phase
        assert session not in self._over, "an errand of a run that is over"
        assert session not in self.at_hand, "two errands of one run at once"
        assert len(self.at_hand) < self.slots, "more errands than workers"
        self._told[session, phase, errand.context.repetition] += 1
        assert self._told[session, phase, errand.context.repetition] == 1, "it was told already"
        begun = self._phases[session]
        assert phase != "start" or not begun or session in self._survived, "it had begun already"
        begun.append(phase)
        self.at_hand[session] = errand
        self.taken.append(errand)

    def _is_over(self, session: str) -> None:
        assert session not in self.at_hand, "it is at work"
        assert session not in self._over, "it was over already"
        self._over.add(session)

    def does(self, session: str, now: float, *, delivered: int = 1, code: str | None = None) -> ErrandDone:
        """Do an errand, or fail to; return what is to be told of it."""
        errand = self.at_hand.pop(session)
        self.called_off.discard(session)
        return ErrandDone(
            errand.context.trigger,
            errand.context.profile,
            session,
            errand.phase,
            delivered,
            now if delivered else None,
            int(code is not None),
            code,
            code and "it did not work",
        )

    def dies(self) -> None:
        """Forget everything: the server was killed. What was at hand may be told once more."""
        self._survived |= self._phases.keys()
        self._told.clear()
        self.at_hand.clear()
        self.called_off.clear()


class Automation:
    """The house and its shell. Each thing that happens is stored at once, and the shell takes what comes of it."""

    def __init__(self, database: Database, slots: int = WORKERS) -> None:
        self.house = House(database, slots=slots)
        self.shell = Shell(slots)
        self.retained: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self._ids = count(1)

    # What happens

    def defines(self, triggers: Mapping[str, Definition], profiles: Mapping[str, Definition]) -> None:
        """Let these be the triggers and the profiles."""
        self.house.defines(triggers, profiles)
        self.stores()

    def knows(self, accounts: Mapping[str, Principal]) -> None:
        """Let these be the accounts."""
        self.house.knows(accounts)
        self.stores()

    def asks(self, who: Principal, trigger: str, action: str, **keys: Any) -> dict[str, Any]:
        """Ask something of a trigger; return the answer."""
        topic = f"triggers/{trigger}/profiles/request/{who.name}"
        sends = self.house.receive(topic, {"action": action, "id": f"t{next(self._ids)}", **keys})
        sends = [*sends, *self.stores()]
        reply = f"triggers/{trigger}/profiles/reply/{who.name}"
        return next(dict(json.loads(send.payload)) for send in sends if send.topic == reply)

    def subscribes(self, who: Principal, trigger: str, profile: str, **plan: Any) -> None:
        """Let somebody subscribe a profile; it monitors unless told otherwise."""
        answer = self.asks(who, trigger, "subscribe", profile=profile, **{"mode": "monitoring", **plan})
        assert answer["code"] == "subscribed", answer

    def says(self, trigger: str, active: bool = True, *, retained: bool = False, **data: Any) -> None:
        """Let the owner of a trigger say whether it is active."""
        self.house.receive(f"triggers/{trigger}", {"active": active, "data": data}, retained=retained)
        self.stores()

    def senses(self, trigger: str, active: bool | None = True, **data: Any) -> None:
        """Let the source of a trigger tell something."""
        self.hears(TriggerSensed(trigger, active, data))

    def hears(self, fact: object) -> None:
        """Let something happen outside of MQTT."""
        self.house.hears(fact)
        self.stores()

    def passes(self, seconds: float) -> None:
        """Let time pass, as the server does: it looks at each moment at which it has something to do."""
        then = self.house.now + seconds
        while (due := self.house.engine.deadline()) is not None and due <= then:
            self.house.passes(max(0.0, due - self.house.now))
            self.stores()
        self.house.passes(then - self.house.now)
        self.stores()

    def does(self, *sessions: str, delivered: int = 1, code: str | None = None) -> None:
        """Do these errands, or all that are at hand."""
        for session in sessions or tuple(self.shell.at_hand):
            self.hears(self.shell.does(session, self.house.now, delivered=delivered, code=code))

    def does_everything(self) -> None:
        """Do all that is at hand, and what comes of it, until there is no more."""
        while self.shell.at_hand:
            self.does()

    def restarts(self) -> None:
        """Kill the server, and start it again."""
        self.shell.dies()
        self.house.performed.clear()
        self.retained.clear()
        self._sees(self.house.restart())
        self._is_performed()

    def stores(self) -> list[Send]:
        """Commit; return what is sent then."""
        sent = self.house.commit()
        self._sees(sent)
        self._is_performed()
        return sent

    def _is_performed(self) -> None:
        self.shell.takes(self.house.performed)
        self.house.performed.clear()

    def _sees(self, sent: Iterable[Send]) -> None:
        for send in sent:
            if send.retain:
                self.retained[send.topic] = json.loads(send.payload or b"{}")
            elif send.topic.endswith("/event") and send.topic.startswith("triggers/"):
                self.events.append({"trigger": send.topic.split("/")[1], **json.loads(send.payload)})

    # How it stands

    def trigger(self, trigger: str) -> Trigger:
        """Return how a trigger stands."""
        return self.house.trigger(trigger)

    def subscription(self, trigger: str, profile: str) -> Subscription:
        """Return how a subscription stands."""
        return self.trigger(trigger).subscriptions[profile]

    def run(self, trigger: str, profile: str) -> Run:
        """Return the only run of a subscription."""
        (run,) = self.subscription(trigger, profile).runs
        return run

    def document(self, trigger: str, profile: str) -> dict[str, Any]:
        """Return what is published of a subscription."""
        return self.retained[f"triggers/{trigger}/profiles/{profile}"]

    def counts(self, trigger: str, profile: str) -> dict[str, Any]:
        """Return the counters of a subscription that are not zero."""
        return {name: value for name, value in self.document(trigger, profile)["counts"].items() if value}

    def phases(self, trigger: str, profile: str) -> list[Phase]:
        """Return what the shell was asked to do for a subscription, in order."""
        wanted = (trigger, profile)
        return [each.phase for each in self.shell.taken if (each.context.trigger, each.context.profile) == wanted]
