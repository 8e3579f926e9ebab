"""What the message clients share: one JSON object in, one out, and exit codes that say what happened.

Input:  {"url": "amqps://127.0.0.1:5671", "user": …, "password": …, "ca": "/path/ca.pem", "queue": …, "body": …, "timeout": 10},
        "users": [[name, password], …] for logins, and what other actions say they need.
        "names": {"domain": "brokers.test", "ports": {"5671": 25671}}: names that only this client knows, all on loopback.
Exit 0: done. 3: the broker refused the user, or what the user wanted to do. 1: anything else; the reason is in "error".
"""
import json
import socket
import sys
from urllib.parse import urlsplit


class Refused(Exception):
    """The broker did not let this user in, or not do this."""


def know(names):
    """Has names below a domain resolved to loopback, and their ports to others, as a host file and a forwarder would."""
    if not names:
        return
    plain = socket.getaddrinfo

    def getaddrinfo(host, port, *arguments, **named):
        if isinstance(host, str) and host.endswith("." + names["domain"]):
            host, port = "127.0.0.1", names["ports"].get(str(port), port)
        return plain(host, port, *arguments, **named)

    socket.getaddrinfo = getaddrinfo


class Target:
    def __init__(self, given):
        know(given.get("names"))
        parts = urlsplit(given["url"])
        self.scheme, self.host, self.port = parts.scheme, parts.hostname, parts.port
        self.address = (self.host, self.port)
        self.user, self.password = given.get("user"), given.get("password")
        self.ca = given["ca"]
        self.queue = given.get("queue", "scenario")
        self.body = given.get("body", "")
        self.timeout = given.get("timeout", 10)
        self.given = given


def logins(login, target):
    """Each of the users one after the other: null, or the words of the refusal."""
    answers = []
    for target.user, target.password in target.given["users"]:
        try:
            login(target)
            answers.append(None)
        except Refused as refused:
            answers.append(str(refused))
    return {"refused": answers}


def main(**actions):
    """Does the action named on the command line: send, receive, login, logins or another one of the client's."""
    target = Target(json.load(sys.stdin))
    actions["logins"] = lambda target: logins(actions["login"], target)
    try:
        answer = actions[sys.argv[1]](target) or {}
        code = 0
    except Refused as refused:
        answer, code = {"error": f"refused: {refused}"}, 3
    except Exception as error:  # the harness shows it
        answer, code = {"error": f"{type(error).__name__}: {error}"}, 1
    print(json.dumps(answer), flush=True)
    sys.stderr.flush()
    # Some clients leave threads behind that would keep the process alive.
    import os

    os._exit(code)
