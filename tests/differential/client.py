"""A session over a Unix socket: simple queries, answered with types and texts, or with an error's fields."""
import collections
import socket
import struct

Answer = collections.namedtuple("Answer", "types rows tag error")  # error: {field letter: text}, or None


class Lost(Exception):
    """The connection is gone."""


class Session:
    def __init__(self, server, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.buffer = bytearray()
        try:
            self.socket.connect(f"{server.socket_dir}/.s.PGSQL.{server.port}")
            body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
            self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        except OSError as e:
            raise Lost(str(e)) from e
        answer = self.receive()
        if answer.error:
            raise Lost(answer.error["M"])

    def close(self):
        self.socket.close()

    def ask(self, text):
        self.send(text)
        return self.receive()

    def send(self, text):
        body = text.encode() + b"\0"
        try:
            self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        except OSError as e:
            raise Lost(str(e)) from e

    def message(self):
        while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack_from("!I", self.buffer, 1)[0]:
            try:
                more = self.socket.recv(1 << 18)
            except OSError as e:
                raise Lost(str(e) or "no answer in time") from e
            if not more:
                raise Lost("the server closed the connection")
            self.buffer += more
        end = 1 + struct.unpack_from("!I", self.buffer, 1)[0]
        kind, body = bytes(self.buffer[:1]), bytes(self.buffer[5:end])
        del self.buffer[:end]
        return kind, body

    def receive(self):
        """Up to ReadyForQuery: the last result, and the error if there was one."""
        types, rows, tag, error = (), [], "", None
        while True:
            kind, body = self.message()
            if kind == b"T":
                types, rows = row_types(body), []
            elif kind == b"D":
                rows.append(row_values(body))
            elif kind == b"C":
                tag = body[:-1].decode()
            elif kind == b"E":
                error = {f[:1].decode(): f[1:].decode(errors="replace") for f in body.split(b"\0") if f}
                if error.get("S") == "FATAL":
                    raise Lost(error["M"])
            elif kind == b"Z":
                return Answer(types, rows, tag, error)


def row_types(body):
    types, at = [], 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        at = body.index(b"\0", at) + 1
        types.append(struct.unpack_from("!I", body, at + 6)[0])
        at += 18
    return tuple(types)


def row_values(body):
    values, at = [], 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        n = struct.unpack_from("!i", body, at)[0]
        at += 4
        values.append(None if n < 0 else body[at:at + n].decode(errors="replace"))
        at += max(n, 0)
    return tuple(values)
