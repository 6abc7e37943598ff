"""A port is given to one, however many ask at the same time."""

import socket
from itertools import islice

import pytest

from tools.ports import BLOCK, BLOCKS, HOST, free_port, ports


def test_two_runs_of_the_tests_never_get_the_same_port() -> None:
    one, other = ports(BLOCKS), ports(BLOCKS)
    assert not set(islice(one, BLOCK // 4)) & set(islice(other, BLOCK // 4))


def test_what_was_given_stays_given_also_when_a_block_is_used_up() -> None:
    one = ports(BLOCKS)
    first = next(one)
    while next(one) < first + BLOCK:
        pass
    assert first not in ports([first - first % BLOCK])


@pytest.mark.parametrize("before", [0, 1])
def test_nobody_listens_there_nor_on_the_next(before: int) -> None:
    with socket.create_server((HOST, 0)) as busy:
        taken = busy.getsockname()[1] - before
        assert next(ports([taken - 2]), None) != taken


def test_one_gets_another_each_time() -> None:
    assert len({free_port() for _ in range(10)}) == 10
