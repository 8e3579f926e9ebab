//! Parts of the OpenAPI document that operations share. The document itself is assembled by the router from the
//! handlers' own descriptions.

pub(crate) mod closed;
pub(crate) mod document;
mod parameters;
mod responses;

pub(crate) use parameters::{
    OfAccount, OfBroker, OfConfiguration, OfFault, OfRevision, OfSecret, OfSecurityGroup, OfTagged,
    OfUser,
};
pub(crate) use responses::{BearerErrors, Conflict, NotFound, ServiceErrors};
