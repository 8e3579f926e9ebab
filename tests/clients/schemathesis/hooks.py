"""What Schemathesis has to be told of the API: how requests are signed, and what there is to ask for.

SIGNER:  {"region": …, "key": …, "secret": …}
KNOWN:   {"broker-id": ["b-…"], …}: values of path parameters that lead somewhere
"""
import json
import os
import zlib
from urllib.parse import parse_qsl, quote, urlsplit

import requests.auth
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SIGNER = json.loads(os.environ["SIGNER"])
KNOWN = json.loads(os.environ["KNOWN"])
SIGNATURES = {"InvalidSignatureException", "IncompleteSignatureException", "MissingAuthenticationTokenException"}


def strictly_encoded(url):
    """Signing is defined for queries in which everything but letters, digits and -_.~ is percent-encoded."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True, encoding="latin-1")
    query = "&".join("=".join(quote(text, safe="-_.~", encoding="latin-1") for text in pair) for pair in pairs)
    return parts._replace(query=query).geturl()


class Signed(requests.auth.AuthBase):
    """Signs what is about to be sent, whatever it is."""

    def __call__(self, request):
        request.url = strictly_encoded(request.url)
        credentials = Credentials(SIGNER["key"], SIGNER["secret"])
        signed = AWSRequest(method=request.method, url=request.url, data=request.body or b"")
        signed.headers["Host"] = urlsplit(request.url).netloc
        SigV4Auth(credentials, "mq", SIGNER["region"]).add_auth(signed)
        request.headers.update(signed.headers.items())
        return request


NOWHERE = "00000000-0000-4000-8000-000000000000"
CREATABLE = {
    "engineType": "RABBITMQ",
    "deploymentMode": "SINGLE_INSTANCE",
    "hostInstanceType": "mq.m7g.medium",
    "publiclyAccessible": True,
    "users": [{"username": "somebody", "password": "Zebra-Harbour-93-Lantern"}],
}


def known(operation, parameter, given, chance):
    """What a path leads to: three of four times to something that is there, unless it would be gone afterwards."""
    values = KNOWN.get(parameter, [])
    # What is asked of engines would wait for a provisioner, of which there is none.
    asks_engine = operation.endswith("Destination") or operation in ("ListDestinations", "SendTestMessage")
    if asks_engine or operation in ("DeleteBroker", "DeleteConfiguration"):
        return parameter[0] + "-" + NOWHERE if given in values else given
    if operation == "RebootBroker":
        values = values[-1:]  # it never ends here, so the other ones are left alone
    is_replaced = values and (chance % 4 or given in KNOWN[parameter])
    return values[chance // 4 % len(values)] if is_replaced else given


@schemathesis.hook
def before_call(context, case, kwargs):
    kwargs["auth"] = Signed()
    operation = case.operation.definition.raw.get("operationId", "")
    chance = zlib.crc32(f"{operation} {case.body!r} {case.query!r} {case.path_parameters!r}".encode(errors="replace"))
    for parameter, given in list((case.path_parameters or {}).items()):
        case.path_parameters[parameter] = known(operation, parameter, given, chance)
    if operation == "CreateBroker" and isinstance(case.body, dict) and chance % 2:
        # Half of what is drawn gets as far as the optional members, and some of it further.
        kept = {name: value for name, value in case.body.items() if chance % 3 == 0 or name in ("tags", "logs")}
        case.body = {**kept, **CREATABLE, "brokerName": f"made-{chance}"}


@schemathesis.check
def the_signature_is_accepted(context, response, case):
    """A refused signature would hide everything behind it."""
    names = response.headers.get("x-amzn-errortype") or []
    assert not SIGNATURES & set(names), f"{names}: {response.text}"
