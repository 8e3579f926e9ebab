//! The objects of a specification.

use std::{fmt::Debug, time::Duration};

use brokerd_domain::{
    BrokerId, Cidr, Generation,
    instance::{InjectedFile, InstanceName, InstanceSpec, Limits, VolumeSpec},
};
use k8s_openapi::api::{
    core::v1::{PersistentVolumeClaim, Pod, Secret, Service},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::runtime::{kubernetes::options::KubernetesOptions, outgoing::Outgoing};

const BROKER: &str = "b-00000000-0000-0000-0000-00000000002a";

fn file(root: &str, path: &str, mode: u32) -> InjectedFile {
    let content = b"s3cret".to_vec();
    InjectedFile { root: root.to_owned(), path: path.to_owned(), mode, content }
}

fn spec() -> InstanceSpec {
    let volume =
        |role, mount: &str, keep| VolumeSpec { role, mount: mount.to_owned(), keep, shared: false };
    InstanceSpec {
        name: InstanceName {
            installation: "test".parse().expect("valid"),
            broker: BrokerId::from(Uuid::from_u128(42)),
            ordinal: 2,
        },
        generation: Generation(7),
        reboot: 3,
        instances: 3,
        hostname: format!("{BROKER}-2"),
        image: "brokerd/rabbitmq:4.3".to_owned(),
        former_image: None,
        user: (999, 998),
        owns_data: true,
        command: vec!["rabbitmq-server".to_owned(), "$(HOME) $x".to_owned()],
        environment: vec!["A=b=$c".to_owned(), "EMPTY=".to_owned()],
        ports: vec![5671, 15671],
        volumes: vec![
            volume("conf", "/etc/rabbitmq", false),
            volume("data", "/var/lib/it's", true),
        ],
        disk_bytes: Some(200 << 30),
        tmpfs: vec![("/tmp".to_owned(), "rw,size=64m,mode=1777".to_owned())],
        files: vec![
            file("/etc/rabbitmq", "rabbitmq.conf", 0o640),
            file("/etc/rabbitmq", "tls/deep/server.key", 0o400),
            file("/var/lib/it's", ".erlang.cookie", 0o400),
        ],
        limits: Limits {
            memory_bytes: 2 << 30,
            nano_cpus: 2_000_000_000,
            cpu_shares: Limits::SERVING_SHARES,
            pids: 512,
        },
        open_files: 20_000,
        stop_grace: Duration::from_secs(90),
    }
}

fn options() -> KubernetesOptions {
    KubernetesOptions {
        pull_secrets: vec!["registry".to_owned()],
        instance_class: Some("fast".to_owned()),
        shared_class: Some("shared".to_owned()),
        ..KubernetesOptions::new("test".parse().expect("valid"))
    }
}

fn rendered_pod(spec: &InstanceSpec, spread: Spread) -> Value {
    pod(spec, &spec.digest(), &spec.image, "secret-uid", spec.limits, spread, &options())
}

/// Whether Kubernetes knows every field: what it does not know, it drops without a word.
fn is_known<T: DeserializeOwned + Serialize + Debug>(rendered: &Value) {
    let typed: T = serde_json::from_value(rendered.clone()).expect("an object");
    let again = serde_json::to_value(&typed).expect("JSON");
    assert_eq!(&again, rendered);
}

#[test]
fn every_object_has_but_fields_that_kubernetes_knows() {
    let spec = spec();
    for spread in [Spread::Alone, Spread::Zones, Spread::Nodes, Spread::AsFarAsPossible] {
        is_known::<Pod>(&rendered_pod(&spec, spread));
    }
    is_known::<Secret>(&secret(&spec, &spec.digest(), spec.limits).expect("a secret"));
    is_known::<Service>(&service(&spec));
    is_known::<PodDisruptionBudget>(&budget(&spec).expect("a budget"));
    is_known::<PersistentVolumeClaim>(
        &claim(&spec, &spec.volumes[1], &options()).expect("a claim"),
    );
    let neighbours = Neighbours {
        brokerd_namespace: Some("brokerd".to_owned()),
        clients: vec!["10.0.0.1/32".parse().expect("a range")],
    };
    let outgoing = Outgoing {
        allowed: None,
        denied: vec!["10.0.0.0/8".parse().expect("a range")],
        host_services: vec!["10.1.2.3:636".parse().expect("a service")],
        endpoint_ports: vec![20_000..=29_999, 8443..=8443],
    };
    let (installation, broker) = (&spec.name.installation, spec.name.broker);
    is_known::<NetworkPolicy>(&policy(installation, broker, &neighbours, Some(&outgoing), None));
    is_known::<NetworkPolicy>(&isolation(installation, broker));
}

#[test]
fn a_pod_runs_the_engine_confined_and_under_its_own_name() {
    let spec = spec();
    let pod = rendered_pod(&spec, Spread::Zones);
    assert_eq!(pod["metadata"]["name"], format!("{BROKER}-2"));
    assert_eq!(pod["metadata"]["labels"]["brokerd.ordinal"], "2");
    assert_eq!(pod["metadata"]["annotations"]["brokerd.spec"], spec.digest().0);
    assert_eq!(pod["metadata"]["annotations"]["brokerd.generation"], "7");
    assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], "secret-uid");
    let of = &pod["spec"];
    assert_eq!(of["hostname"], format!("{BROKER}-2"));
    assert_eq!(of["subdomain"], BROKER);
    let search = format!("{BROKER}.brokerd-test.svc.cluster.local");
    assert_eq!(of["dnsConfig"]["searches"], json!([search]));
    assert_eq!(of["restartPolicy"], "Never");
    assert_eq!(of["terminationGracePeriodSeconds"], 90);
    assert_eq!(of["imagePullSecrets"], json!([{ "name": "registry" }]));
    assert_eq!(of["securityContext"]["fsGroup"], 998);
    // A node that is cut off may still run it.
    assert!(of["tolerations"].as_array().expect("tolerations").iter().all(|toleration| {
        toleration["effect"] == "NoExecute" && toleration.get("tolerationSeconds").is_none()
    }));
    let engine = &of["containers"][0];
    assert_eq!(engine["args"], json!(["rabbitmq-server", "$$(HOME) $$x"]));
    assert_eq!(engine["env"][0], json!({ "name": "A", "value": "b=$$c" }));
    assert_eq!(engine["resources"]["limits"]["memory"], (2u64 << 30).to_string());
    for container in [engine, &of["initContainers"][0]] {
        let confined = &container["securityContext"];
        assert_eq!(confined["capabilities"]["drop"], json!(["ALL"]));
        assert_eq!(confined["allowPrivilegeEscalation"], false);
        assert_eq!(confined["readOnlyRootFilesystem"], true);
        assert_eq!(container["image"], spec.image);
    }
    let mounts = engine["volumeMounts"].as_array().expect("mounts");
    assert!(mounts.iter().all(|mount| mount["name"] != "files"), "the secret is not the engine's");
    let zone = "topology.kubernetes.io/zone";
    let apart =
        &of["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!(apart[0]["topologyKey"], zone);
    assert!(rendered_pod(&spec, Spread::Alone)["spec"].get("affinity").is_none());
}

