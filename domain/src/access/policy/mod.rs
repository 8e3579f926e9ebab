//! What principals may do: the policy language of AWS Identity and Access Management (IAM).
//!
//! [`Policy`] reads documents, [`PolicyEvaluator`] decides an [`AuthorizationRequest`] by the [`AppliedPolicies`],
//! [`OperationPermissions`] says what an operation needs, and [`Refusal`] is the sentence of a refused request.

mod arn;
mod condition;
#[cfg(test)]
mod console;
mod context;
mod decision;
mod document;
mod error;
mod evaluate;
mod grammar;
mod json;
mod operation;
mod operator;
mod pattern;
mod principal;
mod principal_element;
mod refusal;
mod required_actions;
mod size;
mod statement;
mod value;

pub use context::{Context, ContextValue, Environment};
pub use decision::{Decision, MatchedStatement, PolicyName, PolicySource, PolicyType};
pub use document::Policy;
pub use error::InvalidPolicy;
pub use evaluate::{AppliedPolicies, AppliedPolicy, IamEvaluator, PolicyEvaluator};
pub use operation::{
    AccessLevel, ConditionKey, OperationPermissions, RequiredAction, ResourceType, When,
};
pub use principal::{Principal, PrincipalKind};
pub use refusal::Refusal;
pub use size::PolicySize;
pub use statement::{AuthorizationRequest, Effect};
