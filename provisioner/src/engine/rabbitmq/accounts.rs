//! The accounts that are the service's: brokerd's own user, which the broker's owner can't do without, which may enter
//! every virtual host, and `guest`, which there is none of. The same program closes the one metrics page that nobody is
//! to ask for.
//!
//! An owner is an administrator and may remove or change any user. The node itself puts that right within a second,
//! by a program that it evaluates when it starts: so it is put right also while brokerd is away, and brokerd is not
//! left without a user to ask with.

use brokerd_domain::EngineVersion;

use super::{metrics_page, node::version, terms::binary};
use crate::engine::{blueprint::Blueprint, identity::MONITORING_USER};

/// The file with the program.
pub(super) const FILE: &str = "accounts.erl";

/// The first version in which the management API leaves a user alone that has this tag.
///
/// Source: the service protects its user "since 4.2"; RabbitMQ's `rabbit_mgmt_wm_user`.
const PROTECTED: EngineVersion = EngineVersion::new(4, 2);

/// What brokerd's own user may do in every virtual host: configure, write, read. Queues are deleted by the first right,
/// purged and looked at by the last one; messages are published by the exchange that leads to each queue by its name.
pub(super) const RIGHTS: [&str; 3] = [".*", "^amq\\.default$", ".*"];

/// The tags of brokerd's own user.
pub(super) fn tags(version: EngineVersion) -> &'static [&'static str] {
    if version >= PROTECTED { &["monitoring", "protected"] } else { &["monitoring"] }
}

/// The argument of the Erlang machine that has it evaluate the file.
pub(super) fn argument(root: &str) -> String {
    format!("-run file eval {root}/{FILE}")
}

/// The program; none for a broker of before brokerd had a user of its own.
pub(super) fn program(blueprint: &Blueprint<'_>) -> Option<String> {
    let monitoring = blueprint.materials.monitoring.as_ref()?;
    let tags = tags(version(blueprint));
    let (name, hash) = (binary(MONITORING_USER), binary(&monitoring.stored));
    let atoms = tags.join(",");
    let texts: Vec<String> = tags.iter().map(|tag| binary(tag)).collect();
    let texts = texts.join(",");
    let rights = RIGHTS.map(binary).join(",");
    let pages = match metrics_page::is_public(blueprint) {
        true => format!("    {},\n", metrics_page::CLOSE_PER_OBJECT),
        false => String::new(),
    };
    Some(format!(
        "%% Written by brokerd: keeps the users that are not the owner's as they have to be.
Name = {name},
Hash = {hash},
Own = #{{name => Name, password_hash => Hash, tags => [{texts}],
        hashing_algorithm => <<\"rabbit_password_hashing_sha256\">>}},
IsRight = fun(User) ->
    internal_user:get_password_hash(User) =:= base64:decode(Hash) andalso
    lists:sort(internal_user:get_tags(User)) =:= lists:sort([{atoms}]) andalso
    internal_user:get_limits(User) =:= #{{}}
end,
Put = fun() ->
    rabbit_auth_backend_internal:put_user(Own, <<\"brokerd\">>)
end,
%% The links of a virtual host are told to whom it lets in. What else it may do there is what is asked of it by brokerd's API.
Rights = [{rights}],
Enter = fun(VHost) ->
    [Configure, Write, Read] = Rights,
    rabbit_auth_backend_internal:set_permissions(Name, VHost, Configure, Write, Read, <<\"brokerd\">>)
end,
Entered = fun() ->
    [proplists:get_value(vhost, Permission) || Permission <- rabbit_auth_backend_internal:list_user_permissions(Name),
        [proplists:get_value(Right, Permission) || Right <- [configure, write, read]] =:= Rights]
end,
Remove = fun(User) -> rabbit_auth_backend_internal:delete_user(User, <<\"brokerd\">>) end,
Look = fun() ->
{pages}    case rabbit_auth_backend_internal:lookup_user(Name) of
        {{ok, User}} -> IsRight(User) orelse begin Remove(Name), Put() end;
        {{error, not_found}} -> Put()
    end,
    lists:foreach(Enter, rabbit_vhost:list_names() -- Entered()),
    case rabbit_auth_backend_internal:lookup_user(<<\"guest\">>) of
        {{ok, _}} -> Remove(<<\"guest\">>);
        {{error, not_found}} -> ok
    end
end,
%% Whatever fails is tried again.
Keep = fun Again() ->
    timer:sleep(1000),
    catch (rabbit:is_running() andalso Look()),
    Again()
end,
spawn(Keep).
"
    ))
}
