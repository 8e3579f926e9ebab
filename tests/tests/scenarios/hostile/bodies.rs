//! Bodies on the word of an access key's identifier, which is no secret.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{World, eventually, scenario};

use crate::hostile::{
    others::{SERVED_WITHIN, api_answers},
    strangers::{Strangers, Way, resident_bytes},
};

const DOCUMENT: &str = "/v1/configurations/c-00000000-0000-0000-0000-000000000000";
const MEBIBYTE: usize = 1 << 20;
/// What bodies under way may cost: their budget, what is read ahead for each connection, and what the allocator keeps
/// meanwhile, which is more on a busy machine. All that is sent is 430 MiB.
const MEMORY: u64 = 200 << 20;
/// What may be left of it: nothing that grows with the number of bodies.
const LEFT: u64 = 24 << 20;
/// The allocator gives unused pages back over ten seconds, whether or not brokerd has something to do.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(30);

/// A request that the owner of the key has not signed.
fn forged(world: &World, method: &str, path: &str, length: usize, more: &str) -> Result<String> {
    let headers = world.api.sign(method, path, "")?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", world.api.address());
    for (name, value) in headers {
        let value = match value.rsplit_once("Signature=") {
            Some((before, _)) => format!("{before}Signature={}", "0".repeat(64)),
            None => value,
        };
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    Ok(format!("{head}{more}Content-Length: {length}\r\n\r\n"))
}

#[test]
fn bodies_of_unsigned_requests_take_bounded_memory_and_release_it() -> Result<()> {
    scenario("bodies of nobody", &[], |world| {
        let pid = world.pid().context("brokerd runs")?;
        api_answers(world)?;
        let before = resident_bytes(pid)?;
        let mut strangers = Strangers::gather()?;
        let api = Way::plain(world.api.address())?;
        // All but the end of it, so that it is waited for.
        let mut document = forged(world, "PUT", DOCUMENT, MEBIBYTE, "")?.into_bytes();
        document.resize(document.len() + MEBIBYTE - 1, b' ');
        let document: Arc<[u8]> = document.into();
        let mut small = forged(world, "POST", "/v1/brokers", 60_000, "")?.into_bytes();
        small.resize(small.len() + 50_000, b' ');
        let small: Arc<[u8]> = small.into();
        let mut most = 0;
        for _ in 0..3 {
            strangers.come(100, &api, |_| Arc::clone(&document))?;
            strangers.come(400, &api, |_| Arc::clone(&small))?;
            most = most.max(resident_bytes(pid)?.saturating_sub(before));
            ensure!(api_answers(world)? < SERVED_WITHIN);
            // Whoever sends what it has to send is read.
            let body = r#"{"name": "mine", "engineType": "NOSUCH", "engineVersion": "1"}"#;
            let answer = world.api.signed("POST", "/v1/configurations", body)?;
            ensure!(answer.status == 400, "{answer:?}");
        }
        ensure!(most < MEMORY, "{} MiB for 1500 bodies", most >> 20);
        strangers.leave();
        eventually("the memory is given back", GIVEN_BACK_WITHIN, || {
            let left = resident_bytes(pid)?.saturating_sub(before);
            Ok((left < LEFT).then_some(()))
        })
    })
}

#[test]
fn a_request_that_its_head_refuses_is_answered_before_its_body() -> Result<()> {
    scenario("heads of requests", &[], |world| {
        let hash = format!("x-amz-content-sha256: {}\r\n", "0".repeat(64));
        for (method, path, length, more, status) in [
            // Longer than the operation permits.
            ("POST", "/v1/brokers", MEBIBYTE, "", "413"),
            ("PUT", DOCUMENT, MEBIBYTE + 1, "", "413"),
            // The hash that is declared is not signed.
            ("POST", "/v1/brokers", 1000, &hash, "403"),
        ] {
            let head = forged(world, method, path, length, more)?;
            let answer = said(world.api.address(), &head)?;
            ensure!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}{answer}");
        }
        Ok(())
    })
}

/// The beginning of the answer to a request whose body never comes.
fn said(address: &str, head: &str) -> Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(head.as_bytes())?;
    let mut answer = [0; 64];
    stream.read_exact(&mut answer).context("the body is waited for")?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
