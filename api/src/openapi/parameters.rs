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

/// The parameter of operations on a broker.
pub(crate) struct OfBroker;

impl IntoParams for OfBroker {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("broker-id", "The broker's identifier.")]
    }
}

/// The parameters of operations on a broker's user.
pub(crate) struct OfUser;

impl IntoParams for OfUser {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            in_path("broker-id", "The broker's identifier."),
            in_path("username", "The user's name."),
        ]
    }
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