#[test]
fn nothing_secret_is_outside_the_secret() {
    let spec = spec();
    let pod = rendered_pod(&spec, Spread::Alone).to_string();
    assert!(!pod.contains("s3cret") && !pod.contains("czNjcmV0"));
    let secret = secret(&spec, &spec.digest(), spec.limits).expect("a secret");
    assert_eq!(secret["data"]["f0"], "czNjcmV0");
    assert_eq!(secret["immutable"], true);
}

#[test]
fn the_script_lays_out_each_file_where_its_volume_is() {
    use base64::Engine as _;
    let spec = spec();
    let secret = secret(&spec, &spec.digest(), spec.limits).expect("a secret");
    let script = secret["data"]["lay-out.sh"].as_str().expect("a script");
    let script = base64::engine::general_purpose::STANDARD.decode(script).expect("base64");
    let script = String::from_utf8(script).expect("text");
    let (_, lines) = script.rsplit_once("}\n").expect("the functions");
    let expected = "\
volume 755 '/etc/rabbitmq' '/brokerd/volumes/conf' yes
volume 755 '/var/lib/it'\\''s' '/brokerd/volumes/data' yes
file /brokerd/files/f0 '/brokerd/volumes/conf/content/rabbitmq.conf' 640
directory '/brokerd/volumes/conf/content/tls' 750
directory '/brokerd/volumes/conf/content/tls/deep' 750
file /brokerd/files/f1 '/brokerd/volumes/conf/content/tls/deep/server.key' 400
file /brokerd/files/f2 '/brokerd/volumes/data/content/.erlang.cookie' 400
";
    assert_eq!(lines, expected);
    let foreign = InstanceSpec { owns_data: false, ..spec.clone() };
    let secret = super::secret(&foreign, &foreign.digest(), foreign.limits).expect("a secret");
    assert_ne!(secret["data"]["lay-out.sh"], script);
    let mut astray = spec;
    astray.files.push(file("/nowhere", "x", 0o400));
    let why = super::secret(&astray, &astray.digest(), astray.limits).expect_err("no volume");
    assert!(why.contains("/nowhere"), "{why}");
}

