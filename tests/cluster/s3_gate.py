"""s3_gate.py PORT BEHIND MOOD: stands before an S3 endpoint at port BEHIND, and makes of it a strict and a bad one. Requests must
be signed (version 4, secret LARVA), over the very bytes that came. The file MOOD says how it is:

    busy      every fourth request is answered by 503 SlowDown
    short     of every second object that is fetched half comes, then the connection ends
    broken    500 to everything
    refusing  403 to everything
"""
import hashlib
import hmac
import http.client
import http.server
import sys
import urllib.parse

PORT, BEHIND, MOOD = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
SECRET = "LARVA"


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Gate(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = fetched = 0

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", length=None):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code, name):
        self.answer(code, f"<Error><Code>{name}</Code><Message>says the gate</Message></Error>".encode())

    def signed(self, body):
        authorization = self.headers.get("Authorization", " ")
        parts = dict(p.strip().split("=", 1) for p in authorization.split(" ", 1)[1].split(",") if "=" in p)
        if not parts:
            return False
        _, day, region, service, last = parts["Credential"].split("/")
        names = parts["SignedHeaders"].split(";")
        url = urllib.parse.urlsplit(self.path)
        sha = hashlib.sha256(body).hexdigest()
        if self.headers["x-amz-content-sha256"] != sha or "x-amz-content-sha256" not in names:
            return False
        headers = [f"{n}:{self.headers[n].strip()}" for n in names]
        canonical = "\n".join([self.command, url.path, url.query, *headers, "", ";".join(names), sha])
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], f"{day}/{region}/{service}/{last}",
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + SECRET).encode()
        for part in (day, region, service, last):
            key = mac(key, part)
        return mac(key, text).hex() == parts["Signature"]

    def pass_on(self, body):
        behind = http.client.HTTPConnection("127.0.0.1", BEHIND, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
        behind.request(self.command, self.path, body if self.command == "PUT" else None, headers)
        answer = behind.getresponse()
        code, bytes_ = answer.status, answer.read()
        behind.close()
        return code, bytes_

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(MOOD) as f:
            mood = f.read().strip()
        Gate.asked += 1
        if mood == "broken":
            return self.refuse(500, "InternalError")
        if mood == "refusing":
            return self.refuse(403, "AccessDenied")
        if mood == "busy" and Gate.asked % 4 == 0:
            return self.refuse(503, "SlowDown")
        if not self.signed(body):
            return self.refuse(403, "SignatureDoesNotMatch")
        code, bytes_ = self.pass_on(body)
        if mood == "short" and self.command == "GET" and code == 200 and "?" not in self.path:
            Gate.fetched += 1
            if Gate.fetched % 2 == 1:
                self.close_connection = True
                return self.answer(code, bytes_[:len(bytes_) // 2], len(bytes_))
        return self.answer(code, bytes_)

    do_GET = do_PUT = do_DELETE = handle_any


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Gate).serve_forever()
