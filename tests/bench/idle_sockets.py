"""Sessions as bare sockets: a start-up, simple queries, nothing else."""
import socket
import struct

from servers import BenchError


def receive_until_ready(s):
    """Reads messages to the first ReadyForQuery; an ErrorResponse is an error."""
    buffer = b""
    while True:
        while len(buffer) >= 5:
            kind, length = buffer[:1], struct.unpack("!I", buffer[1:5])[0]
            if len(buffer) < 1 + length:
                break
            body, buffer = buffer[5:1 + length], buffer[1 + length:]
            if kind == b"E":
                raise BenchError(body.replace(b"\0", b" ").decode(errors="replace"))
            if kind == b"Z":
                return
        more = s.recv(65536)
        if not more:
            raise BenchError("the server closed the connection")
        buffer += more


def query(s, statement):
    text = statement.encode() + b"\0"
    s.sendall(b"Q" + struct.pack("!I", len(text) + 4) + text)
    receive_until_ready(s)


def connect(server, statement, timeout=60):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.settimeout(timeout)
        s.connect(f"{server.socket_dir}/.s.PGSQL.{server.port}")
        body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
        s.sendall(struct.pack("!I", len(body) + 4) + body)
        receive_until_ready(s)
        query(s, statement)
    except BaseException:
        s.close()
        raise
    return s


def ask(s, statement):
    """Whether the session still answers."""
    try:
        query(s, statement)
        return True
    except (OSError, BenchError):
        return False
