//! `advanced.config`: what `rabbitmq.conf` can't say in every version, as Erlang terms.

use std::collections::BTreeMap;

use brokerd_domain::RabbitMqSettings;

use super::{
    configuration::{self, without_timeout},
    listeners,
    node::{trusted_path, version},
    resolved_arns::ResolvedArns,
    terms::{binary, octets, text},
};
use crate::engine::blueprint::Blueprint;

/// The file.
pub(super) fn render(
    blueprint: &Blueprint<'_>,
    settings: &RabbitMqSettings,
    resolved_arns: &ResolvedArns<'_>,
) -> String {
    let (version, root) = (version(blueprint), &blueprint.image.config_root);
    let mut applications: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut set =
        |application, term: String| applications.entry(application).or_default().push(term);
    for (application, term) in listeners::terms(blueprint, settings, resolved_arns) {
        set(application, term);
    }
    if version.major >= 4 {
        // For shovels and federation links; 4.0 has no key for it. Certificates of public authorities
        // are trusted, and those of this installation's own brokers.
        let verify = settings.get(configuration::CLIENT_VERIFY).unwrap_or("verify_peer");
        let trusted = text(&trusted_path(root));
        set(
            "amqp_client",
            format!("{{ssl_options,[{{verify,{verify}}},{{cacertfile,{trusted}}}]}}"),
        );
    }
    if without_timeout(settings, version) {
        set("rabbit", "{consumer_timeout,undefined}".to_owned());
    }
    // Here a password may be of any characters.
    for bind in ["dn_lookup_bind", "other_bind"] {
        let password = resolved_arns.value(&format!("auth_ldap.{bind}.password"));
        if let Some((user, password)) =
            settings.get(&format!("auth_ldap.{bind}.user_dn")).zip(password)
        {
            let (user, password) = (octets(user), octets(password));
            set("rabbitmq_auth_backend_ldap", format!("{{{bind},{{{user},{password}}}}}"));
        }
    }
    // Only 4.3 has keys for queries, and for aliases.
    for (words, query) in settings.below("auth_ldap") {
        let name = match words[..] {
            ["queries", "tags"] => "tag_queries".to_owned(),
            ["queries", access] => format!("{access}_query"),
            _ => continue,
        };
        set("rabbitmq_auth_backend_ldap", format!("{{{name},{query}}}"));
    }
    let aliases = aliases(settings);
    if !aliases.is_empty() {
        set(
            "rabbitmq_auth_backend_oauth2",
            format!("{{scope_aliases,#{{{}}}}}", aliases.join(",")),
        );
    }
    let applications: Vec<String> = applications
        .into_iter()
        .map(|(name, terms)| format!(" {{{name},[\n  {}\n ]}}", terms.join(",\n  ")))
        .collect();
    format!("[\n{}\n].\n", applications.join(",\n"))
}

/// What a scope stands for, as entries of a map: by name, or as pairs of an alias and its scopes.
fn aliases(settings: &RabbitMqSettings) -> Vec<String> {
    let mut named: BTreeMap<String, &str> = BTreeMap::new();
    let mut pairs: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for (words, value) in settings.below("auth_oauth2") {
        match words[..] {
            ["scope_aliases", alias] => {
                named.insert(alias.replace("\\.", "."), value);
            }
            ["scope_aliases", index, "alias"] => pairs.entry(index).or_default().0 = Some(value),
            ["scope_aliases", index, "scope"] => pairs.entry(index).or_default().1 = Some(value),
            _ => {}
        }
    }
    for pair in pairs.into_values() {
        if let (Some(alias), Some(scopes)) = pair {
            named.insert(alias.to_owned(), scopes);
        }
    }
    named
        .into_iter()
        .map(|(alias, scopes)| {
            let scopes: Vec<String> =
                scopes.split(' ').filter(|s| !s.is_empty()).map(binary).collect();
            format!("{} => [{}]", binary(&alias), scopes.join(","))
        })
        .collect()
}
