"""The API with boto3; what is read and written is in ../PROTOCOL.md."""
import datetime
import json
import sys

import boto3
import botocore.auth
import botocore.compat
import botocore.config
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError


def client_for(given, call):
    value = lambda name: call.get(name, given[name])
    return boto3.client(
        call.get("service", "mq"),
        endpoint_url=given["endpoint"],
        region_name=value("region"),
        aws_access_key_id=value("key"),
        aws_secret_access_key=value("secret"),
        config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=30),
    )


def turn_the_clock(seconds):
    """Signs as if it were earlier or later."""
    real = botocore.compat.get_current_datetime

    def turned(remove_tzinfo=True):
        return real(remove_tzinfo) + datetime.timedelta(seconds=seconds)

    botocore.auth.get_current_datetime = turned if seconds else real


def do(client, call):
    name = xform_name(call["operation"])
    parameters = call.get("parameters", {})
    if not hasattr(client, name):
        return {"unknown": f"no operation {name}"}
    modelled = tuple(
        getattr(client.exceptions, name) for name in dir(client.exceptions) if name.endswith("Exception")
    )
    try:
        if "page_size" in call:
            if not client.can_paginate(name):
                return {"unknown": f"no paginator {name}"}
            pages = client.get_paginator(name).paginate(**parameters, PaginationConfig={"PageSize": call["page_size"]})
            return {"ok": [without_metadata(page) for page in pages]}
        return {"ok": without_metadata(getattr(client, name)(**parameters))}
    except ClientError as error:
        response = error.response
        return {
            "error": {
                "class": type(error).__name__,
                "modelled": isinstance(error, modelled),
                "code": response["Error"].get("Code"),
                "message": response["Error"].get("Message") or response.get("message"),
                "attribute": response.get("ErrorAttribute"),
                "status": response["ResponseMetadata"]["HTTPStatusCode"],
            }
        }
    except BotoCoreError as error:
        return {"error": {"class": type(error).__name__, "modelled": False, "message": str(error)}}


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def main():
    given = json.loads(sys.stdin.readline())
    usual = client_for(given, {})
    for line in sys.stdin:
        call = json.loads(line)
        turn_the_clock(call.get("skew_seconds", 0))
        is_usual = not {"service", "region", "key", "secret"} & call.keys()
        answer = do(usual if is_usual else client_for(given, call), call)
        print(json.dumps(answer, default=lambda value: value.isoformat()), flush=True)


main()
