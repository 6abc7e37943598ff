"""schemas/ is in step with the code, and what it says of a message is what the backend does with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from backend.app.table import TABLE
from backend.core.audio import Speech
from backend.core.ids import ID_PATTERN
from backend.core.refusals import Code, Refused
from backend.core.routing import Party, Route, parse_object
from backend.features.voice.frames import CODECS, FLAGS, HEARD, SPOKEN, Codec, Flag
from tools.gen_schemas import FOLDER, generate, main, write
from tools.schemas.contract import messages

FILES = generate()
MESSAGES = messages(TABLE)
INBOUND = [name for name, route in MESSAGES.items() if route.handler is not None]
OUTBOUND = [name for name in MESSAGES if name not in INBOUND]
GOOD, BAD = FOLDER / "examples" / "good", FOLDER / "examples" / "bad"
ASYNCAPI: dict[str, Any] = json.loads(FILES["asyncapi.json"])

NOT_IN_SCHEMA = {
    "Result/bad_message-fence-with-decimal-point.json": "to JSON Schema, 42.0 is an integer",
}


def examples(folder: Path, names: list[str]) -> list[Any]:
    found = sorted(path for name in names for path in (folder / name).glob("*.json"))
    return [pytest.param(path, id=key(path)) for path in found]


def key(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def route_of(path: Path) -> Route:
    return MESSAGES[path.parent.name]


def schema_errors(path: Path, body: object) -> list[str]:
    schema = json.loads(FILES[f"{path.parent.name}.schema.json"])
    return [error.message for error in Draft202012Validator(schema).iter_errors(body)]


def strictly_parsed(payload: bytes) -> Any:
    """Parse with another parser than the backend's. Raises ValueError; Python's takes NaN if nobody forbids it."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(payload.decode(), parse_constant=refuse)


def nodes(tree: object) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        yield from nodes(child)


def resolve(reference: str) -> Any:
    place: Any = ASYNCAPI
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


# The generated files


def test_the_files_are_in_step() -> None:
    assert main(["--check"]) == 0, "run: make schemas"


def test_generating_twice_makes_the_same() -> None:
    assert generate() == FILES


def test_check_names_what_is_out_of_step_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    write(folder, FILES)
    with (folder / "README.md").open("a") as readme:
        readme.write("by hand\n")
    (folder / "Result.schema.json").unlink()
    (folder / "Gone.schema.json").write_text("{}")
    before = {path.name for path in folder.iterdir()}

    assert main(["--check", "--folder", str(folder)]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "schemas/Gone.schema.json is superfluous; run: make schemas",
        "schemas/README.md is stale; run: make schemas",
        "schemas/Result.schema.json is missing; run: make schemas",
    ]
    assert {path.name for path in folder.iterdir()} == before


