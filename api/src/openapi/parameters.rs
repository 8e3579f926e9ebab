//! The parameters that several operations document.

use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{KnownFormat, SchemaFormat, Type},
    },
};

use crate::http::page::Page;

/// Declares the parameters in the path of operations on something.
macro_rules! in_path {
    ($($(#[$doc:meta])* $name:ident: $(($parameter:literal, $description:literal)),+;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$(in_path($parameter, $description)),+]
            }
        }
    )+};
}

in_path! {
    /// Of operations on an account.
    OfAccount: ("account-id", "The account's number.");
    /// Of operations on a broker.
    OfBroker: ("broker-id", "The broker's identifier.");
    /// Of operations on a broker's user.
    OfUser: ("broker-id", "The broker's identifier."), ("username", "The user's name.");
    /// Of operations on a broker's fault.
    OfFault: ("broker-id", "The broker's identifier."), ("fault-id", "The fault's identifier.");
    /// Of operations on a configuration.
    OfConfiguration: ("configuration-id", "The configuration's identifier.");
    /// Of operations on a revision of a configuration.
    OfRevision:
        ("configuration-id", "The configuration's identifier."),
        ("configuration-revision", "The revision's number.");
    /// Of operations on what has tags.
    OfTagged: ("resource-arn", "The ARN of a broker or a configuration.");
    /// Of operations on a secret.
    OfSecret: ("secret-name", "The secret's name or ARN, with `/` written as `%2F`.");
    /// Of operations on a security group.
    OfSecurityGroup: ("security-group-id", "The group's identifier.");
}

impl IntoParams for Page {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let size = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(5))
            .maximum(Some(100));
        let token = ObjectBuilder::new().schema_type(Type::String);
        let parameter = |name, description: &str, schema: ObjectBuilder| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(schema))
                .build()
        };
        vec![
            parameter("maxResults", "5 to 100 items per page; default 20.", size),
            parameter("nextToken", "The token of the page, from the answer before it.", token),
        ]
    }
}

fn in_path(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}
