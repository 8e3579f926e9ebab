//! What becomes of a broker that something can't be had for which its configuration names by ARN.
//!
//! Source: the developer guide's chapters on `RABBITMQ_INVALID_ASSUMEROLE` and `RABBITMQ_INVALID_ARN` for the codes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use brokerd_domain::{ActionCode, ActionRequired};

use super::{source::NotFetched, wanted::Wanted};
use crate::pki::materials::{Resolved, Unusable};

/// How long what does not answer is waited for. A reboot must end: nobody can change a broker meanwhile.
const MAX_WAIT: Duration = Duration::from_mins(15);

/// The same where the broker has a value from before to go on with.
const WAIT_WITH_FORMER: Duration = Duration::from_mins(1);

/// By what a key begins with that the service has a code of its own for.
const INVALID_ARNS: [(&str, ActionCode); 3] = [
    ("auth_ldap.", ActionCode::RabbitmqInvalidArnLdap),
    ("auth_http.", ActionCode::RabbitmqInvalidArnHttp),
    ("ssl_options.", ActionCode::RabbitmqInvalidArnSsl),
];

/// What became of what is wanted, as a whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The broker has everything, be it from before.
    All(Resolved),
    /// Something does not answer yet: a sentence for the broker's owner.
    Later(String),
    /// Something can't be had.
    Never {
        /// A sentence for the broker's owner.
        why: String,
        /// The required action.
        unusable: Vec<Unusable>,
    },
}

/// Whether a code is one of these.
pub(crate) fn is_own(code: &ActionCode) -> bool {
    [ActionCode::RabbitmqInvalidAssumeRole, ActionCode::RabbitmqInvalidArn].contains(code)
        || INVALID_ARNS.iter().any(|(_, own)| own == code)
}

/// One action for each code.
pub(crate) fn by_code<'a>(unusable: impl IntoIterator<Item = &'a Unusable>) -> Vec<ActionRequired> {
    let mut by_code: BTreeMap<ActionCode, Vec<&str>> = BTreeMap::new();
    for Unusable { action, .. } in unusable {
        let infos = by_code.entry(action.code.clone()).or_default();
        if !infos.contains(&action.info.as_str()) {
            infos.push(&action.info);
        }
    }
    let action =
        |(code, infos): (ActionCode, Vec<&str>)| ActionRequired { code, info: infos.join(" ") };
    by_code.into_iter().map(action).collect()
}

/// Decides. What a broker has from before does where it can't be had anew.
pub(super) fn judge(
    wanted: &Wanted,
    answers: BTreeMap<&str, Result<String, NotFetched>>,
    former: &Resolved,
    waited: Duration,
) -> Fetched {
    let in_force = former.in_force(wanted.reboots_done);
    let (mut values, mut unusable, mut lacking) = (BTreeMap::new(), Vec::new(), Vec::new());
    let (mut later, mut never) = (BTreeSet::new(), BTreeSet::new());
    for (arn, answer) in answers {
        let why = match answer {
            Ok(value) => {
                values.insert(arn.to_owned(), value);
                continue;
            }
            Err(why) => why,
        };
        let before = in_force.get(arn).or_else(|| former.values.get(arn));
        let time_limit = if before.is_some() { WAIT_WITH_FORMER } else { MAX_WAIT };
        let failure = Failure { wanted, arn, why: &why };
        if matches!(why, NotFetched::Transient(_)) && waited < time_limit {
            later.insert(failure.sentence());
        } else if let Some(value) = before {
            values.insert(arn.to_owned(), value.clone());
            unusable.extend(failure.unusable(
                "The broker goes on with what it was given before; rebooting it tries it again.",
            ));
        } else {
            never.insert(failure.sentence());
            lacking.extend(failure.unusable("Correct the configuration, or what it names by ARN."));
        }
    }
    let joined = |sentences: BTreeSet<String>| sentences.into_iter().collect::<Vec<_>>().join("; ");
    if !never.is_empty() {
        return Fetched::Never { why: joined(never), unusable: lacking };
    }
    if !later.is_empty() {
        return Fetched::Later(joined(later));
    }
    let previous = in_force.clone();
    Fetched::All(Resolved { reboot: wanted.reboot, values, previous, unusable, waits: None })
}

