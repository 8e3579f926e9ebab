-- Policies of users, groups and roles: managed ones with versions, which are attached, and inline ones. A document is kept as
-- its author wrote it. Locks nothing: the tables are new, and identity is a migration old.

create table managed_policy (
    -- ANPA…
    id          text primary key,
    -- Null: the service's own, which every account may attach and none may change.
    account     text constraint managed_policy_account references account,
    path        text not null default '/',
    name        text not null,
    description text not null default '',
    created     bigint not null,
    updated     bigint not null,
    default_version integer not null default 1,
    -- Numbers of versions are never used again.
    next_version    integer not null default 2,
    tags        jsonb not null default '{}'
);
create unique index managed_policy_by_name on managed_policy (account, lower(name)) nulls not distinct;

create table policy_version (
    policy_id text not null references managed_policy on delete cascade,
    version   integer not null check (version > 0),
    document  text not null,
    created   bigint not null,
    primary key (policy_id, version)
);

-- The names of the constraints say what keeps an identity or a policy from being deleted.
create table attached_policy (
    identity_id text not null constraint attached_policy_identity references identity,
    policy_id   text not null constraint attached_policy_policy references managed_policy,
    primary key (identity_id, policy_id)
);
create index attached_policy_by_policy on attached_policy (policy_id);

create table inline_policy (
    identity_id text not null constraint inline_policy_identity references identity,
    name        text not null,
    document    text not null,
    -- Characters but white space: what counts against the quota.
    size        integer not null,
    primary key (identity_id, name)
);

-- The permissions boundary of a user or role.
alter table identity
    add column boundary_id text constraint identity_boundary references managed_policy,
    add check (boundary_id is null or kind in ('user', 'role'));
create index identity_by_boundary on identity (boundary_id) where boundary_id is not null;

create function policy_arn(account text, path text, name text) returns text language sql immutable as $$
    select 'arn:aws:iam::' || coalesce(account, 'aws') || ':policy' || path || name
$$;

-- Source: "AWS managed policy reference". The identifiers of those of Amazon MQ are brokerd's own.
insert into managed_policy (id, name, description, created, updated, default_version, next_version) values
    ('ANPAIWMBCKSKIEE64ZLYK', 'AdministratorAccess', 'Provides full access to AWS services and resources.', 1423247986000000, 1423247986000000, 1, 2),
    ('ANPABROKERDMQFULLACCS', 'AmazonMQFullAccess', 'Provides full access to AmazonMQ via the AWS Management Console.', 1511882880000000, 1604507640000000, 5, 6),
    ('ANPABROKERDMQREADONLY', 'AmazonMQReadOnlyAccess', 'Provides read only access to AmazonMQ via the AWS Management Console.', 1511883000000000, 1511895720000000, 2, 3),
    ('ANPABROKERDMQAPIFULLA', 'AmazonMQApiFullAccess', 'Provides full access to AmazonMQ via our API/SDK.', 1545165060000000, 1604508300000000, 2, 3),
    ('ANPABROKERDMQAPIREADO', 'AmazonMQApiReadOnlyAccess', 'Provides read only access to AmazonMQ via our API/SDK.', 1545165060000000, 1545165060000000, 1, 2);

insert into policy_version (policy_id, version, document, created) values
    ('ANPAIWMBCKSKIEE64ZLYK', 1, '{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}
  ]
}', 1423247986000000),
    ('ANPABROKERDMQFULLACCS', 5, '{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["mq:*", "cloudformation:CreateStack", "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission", "ec2:DetachNetworkInterface", "ec2:DescribeInternetGateways", "ec2:DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfacePermissions", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:CreateSecurityGroup", "ec2:AuthorizeSecurityGroupIngress"], "Resource": "*"},
    {"Effect": "Allow", "Action": ["logs:CreateLogGroup"], "Resource": ["arn:aws:logs:*:*:log-group:/aws/amazonmq/*"]},
    {"Action": "iam:CreateServiceLinkedRole", "Effect": "Allow", "Resource": "*", "Condition": {"StringLike": {"iam:AWSServiceName": "mq.amazonaws.com"}}}
  ]
}', 1604507640000000),
    ('ANPABROKERDMQREADONLY', 2, '{
  "Version": "2012-10-17",
  "Statement": [
    {"Action": ["mq:Describe*", "mq:List*", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"], "Effect": "Allow", "Resource": "*"}
  ]
}', 1511895720000000),
    ('ANPABROKERDMQAPIFULLA', 2, '{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["mq:*", "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission", "ec2:DetachNetworkInterface", "ec2:DescribeInternetGateways", "ec2:DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfacePermissions", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"], "Resource": "*"},
    {"Effect": "Allow", "Action": ["logs:CreateLogGroup"], "Resource": ["arn:aws:logs:*:*:log-group:/aws/amazonmq/*"]},
    {"Action": "iam:CreateServiceLinkedRole", "Effect": "Allow", "Resource": "*", "Condition": {"StringLike": {"iam:AWSServiceName": "mq.amazonaws.com"}}}
  ]
}', 1604508300000000),
    ('ANPABROKERDMQAPIREADO', 1, '{
  "Version": "2012-10-17",
  "Statement": [
    {"Action": ["mq:Describe*", "mq:List*", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"], "Effect": "Allow", "Resource": "*"}
  ]
}', 1545165060000000);
