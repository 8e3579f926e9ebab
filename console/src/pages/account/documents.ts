// Documents to begin with.

/** A policy that permits to look. */
export const NEW_POLICY = JSON.stringify(
  {
    Version: '2012-10-17',
    Statement: [{ Sid: 'Look', Effect: 'Allow', Action: ['mq:Describe*', 'mq:List*'], Resource: '*' }],
  },
  null,
  2,
);

/** A trust policy: whoever is in the account may assume the role, as far as own policies permit it. */
export const newTrust = (account: string) =>
  JSON.stringify(
    {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' }],
    },
    null,
    2,
  );
