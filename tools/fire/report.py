"""What a run was, in figures."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.fire.history import Record


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, and how long it took after each kill until somebody was served again, in seconds."""

    seconds: float
    kills: Counter[str]
    mended: int
    cuts: int
    requests: int
    repeated: int
    grants: int
    commands: int
    obeyed: int
    codes: Counter[str]
    endings: Counter[str]
    recoveries: list[float]

    def __str__(self) -> str:
        kills = ", ".join(f"{who} {count}" for who, count in sorted(self.kills.items()))
        ordered = sorted(self.recoveries) or [0.0]
        mended = f"; Mosquitto lost its accounts {self.mended} times, and was given them again" if self.mended else ""
        return "\n".join(
            [
                f"{self.kills.total()} kills ({kills}) and {self.cuts} cut connections in {self.seconds:.0f} s{mended}",
                f"{self.requests} requests, {self.repeated} of them repeated; answers: {_counts(self.codes)}",
                f"{self.grants} grants; endings: {_counts(self.endings)}",
                f"{self.commands} commands sent, {self.obeyed} obeyed",
                f"served again after {ordered[len(ordered) // 2]:.2f} s (median), {ordered[-1]:.2f} s (longest)",
            ]
        )


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{key} {count}" for key, count in counted.most_common()) or "none"


def figures(records: Sequence[Record]) -> Figures:
    """Count what is in a history."""
    what = Counter(record.what for record in records)
    sent = Counter((record.who, record.id) for record in records if record.what == "request")
    ended = {
        (each.floor, each.fence): str(each.body["reason"]) for each in records if each.body.get("event") == "ended"
    }
    return Figures(
        seconds=records[-1].t if records else 0.0,
        kills=Counter(record.who for record in records if record.what == "killed"),
        mended=what["mended"],
        cuts=what["cut"],
        requests=len(sent),
        repeated=sum(times > 1 for times in sent.values()),
        grants=len({(each.floor, each.fence) for each in records if each.what in ("document", "reply") and each.fence}),
        commands=what["sent"],
        obeyed=sum(record.obeyed for record in records),
        codes=Counter(record.code for record in records if record.what == "reply"),
        endings=Counter(ended.values()),
        recoveries=recoveries(records),
    )


def recoveries(records: Iterable[Record]) -> list[float]:
    """Return how long it took after each kill until a request was answered that was sent after it."""
    found, killed = list[float](), list[float]()
    sent: dict[tuple[str, str], float] = {}
    for record in records:
        match record.what:
            case "killed":
                killed.append(record.t)
            case "request":
                sent[record.who, record.id] = record.t
            case "reply":
                asked_at = sent.get((record.who, record.id), 0.0)
                while killed and asked_at > killed[0]:
                    found.append(record.t - killed.pop(0))
    return found