#[test]
fn a_claim_has_the_size_and_the_class_of_its_volume_and_a_pair_needs_a_class() {
    let mut spec = spec();
    let own = claim(&spec, &spec.volumes[1], &options()).expect("a claim");
    assert_eq!(own["metadata"]["name"], format!("{BROKER}-2-data"));
    assert_eq!(own["spec"]["storageClassName"], "fast");
    assert_eq!(own["spec"]["accessModes"], json!(["ReadWriteOnce"]));
    assert_eq!(own["spec"]["resources"]["requests"]["storage"], (200u64 << 30).to_string());
    spec.volumes[1].shared = true;
    let shared = claim(&spec, &spec.volumes[1], &options()).expect("a claim");
    assert_eq!(shared["metadata"]["name"], format!("{BROKER}-data"));
    assert!(shared["metadata"]["labels"].get("brokerd.ordinal").is_none());
    assert_eq!(shared["spec"]["storageClassName"], "shared");
    assert_eq!(shared["spec"]["accessModes"], json!(["ReadWriteMany"]));
    let none = KubernetesOptions::new("test".parse().expect("valid"));
    let why = claim(&spec, &spec.volumes[1], &none).expect_err("no class");
    assert!(why.contains("runtime.kubernetes.storage_class_efs"), "{why}");
    spec.volumes[1].shared = false;
    let usual = claim(&spec, &spec.volumes[1], &none).expect("a claim");
    assert!(usual["spec"].get("storageClassName").is_none(), "the cluster's default");
}

#[test]
fn a_drain_leaves_all_but_one_instance_of_several() {
    let spec = spec();
    let several = budget(&spec).expect("a budget");
    assert_eq!(several["spec"]["minAvailable"], 2);
    assert_eq!(several["spec"]["unhealthyPodEvictionPolicy"], "AlwaysAllow");
    assert!(budget(&InstanceSpec { instances: 1, ..spec }).is_none());
}

fn ranges(policy: &Value) -> Vec<(String, Value)> {
    let rules = policy["spec"]["egress"].as_array().cloned().unwrap_or_default();
    let peers = rules.iter().filter_map(|rule| rule["to"].as_array()).flatten();
    let blocks = peers.filter_map(|peer| peer.get("ipBlock"));
    blocks
        .map(|block| (block["cidr"].as_str().expect("a range").to_owned(), block["except"].clone()))
        .collect()
}

