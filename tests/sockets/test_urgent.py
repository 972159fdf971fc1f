"""Waiting for urgent data, in both families that have it, and both modes."""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    DEADLINE,
    Family,
    Makers,
    has_loopback6,
    receive_exactly,
    reports,
    windows_differs,
    wine_shows,
)

from sockets import (
    ReceiveFromOption,
    SendToOption,
    SocketOption,
    close_socket,
    receive_from_socket,
    send_all,
    send_to_socket,
    set_socket_option,
    wait_for_socket,
    wait_for_urgent,
    within,
)

pytestmark = [pytest.mark.parametrize("family", ["internet", "internet6"], indirect=True),
              wine_shows("out-of-band")]
OUT_OF_BAND = ReceiveFromOption.OUT_OF_BAND


@pytest.fixture
def family(request: pytest.FixtureRequest, folder: Path) -> Family:
    if request.param == "internet6" and not has_loopback6():
        pytest.skip("the machine has no IPv6 loopback")
    return Family(request.param, folder)


def test_urgent_data_wakes_who_waits_for_it_and_other_data_does_not(make: Makers) -> None:
    client, server = make.pair()
    send_all(client, b"plain")
    assert wait_for_socket(server, True, False, 20) == (True, False)
    assert wait_for_urgent(server, 0.03) is False
    assert send_to_socket(client, b"!", None, SendToOption.OUT_OF_BAND) == 1
    assert wait_for_urgent(server, 20) is True
    assert receive_from_socket(server, 9, OUT_OF_BAND)[0] == b"!"
    assert wait_for_urgent(server, 0) is False
    assert receive_exactly(server, 5) == b"plain"


def test_who_waits_is_woken_when_it_comes(make: Makers) -> None:
    client, server = make.pair()
    woken: list[Any] = []
    thread = threading.Thread(target=lambda: woken.append(wait_for_urgent(server)))
    thread.start()
    send_to_socket(client, b"!", None, SendToOption.OUT_OF_BAND)
    thread.join(DEADLINE)
    assert woken == [True]
    assert within(0, wait_for_urgent, server) is True


@windows_differs("shutdown")
def test_a_broken_connection_ends_the_waiting(make: Makers) -> None:
    client, server = make.pair()
    set_socket_option(client, SocketOption.LINGER, 0)
    close_socket(client)  # which resets the connection
    assert wait_for_urgent(server, 20) is True
    with pytest.raises((ConnectionResetError, ValueError, OSError)):
        receive_from_socket(server, 1, OUT_OF_BAND)


def test_the_time_is_kept(quick: Makers) -> None:
    _, server = quick.pair()
    before = time.monotonic()
    assert wait_for_urgent(server, 0.06) is False
    assert time.monotonic() - before >= 0.06
    assert within(0.01, wait_for_urgent, server) is False


def test_wrong_arguments_and_closed_sockets_are_told(quick: Makers) -> None:
    _, server = quick.pair()
    for wrong, kind in (("x", TypeError), (-1, ValueError), (True, TypeError)):
        with pytest.raises(kind, match=r"^wait_for_urgent: timeout must be"):
            wait_for_urgent(server, wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^wait_for_urgent: sock must be a Socket"):
        wait_for_urgent(3)  # type: ignore[arg-type]
    close_socket(server)
    with reports(errno.EBADF, "wait_for_urgent", "poll"):
        wait_for_urgent(server, 0)
