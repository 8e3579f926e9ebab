//! Accounts: the teams that share an installation and nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::IamError;
use crate::{
    access::security_group::Cidr,
    kernel::{AccountId, Error, Timestamp},
};

/// What an operator calls an account: 1–50 characters, none of them a control character.
///
/// Source: `AccountName` of the AWS Organizations API reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// Checks a name.
    ///
    /// # Errors
    /// `ValidationError` on `accountName`.
    pub fn parse(text: &str) -> Result<Self, IamError> {
        if (1..=50).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control)
        {
            return Ok(Self(text.to_owned()));
        }
        Err(IamError::validation(
            "accountName",
            &text.escape_debug().to_string(),
            "Specify 1 to 50 characters, no control characters, no space at the ends",
        ))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AccountName {
    type Error = IamError;
    fn try_from(text: String) -> Result<Self, IamError> {
        Self::parse(&text)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> String {
        name.0
    }
}

/// Whether an account's calls are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AccountState {
    /// They are.
    Active,
    /// They are refused. The account's brokers go on.
    Suspended,
}

impl AccountState {
    /// The spelling of AWS Organizations' `AccountState`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
        }
    }

    /// The state of that spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|state| state.as_str() == name)
    }
}

/// What an account may have and do. None: what the service or the operator's configuration gives every account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Brokers in all regions together.
    pub brokers: Option<u32>,
    /// Memory of the instance types of all brokers together, in MiB.
    pub memory_mib: Option<u32>,
    /// Storage of all brokers together, in GiB.
    pub storage_gib: Option<u32>,
    /// Calls per second, in the long run.
    pub api_rate: Option<u32>,
}

/// Quotas as a request names them, checked for nothing but their types. What is none is not limited.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the members are those of Quotas, name by name")]
pub struct QuotasInput {
    pub brokers: Option<i64>,
    pub memory_mib: Option<i64>,
    pub storage_gib: Option<i64>,
    pub api_rate: Option<i64>,
}

impl Quotas {
    /// The largest value of a quota: as good as none.
    const MAX: i64 = i32::MAX as i64;

    /// Checks a request's quotas.
    ///
    /// # Errors
    /// A 400 on the first member that is negative or too large, or permits no call at all.
    pub fn parse(input: QuotasInput) -> Result<Self, Error> {
        let quota = |member: &'static str, value: Option<i64>, least: i64| {
            let Some(value) = value else { return Ok(None) };
            match u32::try_from(value) {
                Ok(quota) if (least..=Self::MAX).contains(&value) => Ok(Some(quota)),
                Ok(_) | Err(_) => Err(Error::bad_request(
                    member,
                    format!(
                        "[{member}] is invalid. Specify a number from [{least}] to [{}].",
                        Self::MAX
                    ),
                )),
            }
        };
        Ok(Self {
            brokers: quota("brokers", input.brokers, 0)?,
            memory_mib: quota("memoryMib", input.memory_mib, 0)?,
            storage_gib: quota("storageGib", input.storage_gib, 0)?,
            api_rate: quota("apiRate", input.api_rate, 1)?,
        })
    }
}

/// What engines of an account's brokers may connect to. It takes from what the installation permits, and gives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingRanges(Vec<Cidr>);

impl OutgoingRanges {
    /// How many ranges an account may have.
    pub const MAX: usize = 100;

    /// Reads a request's list: ranges or addresses, or `none` alone. Nothing: `all` alone, for no limit.
    ///
    /// # Errors
    /// A 400 on `outgoing` for an empty list, a text that is no range, or more than [`Self::MAX`].
    pub fn parse(texts: &[String]) -> Result<Option<Self>, Error> {
        let invalid =
            |why: String| Error::bad_request("outgoing", format!("[outgoing] is invalid. {why}"));
        match texts.iter().map(|text| text.trim()).collect::<Vec<_>>()[..] {
            ["all"] => Ok(None),
            ["none"] => Ok(Some(Self(Vec::new()))),
            [] => Err(invalid("Specify [all], [none], or ranges of addresses.".to_owned())),
            ref ranges if ranges.len() > Self::MAX => {
                Err(invalid(format!("Specify at most [{}] ranges.", Self::MAX)))
            }
            ref ranges => {
                let range = |text: &&str| {
                    let one = || text.parse::<std::net::IpAddr>().ok().map(Cidr::from);
                    text.parse().ok().or_else(one).ok_or_else(|| {
                        let shown = text.escape_debug();
                        invalid(format!(
                            "[{shown}] is neither an address nor a range such as 10.0.0.0/8."
                        ))
                    })
                };
                ranges.iter().map(range).collect::<Result<_, _>>().map(|all| Some(Self(all)))
            }
        }
    }

    /// Ranges as they were stored.
    pub const fn stored(ranges: Vec<Cidr>) -> Self {
        Self(ranges)
    }

