"""Triggers and their subscriptions under any history: servers die, disks fail, and errands take as long as they do."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from itertools import groupby
from math import isinf
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import Session, func, select

from backend.core.automation import ErrandDone, TriggerSensed
from backend.core.effects import Perform
from backend.core.facts import DeviceLost, StorageBack
from backend.features.triggers import rows
from backend.features.triggers.feature import Errand
from backend.features.triggers.history import RunRow
from backend.features.triggers.state import Subscription
from tests.alarms import PLAN, Alarm, Task, Watch
from tests.automation import Shell
from tests.house import House, memory_database
from tests.people import EVERYBODY
from tests.plans import (
    NAMES,
    PROFILES,
    TRIGGERS,
    changes,
    levels,
    names,
    outcomes,
    plans,
    predicted,
    profiles,
    slots,
    stands,
    users,
    wire,
)
from tests.strategies import histories, later, moments, usually


class Automated(RuleBasedStateMachine):
    """Three triggers, six profiles, few workers, one clock."""

    def __init__(self) -> None:
        super().__init__()
        self.database = memory_database()
        self.triggers: dict[str, Mapping[str, Any]] = dict(zip(NAMES, TRIGGERS, strict=False))
        self.profiles: dict[str, Mapping[str, Any]] = dict(PROFILES)
        self.accounts = dict(EVERYBODY)
        self.alarms = {name: Alarm() for name in NAMES}
        self.stored = deepcopy(self.alarms)
        self.batch: list[Callable[[], None]] = []
        self.staged: list[object] = []
        self.seen = self.event = self.asked = 0
        self.last_request: tuple[str, dict[str, Any]] | None = None
        self.retained: dict[str, bytes] = {}

    def teardown(self) -> None:
        self.database.dispose()

    @initialize(slots=slots, told=st.lists(st.tuples(names, profiles, plans), min_size=2, max_size=5))
    def opens(self, slots: int, told: list[tuple[str, str, dict[str, Any]]]) -> None:
        self.house = House(self.database, slots=slots)
        self.shell = Shell(slots)
        self.listens()
        self.the_directory_is()
        for trigger, name, plan in told:
            self.subscribes("alice", trigger, name, plan, 0)
        self.is_stored()

    # How it is told, and what the model makes of it

    @property
    def now(self) -> float:
        return self.house.now

    def listens(self) -> None:
        """Note what the shell will be asked for: it is told after the commit only."""
        (desk,) = (desk for desk in self.house.engine.desks if desk.name == "triggers")
        handle, tick = desk.handle, desk.tick

        def noted(effects: list[Any]) -> list[Any]:
            self.staged += [effect.what for effect in effects if isinstance(effect, Perform)]
            return effects

        patch.object(desk, "handle", lambda event, now: noted(handle(event, now))).start()
        patch.object(desk, "tick", lambda now: noted(tick(now))).start()

    def happens(self, model: Callable[[], object], machine: Callable[[], object]) -> None:
        """Let something happen, and time pass a little, as the service does."""
        self.event += 1
        self.model_passes()
        model()
        self.model_passes()
        machine()
        self.house.passes(0)
        self.looks_around()

    def model_passes(self) -> None:
        for alarm in self.alarms.values():
            alarm.passes(self.now)

    def looks_around(self) -> None:
        """Tell the model who got a worker, and assert that it was the turn of each."""
        for task in self.waiting():
            task.lined_up = task.lined_up or self.event
        staged, self.seen = self.staged[self.seen :], len(self.staged)
        for what in staged:
            if isinstance(what, Errand):
                task = self.task(what.context.trigger, what.context.profile, what.context.session)
                assert (task.doing, task.at_work) == (what.phase, False)
                assert task.begun or what.phase == "start", "what had not begun has no end"
                self.is_its_turn(task)
                task.at_work = task.begun = True
        free = self.house.slots - self.at_work()
        assert all(free <= (0 if task.doing == "end" else self.share(task)) for task in self.waiting()), (
            "it waits in vain"
        )

    def is_its_turn(self, task: Task) -> None:
        assert task.doing == "end" or self.share(task) < self.house.slots - self.at_work(), "it leaves too few"
        for other in self.waiting():
            if (other.doing == "end") >= (task.doing == "end"):
                earlier = task.lined_up if (other.doing == "end") == (task.doing == "end") else self.event
                is_fair = task.doing != "end" and other.doing != "end" and self.share(task) < self.share(other)
                assert is_fair or other.lined_up >= earlier, "it was overtaken"

    def share(self, task: Task) -> int:
        """Return how many workers the subscription of a run has."""
        watches = (watch for alarm in self.alarms.values() for watch in alarm.watches.values())
        (watch,) = (watch for watch in watches if any(each is task for each in watch.tasks))
        return sum(each.at_work for each in watch.tasks)

    def tasks(self) -> list[Task]:
        return [task for alarm in self.alarms.values() for watch in alarm.watches.values() for task in watch.tasks]

    def waiting(self) -> list[Task]:
        return [task for task in self.tasks() if task.doing is not None and not task.at_work]

    def at_work(self) -> int:
        return sum(task.at_work for task in self.tasks())

    def subscription(self, trigger: str, name: str) -> Subscription:
        return self.house.trigger(trigger).subscriptions[name]

    def task(self, trigger: str, name: str, session: str) -> Task:
        """Return the run of the model that is this one of the machine."""
        ids = [run.id for run in self.subscription(trigger, name).runs]
        return self.alarms[trigger].watches[name].tasks[ids.index(session)]

    # What triggers say

    @rule(
        trigger=names,
        active=st.sampled_from([True, True, True, False, False, None]),
        level=levels,
        late=later,
        how=st.sampled_from(["", "", "", "", "retained", "mistaken"]),
    )
    def tells(self, trigger: str, active: bool | None, level: int | None, late: int, how: str) -> None:
        """Whoever may tell, or who may not, tells whether a trigger is active."""
        self.house.now += late
        data = {} if level is None else {"t": level}
        if self.alarms[trigger].has_source != (how == "mistaken"):
            self.sensed(trigger, active, data)
        else:
            self.said(trigger, bool(active), data, retained=how == "retained")

    def said(self, trigger: str, active: bool, data: dict[str, Any], *, retained: bool = False) -> None:
        self.batch.append(partial(self.said, trigger, active, data, retained=retained))
        alarm = self.alarms[trigger]
        heard = (
            alarm.known
            and not alarm.has_source
            and not (retained and (alarm.lost or (alarm.silent and alarm.data == data)))
        )
        heard = heard and not (alarm.pulse and (retained or not active))
        self.happens(
            lambda: alarm.senses(active, data, self.now) if heard else None,
            lambda: self.house.receive(f"triggers/{trigger}", {"active": active, "data": data}, retained=retained),
        )

    def sensed(self, trigger: str, active: bool | None, data: dict[str, Any]) -> None:
        self.batch.append(partial(self.sensed, trigger, active, data))
        heard = self.alarms[trigger].has_source
        self.happens(
            lambda: self.alarms[trigger].senses(active, data, self.now) if heard else None,
            lambda: self.house.hears(TriggerSensed(trigger, active, data)),
        )

    @rule(trigger=names, active=st.booleans(), times=st.integers(2, 9))
    def flaps(self, trigger: str, active: bool, times: int) -> None:
        tell = self.sensed if self.alarms[trigger].has_source else self.said
        for number in range(times):
            tell(trigger, active ^ bool(number % 2), {})

    @rule(device=st.sampled_from(["scale-1", "printer-1", "bot"]), late=later)
    def is_lost(self, device: str, late: int) -> None:
        self.house.now += late
        self.batch.append(partial(self.is_lost, device, 0))
        self.happens(lambda: self.model_loses(device), lambda: self.house.hears(DeviceLost(device)))

    def model_loses(self, device: str) -> None:
        for alarm in self.alarms.values():
            alarm.loses(device, self.now)

    # What people ask

    @rule(user=users, trigger=names, name=profiles, plan=plans, late=later)
    def subscribes(self, user: str, trigger: str, name: str, plan: dict[str, Any], late: int) -> None:
        self.house.now += late
        alarm, whole = self.alarms[trigger], PLAN | plan
        wrong = {
            "bad_message": whole["mode"] == "one_shot" and whole["every_s"] is not None,
            "unknown_profile": name not in self.profiles,
            "already_subscribed": name in alarm.watches,
            "bad_message ": alarm.pulse and (whole["mode"] == "monitoring" or whole["for_s"]),
        }

        def do() -> None:
            watch = alarm.watches[name] = Watch(user, whole, self.phases(name))
            watch.judges(alarm, self.now)
            alarm.tidies(self.now)

        self.asks(user, trigger, {"action": "subscribe", "profile": name, **wire(plan)}, "subscribed", wrong, do)

    @precondition(lambda self: any(alarm.watches for alarm in self.alarms.values()))
    @rule(data=st.data(), what=st.sampled_from(["change", "change", "unsubscribe", "stop"]), change=changes, late=later)
    def asks_about_a_subscription(self, data: st.DataObject, what: str, change: dict[str, Any], late: int) -> None:
        self.house.now += late
        there = [(trigger, name) for trigger, alarm in self.alarms.items() for name in alarm.watches]
        trigger, name = data.draw(st.sampled_from([*there, *there, ("cam1", "lamp")]))
        watch = self.alarms[trigger].watches.get(name)
        user = data.draw(users)
        user = watch.owner if watch is not None and user == "alice" else user
        if what == "change":
            self.changes(user, trigger, name, change)
        else:
            self.ends(user, trigger, name, what)

    def may_not(self, user: str, watch: Watch | None) -> dict[str, bool]:
        return {
            "not_subscribed": watch is None or watch.leaving,
            "forbidden": watch is not None and user not in (watch.owner, "root"),
        }

    def changes(self, user: str, trigger: str, name: str, change: dict[str, Any]) -> None:
        alarm = self.alarms[trigger]
        watch = alarm.watches.get(name)
        plan = (watch.plan if watch is not None else PLAN) | change
        wrong = self.may_not(user, watch) | {
            "bad_message": plan["mode"] == "one_shot" and plan["every_s"] is not None,
            "bad_message ": alarm.pulse and (plan["mode"] == "monitoring" or plan["for_s"]),
        }

        def do() -> None:
            alarm.watches[name].changes(plan, alarm, self.now)
            alarm.tidies(self.now)

        self.asks(user, trigger, {"action": "change", "profile": name, "set": wire(change)}, "changed", wrong, do)

    def ends(self, user: str, trigger: str, name: str, what: str) -> None:
        alarm = self.alarms[trigger]
        wrong = self.may_not(user, alarm.watches.get(name))

        def do() -> None:
            watch = alarm.watches[name]
            end = watch.leaves if what == "unsubscribe" else watch.stops
            end("unsubscribed" if what == "unsubscribe" else "stopped", self.now)
            alarm.tidies(self.now)

        code = "unsubscribed" if what == "unsubscribe" else "run_stopped"
        self.asks(user, trigger, {"action": what, "profile": name}, code, wrong, do)

    def asks(
        self, user: str, trigger: str, body: dict[str, Any], yes: str, wrong: Mapping[str, Any], do: Callable[[], None]
    ) -> None:  # fmt: skip
        """Ask; the answer must be what the model says."""
        self.asked += 1
        body = body | {"id": f"t{self.asked}"}
        topic = f"triggers/{trigger}/profiles/request/{user}"
        gone = {"unknown_trigger": not self.alarms[trigger].known, "unknown_principal": user not in self.accounts}
        expected = next((code for code, is_wrong in (gone | dict(wrong)).items() if is_wrong), yes).strip()
        answers: list[str] = []
        self.happens(
            lambda: do() if expected == yes else None,
            lambda: answers.extend(self.codes(self.house.receive(topic, body), topic)),
        )
        assert answers == [expected]
        self.last_request = (topic, body) if expected == yes else self.last_request

    def codes(self, sends: list[Any], topic: str) -> list[str]:
        reply = topic.replace("/request/", "/reply/")
        return [json.loads(send.payload)["code"] for send in sends if send.topic == reply]

    @precondition(lambda self: self.last_request is not None)
    @rule()
    def the_answer_was_lost(self) -> None:
        """It is asked again, and nothing happens."""
        assert self.last_request is not None
        topic, body = self.last_request
        known = self.alarms[topic.split("/")[1]].known and topic.split("/")[-1] in self.accounts
        if known:
            self.happens(lambda: None, lambda: self.house.receive(topic, body))

    # What the shell does

    @precondition(lambda self: self.shell.at_hand)
    @rule(data=st.data(), outcome=outcomes, late=later)
    def errands_are_done(self, data: st.DataObject, outcome: tuple[int, str | None], late: int) -> None:
        self.house.now += late
        for session in data.draw(st.sets(st.sampled_from(sorted(self.shell.at_hand)), min_size=1)):
            delivered, code = outcome
            self.is_told(self.shell.does(session, self.now, delivered=delivered, code=code))

    @rule(late=later)
    def the_shell_works(self, late: int) -> None:
        """All that is at hand is done, and what comes of it is begun."""
        self.is_stored()
        self.house.now += late if self.shell.at_hand else 0
        for session in list(self.shell.at_hand):
            self.is_told(self.shell.does(session, self.now))
        self.is_stored()

    def is_told(self, done: ErrandDone) -> None:
        self.batch.append(partial(self.is_told, done))
        task = self.task(done.trigger, done.profile, done.session)
        watch, alarm = self.alarms[done.trigger].watches[done.profile], self.alarms[done.trigger]

        def do() -> None:
            watch.is_done(task, self.now, done.delivered, "failed" if done.code else None, done.delivered_at)
            alarm.tidies(self.now)

        self.happens(do, lambda: self.house.hears(done))

    @rule(trigger=names, name=profiles, phase=st.sampled_from(["start", "repeat", "end"]), data=st.data())
    def something_stale_is_told(self, trigger: str, name: str, phase: Any, data: st.DataObject) -> None:
        """Of a run that nobody knows, or of what a run does not do just now."""
        known = self.house.trigger(trigger).subscriptions.get(name)
        idle = [run.id for run in known.runs if not (run.admitted and run.phase == phase)] if known else []
        session = data.draw(st.sampled_from([*idle, "d0000000-0000-5000-8000-000000000000"]))
        stale = ErrandDone(trigger, name, session, phase, 3, self.now, 1, "timed_out", "late")
        self.happens(lambda: None, lambda: self.house.hears(stale))

    # What the command line changes

    @rule(
        gone=st.sampled_from(["cam1", "bell", "guard", "lamp", "alice", "bob", "alice guard"]).map(str.split),
        back=usually,
        late=later,
    )
    def something_is_removed(self, gone: list[str], back: bool, late: int) -> None:
        self.house.now += late
        for name in gone:
            for those in (self.triggers, self.profiles, self.accounts):
                those.pop(name, None)
        self.the_directory_is()
        if back:
            self.all_is_back()

    @rule()
    def all_is_back(self) -> None:
        self.triggers = dict(zip(NAMES, TRIGGERS, strict=False)) | self.triggers
        self.profiles, self.accounts = PROFILES | self.profiles, EVERYBODY | self.accounts
        self.the_directory_is()

    @rule(trigger=names, given=st.sampled_from(TRIGGERS), late=later)
    def a_trigger_is_another(self, trigger: str, given: Mapping[str, Any], late: int) -> None:
        self.house.now += late
        self.triggers[trigger] = given
        self.the_directory_is()

    @rule(name=profiles, like=profiles, late=later)
    def a_profile_does_something_else(self, name: str, like: str, late: int) -> None:
        self.house.now += late
        self.profiles[name] = PROFILES[like]
        self.the_directory_is()

    def phases(self, name: str) -> frozenset[str]:
        return frozenset(self.profiles[name]) - {"name"}

    def the_directory_is(self) -> None:
        """Let the server hear of what is stored by the command line."""
        self.batch.append(self.the_directory_is)
        self.house.accounts = dict(self.accounts)
        self.happens(self.model_is_defined, lambda: self.house.defines(dict(self.triggers), dict(self.profiles)))

    def model_is_defined(self) -> None:
        does = {name: self.phases(name) for name in self.profiles}
        for name, alarm in self.alarms.items():
            alarm.is_defined(self.triggers.get(name), does, self.accounts, self.now)

    # What happens to the house

    @rule(seconds=moments, looks=usually)
    def time_passes(self, seconds: int, looks: bool) -> None:
        """The server looks whenever it has something to do, if it is not too busy."""
        then = self.now + seconds
        while looks and (due := self.model_until()) <= then:
            self.house.now = due
            self.happens(lambda: None, lambda: None)
        self.house.now = then
        self.happens(lambda: None, lambda: None)

    def model_until(self) -> float:
        return min(alarm.until(self.now) for alarm in self.alarms.values())

    @rule()
    def is_stored(self) -> None:
        sent = self.house.commit()
        self.sees(sent)
        assert self.house.performed == self.staged, "the shell is told what was decided, and nothing else"
        self.shell.takes(self.house.performed)
        self.is_kept()
        assert self.shell.called_off == self.over_but_at_work(), "what is over is not waited for"
        topics = {topic: payload for topic, payload in self.retained.items() if payload}
        projected = {send.topic: send.payload for send in self.house.engine.projection(self.now) if send.payload}
        assert topics == {topic: payload for topic, payload in projected.items() if topic.startswith("triggers/")}

    def over_but_at_work(self) -> set[str]:
        """Return the runs that end, and still do something else than what is to be done in the end."""
        each = [subscription for name in NAMES for subscription in self.house.trigger(name).subscriptions.values()]
        return {run.id for one in each for run in one.runs if run.admitted and run.ending and run.phase != "end"}

    def is_kept(self) -> None:
        self.house.performed.clear()
        self.staged.clear()
        self.batch.clear()
        self.seen = 0
        self.stored = deepcopy(self.alarms)
        ended = {
            name: alarm.over + sum(watch.counts["ended"] for watch in alarm.watches.values())
            for name, alarm in self.alarms.items()
        }
        with Session(self.database) as session:
            kept = dict(session.exec(select(RunRow.trigger, func.count()).group_by(RunRow.trigger)).all())
        assert kept == +Counter(ended), "every run that ended is remembered once"

    def sees(self, sent: list[Any]) -> None:
        self.retained |= {
            send.topic: send.payload for send in sent if send.retain and send.topic.startswith("triggers/")
        }

    @rule(seconds=later)
    def cannot_be_stored(self, seconds: int) -> None:
        """Nothing happened, until the disk takes it again: who asked was told, everything else is tried again."""
        self.house.fail()
        held, self.batch = self.batch, []
        self.go_back()
        self.house.now += seconds
        self.happens(lambda: None, lambda: self.house.hears(StorageBack()))
        for again in held:
            again()

    @rule(seconds=moments, stored=st.booleans())
    def dies_and_starts_again(self, seconds: int, stored: bool) -> None:
        """With luck the last batch was stored, and the shell had just heard of it."""
        if stored:
            self.house.commit()
            self.shell.takes(self.house.performed)
            self.is_kept()
        self.go_back()
        self.batch.clear()
        self.shell.dies()
        self.house.performed.clear()
        self.house.now += seconds
        self.event += 1
        does = {name: self.phases(name) for name in self.profiles}
        for alarm in self.alarms.values():
            alarm.dies(does, self.now)
        self.readings_are_those_that_were_stored()
        self.model_is_defined()
        self.model_passes()
        self.retained = {}
        self.sees(self.house.restart())
        self.listens()
        self.staged += self.house.performed
        self.looks_around()
        self.is_stored()

    def readings_are_those_that_were_stored(self) -> None:
        """Such that changed nothing are not stored for their own sake."""
        with Session(self.database) as session:
            for name, trigger in rows.load(session).items():
                self.alarms[name].data = dict(trigger.data)
                for each, watch in self.alarms[name].each():
                    watch.warm = all(trigger.subscriptions[each].met)

    def go_back(self) -> None:
        self.alarms = deepcopy(self.stored)
        self.staged.clear()
        self.seen, self.last_request = 0, None

    @rule()
    def all_comes_to_rest(self) -> None:
        """If nothing is active any more, and all errands are done, nothing runs and nothing waits."""
        for trigger in NAMES:
            self.said(trigger, False, {})
            self.sensed(trigger, False, {})
        self.is_stored()
        rounds = 0
        while self.tasks() or any(watch.wants for alarm in self.alarms.values() for _, watch in alarm.each()):
            for session in list(self.shell.at_hand):
                self.is_told(self.shell.does(session, self.now))
            self.time_passes(1, looks=True)
            self.is_stored()
            rounds += 1
            assert rounds < 200, "it waits for ever"
        pool = self.house.pool()
        assert (len(pool.at_work), len(pool.urgent), len(pool.waiting)) == (0, 0, 0)
        assert not any(each.runs for name in NAMES for each in self.house.trigger(name).subscriptions.values())

    # What is always true

    @invariant()
    def the_model_predicts_it(self) -> None:
        for name, alarm in self.alarms.items():
            trigger = self.house.trigger(name)
            assert (trigger.known, trigger.active) == (alarm.known, alarm.active)
            assert trigger.subscriptions.keys() == alarm.watches.keys()
            for each, watch in alarm.each():
                assert stands(trigger.subscriptions[each]) == predicted(watch)

    @invariant()
    def sessions_running_are_subscriptions_active(self) -> None:
        for name in NAMES:
            for each in self.house.trigger(name).subscriptions.values():
                if each.plan.mode == "monitoring":
                    cools = each.cooldown_until is not None and self.now < each.cooldown_until
                    wanted = each.active and not each.stopped and each.leaving is None
                    going = [run for run in each.runs if run.ending is None]
                    assert len(going) == wanted or (wanted and (cools or each.runs)), (
                        "one session for each that is active"
                    )
                    assert len(each.runs) <= 1 or self.alarms[name].watches[each.profile].remodelled

    @invariant()
    def one_shots_run_as_their_mode_allows(self) -> None:
        for name in NAMES:
            for each in self.house.trigger(name).subscriptions.values():
                if not self.alarms[name].watches[each.profile].remodelled and each.plan.mode == "one_shot":
                    assert len(each.runs) <= (each.plan.most if each.plan.run == "parallel" else 1)
                    assert len(each.waiting) <= {"queued": each.plan.most, "restart": 1, "latest": 1}.get(
                        each.plan.run, 0
                    )

    @invariant()
    def all_is_counted_once(self) -> None:
        for name in NAMES:
            for each in self.house.trigger(name).subscriptions.values():
                counts = each.counts
                assert counts.started - counts.ended == len(each.runs)
                if not self.alarms[name].watches[each.profile].remodelled and each.plan.mode == "one_shot":
                    led_to = counts.started + sum(dict(counts.dropped).values()) + counts.coalesced + len(each.waiting)
                    assert counts.activations == led_to

    @invariant()
    def workers_work(self) -> None:
        pool = self.house.pool()
        waiting = self.waiting()
        assert len(pool.at_work) == self.at_work() <= pool.slots
        assert len(pool.urgent) == sum(task.doing == "end" for task in waiting)
        assert len(pool.waiting) == sum(task.doing != "end" for task in waiting)

    @invariant()
    def time_is_never_late(self) -> None:
        deadline, until = self.house.engine.deadline(), self.model_until()
        assert self.now < until
        assert isinf(until) or (deadline is not None and deadline <= until)

    @invariant()
    def no_two_runs_have_the_same_id(self) -> None:
        ids = sorted(
            run.id for name in NAMES for each in self.house.trigger(name).subscriptions.values() for run in each.runs
        )
        assert all(len(list(same)) == 1 for _, same in groupby(ids))


TestTriggers = Automated.TestCase
TestTriggers.settings = histories(200)