struct Failure<'a> {
    wanted: &'a Wanted,
    arn: &'a str,
    why: &'a NotFetched,
}

impl Failure<'_> {
    fn keys(&self) -> &[String] {
        self.wanted.keys_by_arn.get(self.arn).map_or(&[], Vec::as_slice)
    }

    fn sentence(&self) -> String {
        let Self { wanted, arn, why } = self;
        let keys = self.keys().join(", aws.arns.");
        match why {
            NotFetched::Transient(_) => {
                format!("[{arn}] of [aws.arns.{keys}] can't be fetched: {why}")
            }
            NotFetched::Invalid(_) => format!("[{arn}] of [aws.arns.{keys}] can't be used: {why}"),
            NotFetched::Role(_) => {
                format!("[{}] of [aws.arns.assume_role_arn] can't be assumed: {why}", wanted.role)
            }
        }
    }

    fn unusable(&self, advice: &str) -> Vec<Unusable> {
        let is_role = matches!(self.why, NotFetched::Role(_));
        let code = |key: &String| {
            let own = INVALID_ARNS.iter().find(|(prefix, _)| key.starts_with(prefix));
            own.map_or(ActionCode::RabbitmqInvalidArn, |(_, code)| code.clone())
        };
        let codes: BTreeSet<ActionCode> = if is_role {
            [ActionCode::RabbitmqInvalidAssumeRole].into()
        } else {
            self.keys().iter().map(code).collect()
        };
        let arn = if is_role { &self.wanted.role } else { self.arn };
        let info = format!("{}. {advice}", self.sentence());
        let one = |code| Unusable {
            arn: arn.to_owned(),
            action: ActionRequired { code, info: info.clone() },
        };
        codes.into_iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:ldap-AbCdEf";
    const CLIENTS: &str = "arn:aws:s3:::certs/clients.pem";

    fn wanted(reboot: u32, reboots_done: u32) -> Wanted {
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        Wanted {
            scope: brokerd_domain::Scope {
                account: "000000000000".parse().expect("valid"),
                region: "us-east-1".parse().expect("valid"),
            },
            role: "arn:aws:iam::000000000000:role/MqRole".to_owned(),
            reboot,
            reboots_done,
            back: false,
            keys_by_arn: BTreeMap::from([
                (PASSWORD.to_owned(), keys(&["auth_ldap.dn_lookup_bind.password"])),
                (
                    CLIENTS.to_owned(),
                    keys(&["ssl_options.cacertfile", "management.ssl.cacertfile"]),
                ),
            ]),
        }
    }

    fn values(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(arn, value)| ((*arn).to_owned(), (*value).to_owned())).collect()
    }

    fn answers(
        password: Result<&str, NotFetched>,
        clients: Result<&str, NotFetched>,
    ) -> BTreeMap<&'static str, Result<String, NotFetched>> {
        BTreeMap::from([
            (PASSWORD, password.map(str::to_owned)),
            (CLIENTS, clients.map(str::to_owned)),
        ])
    }

    fn silent<T>() -> Result<T, NotFetched> {
        Err(NotFetched::Transient("s3 answered 503".to_owned()))
    }

    fn denied<T>() -> Result<T, NotFetched> {
        Err(NotFetched::Invalid("s3 answered 403 (AccessDenied)".to_owned()))
    }

    fn codes(unusable: &[Unusable]) -> Vec<ActionCode> {
        by_code(unusable).into_iter().map(|action| action.code).collect()
    }

    #[test]
    fn what_does_not_answer_is_waited_for_and_what_is_denied_is_not() {
        let (wanted, nothing) = (wanted(1, 0), Resolved::default());
        let judge = |answers, waited| judge(&wanted, answers, &nothing, waited);
        let minutes = Duration::from_mins;

        let Fetched::All(all) = judge(answers(Ok("a"), Ok("b")), minutes(0)) else { panic!() };
        assert_eq!(
            (all.values, all.unusable),
            (values(&[(PASSWORD, "a"), (CLIENTS, "b")]), vec![])
        );

        for waited in [0, 14] {
            let Fetched::Later(why) = judge(answers(Ok("a"), silent()), minutes(waited)) else {
                panic!("after {waited} minutes")
            };
            assert_eq!(
                why,
                format!(
                    "[{CLIENTS}] of [aws.arns.ssl_options.cacertfile, aws.arns.management.ssl.cacertfile] \
                     can't be fetched: s3 answered 503"
                )
            );
        }
        let Fetched::Never { unusable, .. } = judge(answers(Ok("a"), silent()), minutes(15)) else {
            panic!("for ever")
        };
        assert_eq!(
            codes(&unusable),
            [ActionCode::RabbitmqInvalidArn, ActionCode::RabbitmqInvalidArnSsl]
        );

        // What is final is said at once, whatever else may come.
        let Fetched::Never { why, unusable } = judge(answers(denied(), silent()), minutes(0))
        else {
            panic!("it is denied")
        };
        assert!(why.contains("AccessDenied") && !why.contains("503"), "{why}");
        assert_eq!(codes(&unusable), ["RABBITMQ_INVALID_ARN_LDAP"]);
    }

    #[test]
    fn a_role_that_can_t_be_assumed_is_told_once() {
        let role = || Err(NotFetched::Role("sts answered 403 (AccessDenied)".to_owned()));
        let answers = answers(role(), role());
        let judged = judge(&wanted(0, 0), answers, &Resolved::default(), Duration::ZERO);
        let Fetched::Never { why, unusable } = judged else { panic!("{judged:?}") };
        assert_eq!(why.matches("can't be assumed").count(), 1, "{why}");
        let actions = by_code(&unusable);
        let [action] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!(action.code, ActionCode::RabbitmqInvalidAssumeRole);
        assert_eq!(action.info.matches("can't be assumed").count(), 1, "{action:?}");
    }

    #[test]
    fn what_a_broker_has_from_before_does_and_that_is_told() {
        let former = Resolved {
            reboot: 1,
            values: values(&[(PASSWORD, "old"), (CLIENTS, "old")]),
            ..Resolved::default()
        };
        let judge = |answers, waited| judge(&wanted(2, 1), answers, &former, waited);
        for (answers, waited, expected) in [
            (answers(denied(), Ok("new")), Duration::ZERO, "RABBITMQ_INVALID_ARN_LDAP"),
            (answers(silent(), Ok("new")), WAIT_WITH_FORMER, "RABBITMQ_INVALID_ARN_LDAP"),
        ] {
            let Fetched::All(all) = judge(answers, waited) else { panic!("it has one") };
            assert_eq!(all.values, values(&[(PASSWORD, "old"), (CLIENTS, "new")]));
            assert_eq!(all.previous, former.values);
            assert_eq!(codes(&all.unusable), [expected]);
            assert!(all.unusable[0].action.info.contains("given before"), "{:?}", all.unusable);
        }
        let hiccup = judge(answers(silent(), Ok("new")), Duration::from_secs(59));
        assert!(matches!(hiccup, Fetched::Later(_)), "{hiccup:?}");
    }

    #[test]
    fn a_reboot_in_vain_leads_back_to_what_was_in_force() {
        let former = Resolved {
            reboot: 1,
            values: values(&[(PASSWORD, "old"), (CLIENTS, "old")]),
            ..Resolved::default()
        };
        let answers = answers(Ok("new"), Ok("new"));
        let tried = judge(&wanted(2, 1), answers, &former, Duration::ZERO);
        let Fetched::All(tried) = tried else { panic!("{tried:?}") };
        assert_eq!(wanted(2, 1).as_before(&tried), None, "it is no way back");
        let back = Wanted { back: true, ..wanted(3, 1) };
        let before = back.as_before(&tried).expect("everything is there");
        assert_eq!((before.reboot, &before.values), (3, &former.values));
        // No value was fetched for a reboot that was refused at once.
        assert_eq!(back.as_before(&former).expect("everything is there").values, former.values);
        let lacking = Resolved { values: values(&[(PASSWORD, "old")]), ..former };
        assert_eq!(back.as_before(&lacking), None);
    }
}
