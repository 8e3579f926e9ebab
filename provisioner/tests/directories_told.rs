//! Whom directories are vouched for by is told a process once, which is why this one does nothing else.

use brokerd_provisioner::engine::activemq::{
    DirectoryAuthorities, DirectoryAuthoritiesError, trust_directories_of,
};

const AUTHORITY: &str = include_str!("example/directory-ca.pem");

#[test]
fn whom_directories_are_vouched_for_by_is_told_once() {
    let authorities = DirectoryAuthorities::parse(AUTHORITY.as_bytes()).expect("a certificate");
    assert_eq!(trust_directories_of(authorities.clone()), Ok(()));
    assert_eq!(trust_directories_of(authorities), Err(DirectoryAuthoritiesError::TooLate));
}
