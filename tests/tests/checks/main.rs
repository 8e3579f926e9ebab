//! What is checked by reading: the documents, the API description and the imports of the crates.

mod circles;
mod dependencies;
mod documents;
mod floors;
mod migrations;
mod modules;
mod observability;
mod openapi;
mod sources;
