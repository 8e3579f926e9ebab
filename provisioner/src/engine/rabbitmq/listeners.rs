//! How RabbitMQ's own listeners speak TLS, as Erlang terms.
//!
//! `rabbitmq.conf` knows one certificate per listener. As terms there can be two, of which Erlang takes the one that
//! fits the client's suites; what is said in terms replaces all that the other file says of the same listener.

use brokerd_domain::{EngineType, Protocol, RabbitMqSettings};

use super::{metrics_page, resolved_arns::ResolvedArns, terms::text};
use crate::engine::blueprint::Blueprint;

/// Certificate and key for ECDSA, and for RSA.
pub(super) const ECDSA: [&str; 2] = ["tls/server.pem", "tls/server.key"];
pub(super) const RSA: [&str; 2] = ["tls/server-rsa.pem", "tls/server-rsa.key"];

/// The terms with the applications that they are for.
pub(super) fn terms(
    blueprint: &Blueprint<'_>,
    settings: &RabbitMqSettings,
    resolved_arns: &ResolvedArns<'_>,
) -> [(&'static str, String); 3] {
    let root = &blueprint.image.config_root;
    let path = |file: &str| text(&format!("{root}/{file}"));
    let pair = |[certificate, key]: [&str; 2], is: &str| {
        format!("certfile{is}{},keyfile{is}{}", path(certificate), path(key))
    };
    let rsa = blueprint.materials.rsa.is_some();
    let [first, only] = [ECDSA, if rsa { RSA } else { ECDSA }];
    let pairs = if rsa { vec![first, only] } else { vec![first] };
    let pairs: Vec<String> = pairs.iter().map(|p| format!("#{{{}}}", pair(*p, "=>"))).collect();
    let [certificate, key] = only;
    let common = |prefix: &str| {
        let authorities = resolved_arns.path(&format!("{prefix}.cacertfile"));
        let authorities = authorities.map_or_else(|| path("tls/ca.pem"), |path| text(&path));
        let mut options = vec![
            // Only for who looks whether there is one at all: the first version with two does.
            format!("{{certfile,{}}}", path(certificate)),
            format!("{{keyfile,{}}}", path(key)),
            format!("{{certs_keys,[{}]}}", pairs.join(",")),
            format!("{{cacertfile,{authorities}}}"),
            "{versions,['tlsv1.3','tlsv1.2']}".to_owned(),
            "{honor_cipher_order,true}".to_owned(),
            format!(
                "{{verify,{}}}",
                settings.get(&format!("{prefix}.verify")).unwrap_or("verify_none")
            ),
        ];
        if let Some(depth) = settings.get(&format!("{prefix}.depth")) {
            options.push(format!("{{depth,{depth}}}"));
        }
        options
    };
    let mut messaging = common("ssl_options");
    let insists = settings.get("ssl_options.fail_if_no_peer_cert").unwrap_or("false");
    messaging.push(format!("{{fail_if_no_peer_cert,{insists}}}"));
    let mut management = common("management.ssl");
    // A browser has no certificate; the service does not insist on one there.
    management.push("{fail_if_no_peer_cert,false}".to_owned());
    let port = Protocol::Console.engine_port(EngineType::RabbitMq);
    management.insert(0, format!("{{port,{port}}}"));
    let list =
        |name: &str, options: &[String]| format!("{{{name},[\n   {}]}}", options.join(",\n   "));
    // Nobody brings a certificate there, whatever other listeners ask for.
    let page = list("ssl_opts", &common("metrics"));
    let port = metrics_page::PORT;
    [
        ("rabbit", list("ssl_options", &messaging)),
        ("rabbitmq_management", list("ssl_config", &management)),
        ("rabbitmq_prometheus", format!("{{ssl_config,[\n   {{port,{port}}},\n   {page}]}}")),
    ]
}
