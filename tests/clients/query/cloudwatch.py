"""Calls of CloudWatch in the query protocol: [operation, parameters] in JSON as the argument, the answer in JSON."""
import json
import sys

import boto3
from botocore import xform_name


def main():
    client = boto3.client("cloudwatch")
    assert client.meta.service_model.metadata["protocol"] == "query", "this botocore speaks another protocol"
    operation, parameters = json.loads(sys.argv[1])
    answer = getattr(client, xform_name(operation))(**parameters)
    answer.pop("ResponseMetadata")
    print(json.dumps(answer, default=lambda value: value.isoformat()))


main()
