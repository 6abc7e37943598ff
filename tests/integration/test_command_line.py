"""The command line where something is missing or broken, or nobody listens any more."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from backend.cli import mqtt
from tests.operator import Operator, typed
from tests.rig import COMMAND, WITHIN_S, Talkstick, serving


def test_nobody_reads_on(tmp_path: Path) -> None:
    """As in ``talkstick watch | head -1``."""
    with serving(tmp_path) as talkstick:
        watching = subprocess.Popen(
            [COMMAND, "watch", "backend/#"],
            env=talkstick.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert watching.stdout.readline()
        watching.stdout.close()
        assert watching.wait(WITHIN_S) == 1
        assert watching.stderr.read() == ""
        watching.stderr.close()


def test_a_server_that_is_stopped_while_it_starts(tmp_path: Path) -> None:
    """Ctrl-C before it is ready: what looks into the database in another thread is waited for."""
    talkstick = Talkstick(tmp_path / "data")
    talkstick.run("init")
    with subprocess.Popen(
        [COMMAND, "serve"], env=talkstick.environment({}), stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        assert any("voice is off" in line for line in server.stderr)
        server.send_signal(signal.SIGINT)
        rest = server.stderr.read()
        assert server.wait(WITHIN_S) in (0, 1), rest  # 0: it was ready before the signal came
        assert "Traceback" not in rest


def test_the_log_leaves_out_what_the_mqtt_library_warns_of(tmp_path: Path) -> None:
    """It sets the level of its logger when it is imported, which is after the log was set up."""
    said = "from backend.cli.server import _log; from backend.shell.settings import load; from pathlib import Path;"
    said += f"_log(load(Path({str(tmp_path)!r}))); import logging, aiomqtt; log = logging.getLogger('mqtt');"
    said += "log.warning('There are 27 pending publish calls.'); log.error('It broke.')"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=WITHIN_S)
    assert [line.partition("mqtt: ")[2] for line in done.stderr.splitlines()] == ["It broke."]


def test_nobody_can_be_asked_for_a_password(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "session", "list", "--as", "alice"],
        env=Talkstick(tmp_path / "data").environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
        start_new_session=True,  # so it has no terminal
    )
    assert done.returncode == 1
    said = "Error: no terminal to ask for the password of alice: say it in TALKSTICK_PASSWORD\n"
    assert (done.stdout, done.stderr.removeprefix("Password of alice: ")) == ("", said)


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "talkstick.db").write_text("this is a letter to my aunt, and no database" * 100)
    here = ("--data", str(tmp_path))
    for command in (("user", "list"), ("init",), ("serve",)):
        said = typed(*here, *command, ok=False)
        assert said == f"Error: cannot open the database in {tmp_path}: file is not a database\n"
    findings = json.loads(typed(*here, "doctor", "--json", ok=False).splitlines()[-1])
    assert [each["what"] for each in findings if "file is not a database" in each["found"]] == ["accounts"]
    assert {"settings", "TLS", "ffmpeg"} <= {each["what"] for each in findings}, "it looks at everything else"


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """Return a data directory whose database can be read, and not be changed."""
    operator = Operator(tmp_path)
    operator.run("init")
    operator.run("user", "add", "alice")
    operator.run("device", "add", "plug-1")
    operator.run("channel", "add", "hall")

    def forbid(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    event.listen(Pool, "connect", forbid)
    yield tmp_path
    event.remove(Pool, "connect", forbid)


def test_a_database_that_cannot_be_changed(read_only: Path) -> None:
    here = ("--data", str(read_only))
    for command in (
        "user add bob",
        "user passwd alice",
        "user topics alice --add z2m/#",
        "user rm alice --yes",
        "device add plug-2",
        "device policy plug-1 lease_s=60",
        "device owner plug-1 alice",
        "device code plug-1",
        "device rotate plug-1",
        "channel add stage",
        "channel policy hall idle_s=6",
        "trigger add cellar --pulse",
        "voice set plug-1 language=es",
        "voice cleanup",
    ):
        said = typed(*here, *command.split(), ok=False)
        expected = f"Error: the database in {read_only} cannot be changed: attempt to write a readonly database\n"
        assert said == expected, command
    assert json.loads(typed(*here, "user", "list", "--json"))[0]["name"] == "Admin", "one may look at it"


def test_the_doctor_looks_at_everything_though_the_database_is_damaged(tmp_path: Path) -> None:
    here = ("--data", str(tmp_path))
    typed(*here, "init")
    with sqlite3.connect(tmp_path / "talkstick.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((size,),) = database.execute("PRAGMA page_size")
        ((page,),) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'accountrow'")
    database.close()
    with (tmp_path / "talkstick.db").open("r+b") as file:
        file.seek(size * (page - 1))
        file.write(b"\xff" * size)
    findings = json.loads(typed(*here, "doctor", "--json", ok=False).splitlines()[-1])
    assert "the database cannot be read: database disk image is malformed" in [each["found"] for each in findings]
    assert {"settings", "TLS", "ffmpeg"} <= {each["what"] for each in findings}


def test_who_takes_the_login_and_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_WITHIN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"\x20\x02\x00\x00")  # CONNACK
                while connection.recv(4096):
                    pass

        listener = threading.Thread(target=listen)
        listener.start()
        Operator(tmp_path).run("init")
        here = {"TALKSTICK_PORT": str(listening.getsockname()[1])}
        findings = json.loads(typed("--data", str(tmp_path), "doctor", "--json", environment=here))
        listener.join()
    (server,) = (each for each in findings if each["what"] == "server")
    assert "says nothing" in server["found"]
    assert "disk full" in server["help"]


def test_where_there_is_nothing_nothing_is_made(tmp_path: Path) -> None:
    for command in (("user", "list"), ("device", "add", "scale-1"), ("channel", "add", "stage"), ("trigger", "list")):
        said = typed("--data", str(tmp_path / "typo"), *command, ok=False)
        assert f"there is no database in {tmp_path / 'typo'}: make one with `talkstick init`" in said
    assert list(tmp_path.iterdir()) == []


def test_what_is_stored_is_shown_without_a_login(tmp_path: Path) -> None:
    here = ("--data", str(tmp_path))
    for command in (("init",), ("device", "add", "scale-1"), ("trigger", "add", "hall")):
        typed(*here, *command)
    (tmp_path / "operator.json").unlink()
    assert "scale-1" in typed(*here, "device", "show", "scale-1")
    assert "hall" in typed(*here, "trigger", "list")
    assert "no login in" in typed(*here, "session", "list", ok=False)


def test_numbers_that_make_no_sense(tmp_path: Path) -> None:
    for option in ("--for", "--count"):
        assert f"Invalid value for '{option}'" in typed("--data", str(tmp_path), "watch", option, "0", ok=False)