def test_generating_brings_a_folder_in_step_and_leaves_the_examples(tmp_path: Path) -> None:
    (tmp_path / "Gone.schema.json").write_text("{}")
    (tmp_path / "examples").mkdir()

    assert main(["--folder", str(tmp_path)]) == 0

    assert main(["--check", "--folder", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "examples"}


@pytest.mark.parametrize("name", MESSAGES)
def test_each_message_has_a_valid_schema_of_its_name(name: str) -> None:
    schema = json.loads(FILES[f"{name}.schema.json"])
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == name
    assert schema["$id"].endswith(name)
    assert schema["description"]


# The examples


def test_every_message_has_examples() -> None:
    assert {path.name for path in GOOD.iterdir()} == set(MESSAGES)
    assert {path.name for path in BAD.iterdir()} == set(INBOUND)
    for name in INBOUND:
        assert len(examples(GOOD, [name])) >= 2, name
        assert len(examples(BAD, [name])) >= 3, name


@pytest.mark.parametrize("path", examples(GOOD, INBOUND))
def test_a_good_message_is_taken(path: Path) -> None:
    body = parse_object(path.read_bytes())
    route_of(path).validate(body)
    assert schema_errors(path, body) == []


@pytest.mark.parametrize("path", examples(GOOD, OUTBOUND))
def test_a_good_document_is_what_the_backend_would_write(path: Path) -> None:
    body = parse_object(path.read_bytes())
    read_back = TypeAdapter(route_of(path).body).validate_json(path.read_bytes())
    assert json.loads(read_back.payload()) == body
    assert schema_errors(path, body) == []


@pytest.mark.parametrize("path", examples(BAD, INBOUND))
def test_a_bad_message_is_refused_with_the_code_in_its_name(path: Path) -> None:
    expected = Code(path.stem.partition("-")[0])
    with pytest.raises(Refused) as refused:
        route_of(path).validate(parse_object(path.read_bytes()))
    assert refused.value.code is expected


@pytest.mark.parametrize("path", examples(BAD, INBOUND))
def test_a_bad_message_is_no_json_or_not_of_the_schema(path: Path) -> None:
    try:
        body = strictly_parsed(path.read_bytes())
    except ValueError:
        assert path.stem.startswith(Code.BAD_JSON)
    else:
        assert bool(schema_errors(path, body)) == (key(path) not in NOT_IN_SCHEMA), NOT_IN_SCHEMA.get(key(path))


# The AsyncAPI document


def test_every_reference_of_the_asyncapi_document_resolves() -> None:
    references = [node["$ref"] for node in nodes(ASYNCAPI) if "$ref" in node]
    assert references
    assert all(resolve(reference) is not None for reference in references)


def test_every_topic_is_a_channel_with_described_levels() -> None:
    channels = {channel["address"]: channel for channel in ASYNCAPI["channels"].values()}
    assert set(channels) == {route.topic.template for route in TABLE.routes}
    for route in TABLE.routes:
        parameters = channels[route.topic.template]["parameters"]
        assert set(parameters) == set(route.topic.names)
        assert all(ID_PATTERN in resolve(parameter["$ref"])["description"] for parameter in parameters.values())


def test_the_backend_receives_what_it_reads_and_sends_what_it_writes() -> None:
    done = {(operation["action"], resolve(operation["channel"]["$ref"])["address"]) for operation in operations()}
    read = {("receive", route.topic.template) for route in TABLE.routes if route.handler is not None}
    written = {("send", route.topic.template) for route in TABLE.routes if route.writer is Party.BACKEND}
    assert done == read | written


def test_an_operation_names_a_message_of_its_channel() -> None:
    exchanges = [*operations(), *(operation["reply"] for operation in operations() if "reply" in operation)]
    for exchange in exchanges:
        (message,) = exchange["messages"]
        assert message["$ref"].startswith(exchange["channel"]["$ref"] + "/messages/")


def test_every_request_has_its_reply() -> None:
    replies = {
        resolve(operation["channel"]["$ref"])["address"]: resolve(operation["reply"]["channel"]["$ref"])["address"]
        for operation in operations()
        if "reply" in operation
    }
    assert replies == {route.topic.template: route.reply.template for route in TABLE.routes if route.reply}


def operations() -> list[dict[str, Any]]:
    return list(ASYNCAPI["operations"].values())


# The topic reference


def test_every_topic_stands_in_the_reference() -> None:
    for route in TABLE.routes:
        assert f"| `{route.topic.template}` | {route.retain.value} |" in FILES["README.md"]


def test_every_reason_code_stands_in_the_reference() -> None:
    for code in Code:
        assert f"| `{code}` |" in FILES["README.md"]


def test_every_codec_and_flag_stands_in_the_reference() -> None:
    for codec in Codec:
        ways = ("yes" if codec in way else "" for way in (HEARD, SPOKEN))
        assert " | ".join([f"| {codec:d}", f"`{codec.name.lower()}`", CODECS[codec], *ways]) in FILES["README.md"]
    for flag in Flag:
        assert f"| {flag:d} | `{flag.name}` | {FLAGS[flag]} |" in FILES["README.md"]


def test_what_a_device_may_declare_are_the_codecs_that_go_to_devices() -> None:
    assert {codec.name.lower() for codec in SPOKEN} == set(get_args(Speech))


def test_every_link_of_the_reference_leads_somewhere() -> None:
    page = FILES["README.md"]
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line.startswith("#")}
    for target in (part.partition(")")[0] for part in page.split("](")[1:]):
        assert target[1:] in headings if target.startswith("#") else (FOLDER / target).exists(), target
