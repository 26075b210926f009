# SPDX-License-Identifier: Apache-2.0
"""A bundle server on a loopback port that misbehaves by request: the first part of the path says how.

Prints its port, serves until it is killed, and for two minutes at the most.
"""
import gzip
import http.server
import json
import re
import signal
import sys


def make_bundle(version, padding=0):
    reference = [{"source_name": "mitre-attack", "external_id": "T1059"}]
    objects = [
        {"type": "x-mitre-tactic", "id": "x-mitre-tactic--1", "name": "Execution", "x_mitre_shortname": "execution",
         "external_references": [{"source_name": "mitre-attack", "external_id": "TA0002"}]},
        {"type": "attack-pattern", "id": "attack-pattern--1", "name": f"Interpreter of {version}",
         "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
         "external_references": reference},
        {"type": "note", "content": "x" * padding},
    ]
    if version:
        objects.append({"type": "x-mitre-collection", "id": "x-mitre-collection--1", "x_mitre_version": version})
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        fields = {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in headers.items()}
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        how, _, rest = self.path.lstrip("/").partition("/")
        version = re.search(r"-([0-9.]+)\.json$", rest)
        bundle = make_bundle(version[1] if version else "19.0")
        here = "http://127.0.0.1:%d" % self.server.server_port
        if how == "ok" and "/" not in rest:
            self.answer(b"not here", 404)
        elif how == "ok":
            self.answer(bundle)
        elif how == "packed":
            self.answer(gzip.compress(bundle), Content_Encoding="gzip")
        elif how == "bomb":
            self.answer(gzip.compress(b" " * 1_000_000), Content_Encoding="gzip")
        elif how == "large":
            self.answer(make_bundle("18.1", 2_000_000))
        elif how == "other":
            self.answer(make_bundle("17.1"))
        elif how == "nameless":
            self.answer(make_bundle(""))
        elif how == "garbage":
            self.answer(b"<html>sign in to go on</html>")
        elif how == "empty":
            self.answer(b"")
        elif how == "truncated":
            self.answer(bundle, Content_Length=len(bundle) + 1)
        elif how == "announced":
            self.answer(b"", Content_Length=1 << 40)
        elif how == "broken":
            self.answer(bundle, 500)
        elif how == "partial":
            self.answer(bundle, 206)
        elif how == "here":
            self.answer(b"elsewhere", 302, Location=f"{here}/ok/{rest}")
        elif how == "relative":
            self.answer(b"elsewhere", 301, Location=f"/ok/{rest}")
        elif how == "away":
            self.answer(bundle, 302, Location=f"http://192.0.2.1/{rest}")
        elif how == "disguised":
            self.answer(bundle, 302, Location=f"http://127.0.0.1@192.0.2.1/{rest}")
        elif how == "file":
            self.answer(bundle, 302, Location="file:///etc/hostname")
        elif how == "round":
            self.answer(b"elsewhere", 302, Location=self.path)
        elif how == "stalled":
            self.answer(b"{", Content_Length=1000)
            self.close_connection = False  # waits for a next request, and so stays open
        else:
            self.answer(b"not here", 404)


def main():
    signal.alarm(120)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
