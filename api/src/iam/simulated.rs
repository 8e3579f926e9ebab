//! What a simulation asks, and what it found.

use std::collections::BTreeMap;

use brokerd_domain::{
    identity::{IamArn, IamError},
    policy::{
        AppliedPolicies, AuthorizationRequest, Context, Decision, Environment, IamEvaluator,
        MatchedStatement, PolicyEvaluator as _, PolicyName, PolicySource, Principal,
    },
};

use super::positions::Position;
use crate::query::{Parameters, Xml};

/// Most actions and most resources of a simulation. Source: none; it keeps the effort of a call bounded.
const MAX_ITEMS: usize = 500;

/// What is asked: every action on every resource.
pub(super) struct Questions {
    actions: Vec<String>,
    resources: Vec<String>,
}

impl Questions {
    /// What a call asks.
    ///
    /// # Errors
    /// `InvalidInput`.
    pub(super) fn of(parameters: &Parameters) -> Result<Self, IamError> {
        let own = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let actions = own(parameters.list("ActionNames"));
        if actions.is_empty() {
            return Err(IamError::malformed(
                "1 validation error detected: Value null at 'actionNames' failed to satisfy constraint: Member must not be null",
            ));
        }
        let is_action = |action: &String| {
            action.split_once(':').is_some_and(|(service, name)| {
                !service.is_empty() && !name.is_empty() && !action.contains(['*', '?'])
            })
        };
        if let Some(wrong) = actions.iter().find(|action| !is_action(action)) {
            return Err(IamError::invalid(format!(
                "Invalid Entity Action Name: {}",
                wrong.escape_debug()
            )));
        }
        let mut resources = own(parameters.list("ResourceArns"));
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        if let Some(wrong) = resources.iter().find(|arn| *arn != "*" && !arn.starts_with("arn:")) {
            return Err(IamError::invalid(format!(
                "Invalid Input for parameter resourceArns: {}",
                wrong.escape_debug()
            )));
        }
        if actions.len() > MAX_ITEMS || resources.len() > MAX_ITEMS {
            return Err(IamError::invalid(format!(
                "Ask for at most {MAX_ITEMS} actions on at most {MAX_ITEMS} resources at once."
            )));
        }
        if parameters.text("ResourcePolicy").is_some() {
            return Err(IamError::invalid(
                "ResourcePolicy can't be evaluated: resources have no policies here.",
            ));
        }
        Ok(Self { actions, resources })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.actions.len() * self.resources.len()
    }

    fn at(&self, index: usize) -> Option<(&str, &str)> {
        let action = self.actions.get(index / self.resources.len())?;
        let resource = self.resources.get(index % self.resources.len())?;
        Some((action, resource))
    }
}

/// Sets the condition keys that a call gives.
///
/// # Errors
/// `ValidationError`, `InvalidInput`.
pub(super) fn add_entries(context: &mut Context, parameters: &Parameters) -> Result<(), IamError> {
    for entry in parameters.members("ContextEntries") {
        let key = entry.required("ContextKeyName")?.to_owned();
        let values: Vec<String> =
            entry.list("ContextKeyValues").into_iter().map(str::to_owned).collect();
        match (entry.text("ContextKeyType"), values.as_slice()) {
            (Some(kind), _) if kind.ends_with("List") => context.set_many(key, values),
            (_, [value]) => context.set(key, value),
            (_, []) => {
                return Err(IamError::invalid(format!(
                    "Context key {} has no value.",
                    key.escape_debug()
                )));
            }
            (None, _) => context.set_many(key, values),
            (Some(_), _) => {
                return Err(IamError::invalid(format!(
                    "Context key {} is of a type with one value, but has several.",
                    key.escape_debug()
                )));
            }
        }
    }
    Ok(())
}

/// Who is asked about.
pub(super) struct Simulation {
    pub(super) principal: Principal,
    pub(super) policies: AppliedPolicies,
    pub(super) context: Context,
}

impl Simulation {
    /// What is known of a request that nobody makes: when it would be, and from whom.
    pub(super) fn new(
        principal: Principal,
        policies: AppliedPolicies,
        environment: &Environment,
    ) -> Self {
        let environment = Environment { source_ip: None, user_agent: None, ..environment.clone() };
        let context = Context::of(&principal, &environment);
        Self { principal, policies, context }
    }

