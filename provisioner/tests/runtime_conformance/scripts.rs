//! What the processes of instances do in real containers.

/// Ends when it is asked to; says `up` on standard output once that works, and to whoever connects.
pub(crate) const SERVES: &str = r#"exec perl -MSocket -e '
    $SIG{TERM} = sub { exit 0 };
    socket(my $all, PF_INET, SOCK_STREAM, 0) or die;
    setsockopt($all, SOL_SOCKET, SO_REUSEADDR, 1) or die;
    bind($all, sockaddr_in(5671, INADDR_ANY)) && listen($all, 9) or die;
    $| = 1; print "up\n";
    while (1) { my $one; if (accept($one, $all)) { syswrite($one, "up"); close($one) } }'"#;

/// Does not heed being asked to end.
pub(crate) const STUBBORN: &str = "trap '' TERM; echo up; while :; do sleep 0.05; done";
