"""YAML that people write, and that is written for them. Imported where it is needed only: it takes a moment."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"
_SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?", "-+.0123456789"),
}
_LEFT_ALONE = ("null", "merge")


class YamlError(ValueError):
    """This is no YAML, or not what is expected; the message says where."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2, as far as people notice: ``ON`` is a word, and ``22:00`` no number. No key twice in one place."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002
        """Return a mapping. Raises YAMLError where a key comes twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != f"{_TAG}merge"]
        for at, key in enumerate(keys):
            if key in keys[:at]:
                raise yaml.MarkedYAMLError(problem=f"{key!r} comes twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: kept
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if (kept := [each for each in resolvers if each[0].removeprefix(_TAG) in _LEFT_ALONE])
}
for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^({_pattern})$"), list(_first))


def read(text: str) -> dict[str, Any]:
    """Return the mapping in a file; an empty one where it says nothing. Raises YamlError."""
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - it is a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError(f"no YAML: {' '.join(str(error).split())}") from error
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise YamlError("no mapping of names")
    return found


def written(data: Mapping[str, Any]) -> str:
    """Return *data* as `read` reads it again."""
    text: str = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=120)
    return text