    /// The answers to some of the questions.
    pub(super) fn answers(
        &self,
        questions: &Questions,
        range: std::ops::Range<usize>,
    ) -> Vec<Answered> {
        let missing = self.missing_keys();
        let pairs = range.filter_map(|index| questions.at(index));
        let answers = pairs.map(|(action, resource)| {
            let request = AuthorizationRequest {
                principal: &self.principal,
                action,
                resource,
                context: &self.context,
            };
            let boundary = self.policies.boundary.as_ref().map(|boundary| {
                let only = AppliedPolicies {
                    identity: vec![boundary.clone()],
                    ..AppliedPolicies::default()
                };
                IamEvaluator.decide(&only, &request).is_allowed()
            });
            Answered {
                action: action.to_owned(),
                resource: resource.to_owned(),
                decision: IamEvaluator.decide(&self.policies, &request),
                boundary,
                missing: missing.clone(),
            }
        });
        answers.collect()
    }

    /// The condition keys that policies ask for and that have no value.
    fn missing_keys(&self) -> Vec<String> {
        let policies = self.policies.identity.iter().chain(&self.policies.boundary);
        let mut keys: Vec<String> = policies
            .flat_map(|applied| applied.policy.context_keys())
            .filter(|key| self.context.get(key).is_none())
            .map(str::to_owned)
            .collect();
        keys.sort();
        keys.dedup_by_key(|key| key.to_lowercase());
        keys
    }
}

/// An action on a resource, and whether it would be permitted.
pub(super) struct Answered {
    action: String,
    resource: String,
    decision: Decision,
    /// Whether the permissions boundary permits it; none: nothing bounds the principal.
    boundary: Option<bool>,
    missing: Vec<String>,
}

/// Where the statements of policies are.
pub(super) type Places = BTreeMap<PolicySource, Vec<(Position, Position)>>;

impl Answered {
    /// The statement that decided.
    pub(super) const fn statement(&self) -> Option<&MatchedStatement> {
        match &self.decision {
            Decision::Allowed { by } => by.as_ref(),
            Decision::ExplicitDeny { by } => Some(by),
            Decision::ImplicitDeny { .. } => None,
        }
    }

    /// Writes the members of an evaluation result.
    pub(super) fn write(&self, xml: &mut Xml, places: &Places) {
        xml.text("EvalActionName", &self.action);
        xml.text("EvalResourceName", &self.resource);
        xml.text("EvalDecision", self.decision.as_str());
        xml.list("MatchedStatements", self.statement(), |xml, by| {
            xml.text("SourcePolicyId", policy_id(&by.source));
            xml.text("SourcePolicyType", "IAM Policy");
            let place = places.get(&by.source).and_then(|all| all.get(by.number - 1));
            if let Some((start, end)) = place {
                for (name, position) in [("StartPosition", start), ("EndPosition", end)] {
                    xml.element(name, |xml| {
                        xml.text("Line", position.line);
                        xml.text("Column", position.column);
                    });
                }
            }
        });
        xml.texts("MissingContextValues", &self.missing);
        if let Some(is_allowed) = self.boundary {
            xml.element("PermissionsBoundaryDecisionDetail", |xml| {
                xml.text("AllowedByPermissionsBoundary", is_allowed);
            });
        }
    }
}

/// The identifier of a policy as the service's simulator has it: the name of a managed one, `user_alice_name` of an inline
/// one, or the parameter.
fn policy_id(source: &PolicySource) -> String {
    match &source.name {
        PolicyName::Managed(arn) => arn.rsplit('/').next().unwrap_or(arn).to_owned(),
        PolicyName::Inline(name) => match source.identity.parse() {
            Ok(IamArn::User(_, _, user)) => format!("user_{user}_{name}"),
            Ok(IamArn::Group(_, _, group)) => format!("group_{group}_{name}"),
            Ok(IamArn::Role(_, _, role)) => format!("role_{role}_{name}"),
            _ => name.clone(),
        },
        PolicyName::Only => source.identity.clone(),
    }
}
