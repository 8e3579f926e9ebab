"""HTTPS with the standard library: a list of requests in, a list of answers out.

Request: {"url": …, "ca": …, "method": "GET", "user": …, "password": …, "headers": {}, "body": text,
          "names": as in client.py}
Answer:  {"status": 200, "headers": {}, "body": text}; cookies are kept from one request to the next.
"""
import base64
import http.cookiejar
import json
import ssl
import sys
import urllib.error
import urllib.request

from client import know


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def answer(opener, given):
    body = given.get("body")
    request = urllib.request.Request(
        given["url"], method=given.get("method", "GET"), data=body.encode() if body is not None else None
    )
    for name, value in given.get("headers", {}).items():
        request.add_header(name, value)
    if given.get("user") is not None:
        token = base64.b64encode(f"{given['user']}:{given['password']}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        response = opener.open(request, timeout=10)
    except urllib.error.HTTPError as error:
        response = error
    return {
        "status": response.status,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "body": response.read().decode(errors="replace"),
    }


def main():
    requests = json.load(sys.stdin)
    know(requests[0].get("names"))
    context = ssl.create_default_context(cafile=requests[0]["ca"])
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        NoRedirect(),
    )
    print(json.dumps([answer(opener, given) for given in requests]))


main()