#[test]
fn engines_reach_what_is_permitted_less_what_is_denied_and_no_more_than_their_account_permits() {
    let (installation, broker) = ("test".parse().expect("valid"), spec().name.broker);
    let range = |text: &str| text.parse::<Cidr>().expect("a range");
    let nobody = Neighbours::default();
    let of = |outgoing: &Outgoing, limit: Option<&[Cidr]>| {
        ranges(&policy(&installation, broker, &nobody, Some(outgoing), limit))
    };
    let mut outgoing = Outgoing {
        allowed: None,
        denied: vec![range("10.0.0.0/8")],
        host_services: Vec::new(),
        endpoint_ports: Vec::new(),
    };
    let all = of(&outgoing, None);
    assert_eq!(all[0], ("0.0.0.0/0".to_owned(), json!(["10.0.0.0/8", "169.254.0.0/16"])));
    assert_eq!(all[1], ("::/0".to_owned(), json!(["fe80::/10", "fd00:ec2::/32"])));
    outgoing.allowed = Some(vec![range("10.1.0.0/16"), range("192.0.2.0/24")]);
    assert_eq!(of(&outgoing, None), [("192.0.2.0/24".to_owned(), Value::Null)]);
    let limit = [range("192.0.2.8/29"), range("198.51.100.0/24")];
    assert_eq!(of(&outgoing, Some(&limit)), [("192.0.2.8/29".to_owned(), Value::Null)]);
    outgoing.allowed = Some(Vec::new());
    let none = policy(&installation, broker, &nobody, Some(&outgoing), None);
    let rules = none["spec"]["egress"].as_array().expect("rules");
    assert_eq!(rules.len(), 2, "its peers and names");
    assert!(rules.iter().all(|rule| rule["to"] != json!([])), "that would be everybody");
    let free = policy(&installation, broker, &nobody, None, None);
    assert_eq!(free["spec"]["policyTypes"], json!(["Ingress"]));
}

#[test]
fn only_peers_and_brokerd_reach_an_engine_and_nobody_one_that_is_cut_off() {
    let (installation, broker) = ("test".parse().expect("valid"), spec().name.broker);
    let neighbours = Neighbours {
        brokerd_namespace: Some("control".to_owned()),
        clients: vec!["10.212.0.1/32".parse().expect("a range")],
    };
    let policy = policy(&installation, broker, &neighbours, None, None);
    let from = policy["spec"]["ingress"][0]["from"].as_array().expect("peers");
    assert_eq!(from.len(), 3);
    assert_eq!(from[0]["podSelector"]["matchLabels"]["brokerd.broker"], BROKER);
    let namespace = &from[1]["namespaceSelector"]["matchLabels"];
    assert_eq!(namespace["kubernetes.io/metadata.name"], "control");
    assert_eq!(from[1]["podSelector"]["matchLabels"]["app.kubernetes.io/name"], "brokerd");
    assert_eq!(from[2]["ipBlock"]["cidr"], "10.212.0.1/32");
    // What one policy permits no other one forbids.
    let selects = |policy: &Value| policy["spec"]["podSelector"]["matchExpressions"][0].clone();
    let isolation = isolation(&installation, broker);
    assert_eq!(selects(&policy)["operator"], "DoesNotExist");
    assert_eq!(selects(&isolation)["operator"], "Exists");
    assert_eq!(selects(&policy)["key"], selects(&isolation)["key"]);
    assert!(
        isolation["spec"].get("ingress").is_none() && isolation["spec"].get("egress").is_none()
    );
}

#[test]
fn the_next_life_is_the_last_one_without_what_ended_it() {
    let mut rendered = rendered_pod(&spec(), Spread::Alone);
    let made = rendered.clone();
    let metadata = &mut rendered["metadata"];
    metadata["uid"] = json!("u");
    metadata["resourceVersion"] = json!("9");
    metadata["labels"]["brokerd.isolated"] = json!("true");
    metadata["annotations"]["brokerd.frozen"] = json!("true");
    rendered["spec"]["nodeName"] = json!("k1");
    rendered["spec"]["activeDeadlineSeconds"] = json!(1);
    rendered["status"] = json!({ "phase": "Failed" });
    let last: Pod = serde_json::from_value(rendered).expect("a pod");
    assert_eq!(serde_json::to_value(again(&last)).expect("JSON"), made);
}
