"""The API with boto3: a list of calls in, a list of answers out.

Input:  {"endpoint": …, "region": …, "key": …, "secret": …, "calls": [{"operation": "list_brokers", "parameters": {}}]}
        A call may override region, key and secret, turn the clock with "skew_seconds", or name a "paginator".
Answer: {"ok": …} or {"error": {"class": "NotFoundException", "modelled": true, "code": …, "message": …,
        "attribute": …, "status": 404}}; "ok" of a paginator is the list of its pages.
"""
import datetime
import json
import sys

import boto3
import botocore.auth
import botocore.compat
import botocore.config
from botocore.exceptions import BotoCoreError, ClientError


def client_for(given, call):
    value = lambda name: call.get(name, given[name])
    return boto3.client(
        "mq",
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


def do(given, call):
    turn_the_clock(call.get("skew_seconds", 0))
    client = client_for(given, call)
    parameters = call.get("parameters", {})
    modelled = tuple(
        getattr(client.exceptions, name) for name in dir(client.exceptions) if name.endswith("Exception")
    )
    try:
        if "paginator" in call:
            pages = client.get_paginator(call["paginator"]).paginate(
                **parameters, PaginationConfig={"PageSize": call["page_size"]}
            )
            return {"ok": [strip(page) for page in pages]}
        return {"ok": strip(getattr(client, call["operation"])(**parameters))}
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
        return {"error": {"class": type(error).__name__, "message": str(error)}}


def strip(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def main():
    given = json.load(sys.stdin)
    print(json.dumps([do(given, call) for call in given["calls"]], default=str))


main()
