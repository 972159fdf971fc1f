"""The sanitizers see what they are there to see, in the stub."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

THREADS = "libtsan" in os.environ.get("LD_PRELOAD", "")
OVERFLOW = "block = ffi.new('char[]', 33); address_header_keep(block + 32, 1, 1)"
ODD = "block = ffi.new('char[]', 33); address_header_keep(block + 1, 1, 1)"
LOST = """
found = ffi.new('struct foreign_resolution *')
getaddrinfo_block(b'127.0.0.1', b'80', ffi.NULL, found); del found
"""
RACE = """
import socket, threading
one, two = socket.socketpair()
block, frames = ffi.new('char[]', 8), [ffi.new('struct foreign_frame *') for _ in range(2)]
sock = make_foreign_socket(one.fileno())
threads = [threading.Thread(target=recvfrom_block, args=(sock, block, 8, 0, frame))
           for frame in frames]
for thread in threads: thread.start()
for _ in range(2): two.send(b'12345678')
for thread in threads: thread.join()
"""
MISTAKES = [
    pytest.param(RACE, "ThreadSanitizer: data race", "recvfrom", id="race"),
] if THREADS else [
    pytest.param(OVERFLOW, "AddressSanitizer: heap-buffer-overflow", "address_header_keep",
                 id="overflow"),
    pytest.param(ODD, "misaligned address", "address_header_keep", id="undefined"),
    pytest.param(LOST, "LeakSanitizer: detected memory leaks", "getaddrinfo", id="leak"),
]


@pytest.mark.parametrize(("mistake", "alarm", "place"), MISTAKES)
def test_a_mistake_is_reported(mistake: str, alarm: str, place: str) -> None:
    options = {
        name: os.environ[name].partition(":log_path=")[0]
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ
    }
    names = "ffi, address_header_keep, getaddrinfo_block, make_foreign_socket, recvfrom_block"
    run = subprocess.run(
        [sys.executable, "-c", f"from sockets._sockets import {names}\n{mistake}"],
        env={**os.environ, **options}, capture_output=True, text=True, timeout=50,
    )
    assert THREADS or run.returncode != 0, run.stderr
    assert alarm in run.stderr
    assert place in run.stderr
