%% Tells of each configuration on the standard input whether RabbitMQ takes it, by the functions with which a node reads it when it
%% boots. Each comes as a length of four bytes, the length of its rabbitmq.conf in four more, that text, and its advanced.config if there
%% is one; each answer is a length of four bytes and a text: "+", or "-" and why not.
logger:set_primary_config(level, none),
Plugins = hd(filelib:wildcard("/usr/lib/rabbitmq/lib/*/plugins")),
[code:add_patha(Dir) || Dir <- filelib:wildcard(Plugins ++ "/*/ebin")],
Schema = cuttlefish_schema:files(lists:sort(filelib:wildcard(Plugins ++ "/*/priv/schema/*.schema"))),
Errors = fun(List) -> [unicode:characters_to_binary(cuttlefish_error:xlate(Error)) || Error <- List] end,
%% Files that a configuration names have to be there, with certificates and keys in them.
Touch = fun(Conf) ->
    case re:run(Conf, "/etc/rabbitmq/[^\\s'\"]+", [global, {capture, first, list}]) of
        {match, Paths} -> [begin filelib:ensure_dir(Path), file:write_file(Path, os:getenv("PEM")) end || [Path] <- Paths];
        nomatch -> none
    end
end,
Read = fun(Conf) ->
    Touch(Conf),
    ok = file:write_file("/tmp/rabbitmq.conf", Conf),
    case cuttlefish_conf:files(["/tmp/rabbitmq.conf"]) of
        {errorlist, Wrong} -> {error, Errors(Wrong)};
        Settings ->
            case cuttlefish_generator:map(Schema, Settings) of
                {error, _, {errorlist, Wrong}} -> {error, Errors(Wrong)};
                Config -> {ok, proplists:delete(vm_args, Config)}
            end
    end
end,
Overlay = fun
    ({ok, Config}, <<>>) -> {ok, Config};
    ({ok, Config}, Advanced) ->
        ok = file:write_file("/tmp/advanced.config", Advanced),
        case file:consult("/tmp/advanced.config") of
            {ok, [Terms]} -> {ok, cuttlefish_advanced:overlay(Config, Terms)};
            Wrong -> {error, [unicode:characters_to_binary(io_lib:format("~p", [Wrong]))]}
        end;
    (Wrong, _) -> Wrong
end,
Check = fun(Conf, Advanced) ->
    try Overlay(Read(Conf), Advanced)
    catch _:Why -> {error, [unicode:characters_to_binary(io_lib:format("~p", [Why]))]} end
end,
Written = fun
    ({error, Why}) -> ["-", lists:join("\n", Why)];
    ({ok, _}) -> "+"
end,
Port = open_port({fd, 0, 1}, [{packet, 4}, binary, eof]),
Answer = fun Again() ->
    receive
        {Port, {data, <<Length:32, Rest/binary>>}} ->
            <<Conf:Length/binary, Advanced/binary>> = Rest,
            port_command(Port, unicode:characters_to_binary(Written(Check(Conf, Advanced)))),
            Again();
        {Port, eof} -> halt(0)
    end
end,
Answer().
