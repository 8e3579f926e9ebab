//! Another machine on the host's network: a network namespace with a cable to the host.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use brokerd_tests::{World, clients, machine};
use serde_json::{Value, json};

use crate::networks::outgoing::Forwarded;

/// Accepts whoever connects, and prints where.
const SERVE: &str = r#"
import socket
server = socket.create_server(("0.0.0.0", 0))
print(server.getsockname()[1], flush=True)
while True:
    server.accept()[0].close()
"#;

/// The namespace, which ends with this.
pub(crate) struct Neighbour {
    name: String,
    cable: String,
    /// The third byte of the addresses at the two ends of the cable.
    subnet: u8,
}

fn ip(arguments: &[&str]) -> Result<String> {
    machine::run(Command::new("ip").args(arguments))
}

impl Neighbour {
    /// Lays the cable; none where this process may not.
    pub(crate) fn move_in(installation: &str) -> Result<Option<Self>> {
        if !machine::has_tools("what neighbours of the host see", &["ip"])? {
            return Ok(None);
        }
        let name = format!("brokerd-{installation}");
        if let Err(error) = ip(&["netns", "add", &name]) {
            machine::say(&format!("SKIPPED: no network namespaces here: {error:#}"));
            return Ok(None);
        }
        let tag = machine::random_hex(3)?;
        let subnet = u8::from_str_radix(&tag[..2], 16)?;
        let neighbour = Self { name, cable: format!("nb{tag}"), subnet };
        let (name, cable) = (&neighbour.name, &neighbour.cable);
        let far = format!("{cable}-n");
        ip(&["link", "add", cable, "type", "veth", "peer", "name", &far, "netns", name])?;
        ip(&["addr", "add", &format!("{}/30", neighbour.host()), "dev", cable])?;
        ip(&["link", "set", cable, "up"])?;
        let own = format!("198.18.{subnet}.2/30");
        for arguments in [
            &["addr", "add", &own, "dev", &far][..],
            &["link", "set", &far, "up"],
            &["link", "set", "lo", "up"],
        ] {
            ip(&[&["-n", name.as_str()], arguments].concat())?;
        }
        Ok(Some(neighbour))
    }

    /// The host's address at its end of the cable.
    ///
    /// Source: RFC 2544, addresses for measurements between networks.
    pub(crate) fn host(&self) -> String {
        format!("198.18.{}.1", self.subnet)
    }

    /// Has the neighbour send to the host what is for an address.
    pub(crate) fn route_to(&self, address: &str) -> Result<()> {
        ip(&["-n", &self.name, "route", "replace", address, "via", &self.host()]).map(drop)
    }

    /// Has it listen at addresses of its own, to which the host has routes.
    pub(crate) fn serve(&self) -> Result<Server> {
        let near = format!("198.18.{}.2", self.subnet);
        let (further, link_local) =
            (format!("198.19.{}.7", self.subnet), format!("169.254.{}.7", self.subnet));
        let far = format!("{}-n", self.cable);
        for address in [&further, &link_local] {
            let address = format!("{address}/32");
            ip(&["-n", &self.name, "addr", "add", &address, "dev", &far])?;
            ip(&["route", "replace", &address, "via", &near, "dev", &self.cable])?;
        }
        let arguments = ["netns", "exec", &self.name, "python3", "-c", SERVE];
        let mut child = Command::new("ip").args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut port = String::new();
        let printed = child.stdout.take().context("its output")?;
        let mut server = Server { near, further, link_local, child };
        BufReader::new(printed).read_line(&mut port)?;
        for address in [&mut server.near, &mut server.further, &mut server.link_local] {
            *address = format!("{address}/{}", port.trim());
        }
        Ok(server)
    }

    /// Has the host forward what the neighbour sends, as a host does that forwards everything; not where nothing but
    /// the engine's own rules can be had.
    pub(crate) fn is_forwarded(&self) -> Result<Option<Forwarded>> {
        let rule = ["-I", "DOCKER-USER", "-i", &self.cable, "-j", "ACCEPT"];
        match machine::run(Command::new("iptables").arg("-w").args(rule)) {
            Ok(_) => Ok(Some(Forwarded(self.cable.clone()))),
            Err(error) => {
                machine::skip("what a host forwards", &format!("{error:#}"))?;
                Ok(None)
            }
        }
    }

    /// Which of these addresses answer.
    pub(crate) fn reach(&self, world: &World, addresses: &[(String, u16)]) -> Result<Vec<Value>> {
        let client = clients::Messenger::python("told.py", "ssl://x:1".to_owned(), world.ca());
        let given = json!({ "addresses": json!(addresses).to_string() });
        let answer = client.in_namespace(&self.name).ask("reach", &given)?;
        Ok(answer["answering"].as_array().context("no answer")?.clone())
    }
}

/// Where a neighbour listens, `host/port`, until this ends.
pub(crate) struct Server {
    /// At its end of the cable.
    pub(crate) near: String,
    /// At another address.
    pub(crate) further: String,
    /// At one that is link-local.
    pub(crate) link_local: String,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if let Err(error) = ended {
            machine::say(&format!("a server goes on: {error}"));
        }
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        for arguments in [&["netns", "del", &self.name][..], &["link", "del", &self.cable]] {
            // The cable goes with the namespace, and both with the machine.
            let _ = ip(arguments);
        }
    }
}