    /// The ranges; empty: nothing but endpoints of brokers.
    pub fn ranges(&self) -> &[Cidr] {
        &self.0
    }

    /// As [`Self::parse`] reads it.
    pub fn texts(&self) -> Vec<String> {
        match self.0.as_slice() {
            [] => vec!["none".to_owned()],
            ranges => ranges.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What an account has of what is otherwise the same for all accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountNetwork {
    /// What its engines may connect to; none: what the installation permits.
    pub outgoing: Option<OutgoingRanges>,
    /// The certificates, PEM, of the authorities that issue certificates of its directories; none: those that the
    /// installation trusts.
    pub directory_authorities: Option<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: AccountId,
    /// What the operator calls it; unique.
    pub name: AccountName,
    /// Whether its calls are answered.
    pub state: AccountState,
    /// What it may have and do.
    pub quotas: Quotas,
    /// What its brokers reach and trust.
    pub network: AccountNetwork,
    /// When it was made.
    pub created: Timestamp,
}

/// What an account has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountUsage {
    /// Brokers in all regions together, also those that are being deleted.
    pub brokers: u32,
    /// Memory of the instance types of all brokers together, in MiB.
    pub memory_mib: u64,
    /// Storage of all brokers together, in GiB.
    pub storage_gib: u64,
}

/// One of the quotas that bound what an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountQuota {
    /// [`Quotas::brokers`].
    Brokers,
    /// [`Quotas::memory_mib`].
    Memory,
    /// [`Quotas::storage_gib`].
    Storage,
}

impl AccountQuota {
    /// The 400 of a request that would exceed it.
    pub fn exceeded(self) -> Error {
        let what = match self {
            Self::Brokers => {
                return Error::bad_request_overall(
                    "The account has as many brokers as its quota permits. Delete a broker and retry the request.",
                );
            }
            Self::Memory => "memory",
            Self::Storage => "storage",
        };
        Error::bad_request_overall(format!(
            "The account's quota for {what} of brokers does not permit this. Choose a smaller instance type or delete a broker, and retry the request."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_names_are_short_lines() {
        for good in ["red", "Team Rot & Blau", "ä", &"x".repeat(50)] {
            assert!(AccountName::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", " red", "red ", "a\nb", "a\u{1b}[2J", &"x".repeat(51)] {
            let refused = AccountName::parse(wrong).expect_err(wrong);
            assert!(!refused.message.contains(['\n', '\u{1b}']));
        }
    }

    #[test]
    fn quotas_are_numbers_that_the_database_can_hold_and_permit_some_calls() {
        let input = |number| QuotasInput {
            brokers: Some(number),
            memory_mib: Some(number),
            storage_gib: Some(number),
            api_rate: None,
        };
        let zero = Quotas::parse(input(0)).expect("valid");
        assert_eq!((zero.brokers, zero.storage_gib, zero.api_rate), (Some(0), Some(0), None));
        assert!(Quotas::parse(input(2_147_483_647)).is_ok());
        for wrong in [-1, 2_147_483_648, i64::MAX, i64::MIN] {
            let refused = Quotas::parse(input(wrong)).expect_err("too much");
            assert_eq!(refused.attribute.as_deref(), Some("brokers"));
        }
        let silent = QuotasInput { api_rate: Some(0), ..QuotasInput::default() };
        let refused = Quotas::parse(silent).expect_err("no call");
        assert_eq!(refused.attribute.as_deref(), Some("apiRate"));
    }

    #[test]
    fn outgoing_ranges_are_read_back_and_nothing_else_is_taken() {
        let parse = |texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            OutgoingRanges::parse(&texts)
        };
        assert_eq!(parse(&["all"]).expect("valid"), None);
        for (given, told) in [
            (&["none"][..], &["none"][..]),
            (
                &["10.1.2.3/8", " 192.0.2.7 ", "2001:db8::/32"],
                &["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"],
            ),
        ] {
            let ranges = parse(given).expect("valid").expect("a limit");
            assert_eq!(ranges.texts(), told);
            let again = OutgoingRanges::parse(&ranges.texts()).expect("valid");
            assert_eq!(again, Some(ranges));
        }
        let many = vec!["10.0.0.1"; OutgoingRanges::MAX + 1];
        for wrong in [&[][..], &["none", "all"], &["10.0.0.0/33"], &["a\nb"], &many] {
            let refused = parse(wrong).expect_err("invalid");
            assert_eq!(refused.attribute.as_deref(), Some("outgoing"));
            assert!(!refused.message.contains('\n'));
        }
    }

    #[test]
    fn states_are_read_back() {
        for state in [AccountState::Active, AccountState::Suspended] {
            assert_eq!(AccountState::from_name(state.as_str()), Some(state));
        }
        assert_eq!(AccountState::from_name("CLOSED"), None);
    }
}
