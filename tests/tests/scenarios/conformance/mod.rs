//! The service's own clients against brokerd: one story, by one of them whole, by the others over the wire only.

mod by_hand;
mod checks;
mod logins;
mod requests;
mod story;
mod wire;

use anyhow::Result;
use brokerd_tests::{World, scenario, sdk::Kind};

fn played_by(kind: Kind, name: &str, play: fn(Kind, &World) -> Result<()>) -> Result<()> {
    if !kind.is_here()? {
        return Ok(());
    }
    scenario(name, &[], |world| play(kind, world))
}

#[test]
fn boto3_plays_the_whole_story_of_the_api() -> Result<()> {
    played_by(Kind::Boto3, "the story by boto3", story::play)
}

#[test]
fn the_aws_cli_plays_the_story_over_the_wire() -> Result<()> {
    played_by(Kind::Cli, "the story by the AWS CLI", story::play_over_the_wire)
}

#[test]
fn the_sdk_for_javascript_plays_the_story_over_the_wire() -> Result<()> {
    played_by(Kind::JavaScript, "the story by the SDK for JavaScript", story::play_over_the_wire)
}

#[test]
fn the_sdk_for_go_plays_the_story_over_the_wire() -> Result<()> {
    played_by(Kind::Go, "the story by the SDK for Go", story::play_over_the_wire)
}

#[test]
fn the_sdk_for_java_plays_the_story_over_the_wire() -> Result<()> {
    played_by(Kind::Java, "the story by the SDK for Java", story::play_over_the_wire)
}

#[test]
fn the_sdk_for_rust_plays_the_story_over_the_wire() -> Result<()> {
    played_by(Kind::Rust, "the story by the SDK for Rust", story::play_over_the_wire)
}
