"""Ports for servers under test. Not from the range of which the kernel takes the ports of outgoing
connections (from 32768 on, where Linux is not told otherwise): one of those may be in use, or rest in
TIME_WAIT, at the moment a server is to listen."""
import itertools
import os
import socket

FIRST, COUNT = 10000, 20000
candidates = itertools.islice(itertools.cycle(range(COUNT)), os.getpid() % COUNT, None)


def free_port():
    """One that nobody listens on and that this process has not been given; processes begin to look at
    different ones."""
    for i in itertools.islice(candidates, COUNT):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", FIRST + i))
            except OSError:
                continue
            return FIRST + i
    raise OSError(f"no port from {FIRST} to {FIRST + COUNT - 1} is free")
