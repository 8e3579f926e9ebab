"""What boto3 sees of IAM and STS: typed errors, paginators, waiters, decoded documents, and roles that it assumes by itself.

Called as the account's root, with a profile `deploy` in the file of configuration that assumes a role. Prints what it found.
"""
import datetime
import json
import sys

import boto3
from botocore.exceptions import ClientError

READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["mq:List*", "mq:Describe*"], "Resource": "*"}],
}


def check(condition, *what):
    if not condition:
        sys.exit(f"not as expected: {what}")


def users(iam):
    for number in range(5):
        name = f"boto-{number}"
        user = iam.create_user(UserName=name, Path="/boto/", Tags=[{"Key": "n", "Value": str(number)}])["User"]
        check(isinstance(user["CreateDate"], datetime.datetime), user)
        iam.get_waiter("user_exists").wait(UserName=name)
    pages = iam.get_paginator("list_users").paginate(PathPrefix="/boto/", PaginationConfig={"PageSize": 2})
    names = [user["UserName"] for page in pages for user in page["Users"]]
    check(names == [f"boto-{number}" for number in range(5)], names)
    try:
        iam.create_user(UserName="BOTO-1")
        sys.exit("a name was taken twice")
    except iam.exceptions.EntityAlreadyExistsException as error:
        check(error.response["ResponseMetadata"]["HTTPStatusCode"] == 409, error.response)
        check(error.response["Error"]["Type"] == "Sender", error.response)
        check(error.response["ResponseMetadata"]["RequestId"], error.response)
    check(iam.get_user(UserName="boto-3")["User"]["Tags"] == [{"Key": "n", "Value": "3"}])
    iam.untag_user(UserName="boto-3", TagKeys=["n"])
    check(iam.list_user_tags(UserName="boto-3")["Tags"] == [])


def policies(iam):
    iam.put_user_policy(UserName="boto-0", PolicyName="read", PolicyDocument=json.dumps(READ, indent=2))
    check(iam.get_user_policy(UserName="boto-0", PolicyName="read")["PolicyDocument"] == READ)
    check(iam.list_user_policies(UserName="boto-0")["PolicyNames"] == ["read"])
    arn = iam.create_policy(PolicyName="boto", PolicyDocument=json.dumps(READ), Description="a & <b>")["Policy"]["Arn"]
    iam.get_waiter("policy_exists").wait(PolicyArn=arn)
    check(iam.get_policy(PolicyArn=arn)["Policy"]["Description"] == "a & <b>")
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(READ), SetAsDefault=True)
    check(version["PolicyVersion"]["VersionId"] == "v2", version)
    check(iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == READ)
    iam.attach_user_policy(UserName="boto-1", PolicyArn=arn)
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    check([user["UserName"] for user in entities["PolicyUsers"]] == ["boto-1"], entities)
    check(iam.list_policies(Scope="Local")["Policies"][0]["AttachmentCount"] == 1)
    try:
        iam.put_user_policy(UserName="boto-0", PolicyName="p", PolicyDocument="{")
        sys.exit("a broken document was taken")
    except iam.exceptions.MalformedPolicyDocumentException:
        pass
    simulated = iam.simulate_principal_policy(
        PolicySourceArn=iam.get_user(UserName="boto-0")["User"]["Arn"],
        ActionNames=["mq:ListBrokers", "mq:DeleteBroker"],
        ContextEntries=[{"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["10.0.0.1"]}],
    )["EvaluationResults"]
    check([result["EvalDecision"] for result in simulated] == ["allowed", "implicitDeny"], simulated)
    check(simulated[0]["MatchedStatements"][0]["StartPosition"] == {"Line": 4, "Column": 5}, simulated)
    iam.detach_user_policy(UserName="boto-1", PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
    iam.delete_user_policy(UserName="boto-0", PolicyName="read")


def everything(iam):
    details = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 3})
    details = details.build_full_result()
    names = {user["UserName"] for user in details["UserDetailList"]}
    check({f"boto-{number}" for number in range(5)} <= names, names)
    role = next(role for role in details["RoleDetailList"] if role["RoleName"] == "deploy")
    check(role["AssumeRolePolicyDocument"]["Statement"], role)
    summary = iam.get_account_summary()["SummaryMap"]
    check(summary["Users"] >= 5 and summary["AccessKeysPerUserQuota"] == 2, summary)
    check(iam.list_account_aliases()["AccountAliases"] == [])


def gone(iam):
    for number in range(5):
        iam.delete_user(UserName=f"boto-{number}")
    try:
        iam.get_user(UserName="boto-0")
        sys.exit("a deleted user is still there")
    except iam.exceptions.NoSuchEntityException:
        pass


def assumed(profile):
    """With nothing but a profile: boto3 assumes the role by itself and renews its credentials."""
    session = boto3.Session(profile_name=profile)
    identity = session.client("sts").get_caller_identity()
    brokers = session.client("mq").list_brokers()["BrokerSummaries"]
    try:
        session.client("mq").create_configuration(Name="x", EngineType="ACTIVEMQ", EngineVersion="5.19")
        sys.exit("the role may do what no policy allows")
    except ClientError as error:
        refused = error.response["Error"]
    return {"arn": identity["Arn"], "brokers": len(brokers), "refused": refused}


def main():
    iam = boto3.client("iam")
    users(iam)
    policies(iam)
    everything(iam)
    gone(iam)
    token = boto3.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    check(token["AccessKeyId"].startswith("ASIA"), "no session")
    check(isinstance(token["Expiration"], datetime.datetime), "no date")
    temporary = boto3.client(
        "iam",
        aws_access_key_id=token["AccessKeyId"],
        aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
    )
    check(temporary.list_roles()["Roles"][0]["RoleName"] == "deploy", "no role")
    print(json.dumps(assumed("deploy")))


main()
