"""The AWS CLI. Each call is a process, forked from one that has read the models already, which takes a tenth of the time.

Input: the line that every driver gets (../PROTOCOL.md), then {"arguments": ["mq", "list-brokers"]}, one line for each call.
Output: {"code": 0, "printed": "…", "complaints": "…"}, one line for each call.
"""
import json
import os
import sys
import tempfile

import awscli.clidriver


def settings(given):
    return {
        "AWS_ENDPOINT_URL_MQ": given["endpoint"],
        "AWS_DEFAULT_REGION": given["region"],
        "AWS_ACCESS_KEY_ID": given["key"],
        "AWS_SECRET_ACCESS_KEY": given["secret"],
        "AWS_MAX_ATTEMPTS": "1",
    }


def call(command, arguments):
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complaints:
        process = os.fork()
        if not process:
            code = 1
            try:
                os.dup2(printed.fileno(), 1)
                os.dup2(complaints.fileno(), 2)
                code = command.main(arguments)
            except SystemExit as end:
                code = end.code
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code or 0)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        answer = {"code": code}
        for name, file in [("printed", printed), ("complaints", complaints)]:
            file.seek(0)
            answer[name] = file.read().decode()
        return answer


def main():
    os.environ |= settings(json.loads(sys.stdin.readline()))
    command = awscli.clidriver.create_clidriver()
    # Reads the models of the service. What it prints is no answer to anybody.
    answers = os.dup(1)
    os.dup2(2, 1)
    command.main(["mq", "describe-broker-engine-types"])
    sys.stdout.flush()
    os.dup2(answers, 1)
    for line in sys.stdin:
        print(json.dumps(call(command, json.loads(line)["arguments"])), flush=True)


main()
