//! The API through its official clients, all of them asked and answering in the same words, so that a story is
//! written once: `tests/clients/PROTOCOL.md`.

mod cli;
mod driver;
mod rust;
mod rust_cloudwatch;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{Api, clients, eventually};

/// An official client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Python.
    Boto3,
    /// The `aws` command.
    Cli,
    /// JavaScript, version 3.
    JavaScript,
    /// Go, version 2.
    Go,
    /// Java, version 2.
    Java,
    /// Rust.
    Rust,
}

impl Kind {
    /// Makes the client ready; false when it can't be had here and may be skipped.
    ///
    /// # Errors
    /// When it can't be made ready.
    pub fn is_here(self) -> Result<bool> {
        Ok(match self {
            Self::Boto3 | Self::Cli => clients::python()?.is_some(),
            Self::JavaScript => clients::javascript()?.is_some(),
            Self::Go => clients::go()?.is_some(),
            Self::Java => clients::java()?.is_some(),
            Self::Rust => true,
        })
    }

    /// Whether it tells an error's attribute and status; the `aws` command prints neither.
    pub fn tells_details(self) -> bool {
        self != Self::Cli
    }

    /// Whether it shows where one page ends and the next begins.
    pub fn shows_pages(self) -> bool {
        self != Self::Cli
    }

    /// Operations that its newest edition has not got.
    pub fn lacks(self) -> &'static [&'static str] {
        match self {
            // Both were last released before the operation was added to the model.
            Self::JavaScript | Self::Go => &["DescribeSharedResources"],
            Self::Boto3 | Self::Cli | Self::Java | Self::Rust => &[],
        }
    }
}

/// What a call came to.
#[derive(Debug)]
pub enum Answer {
    /// It succeeded.
    Done(Value),
    /// It failed.
    Failed(Failure),
    /// The client has no such operation, member or paginator.
    Unknown(String),
}

/// An error, as the client shows it.
#[derive(Debug)]
pub struct Failure {
    /// The class of the exception.
    pub class: String,
    /// Whether it is the client's own typed exception.
    pub modelled: bool,
    /// The service's code.
    pub code: Option<String>,
    /// The message.
    pub message: String,
    /// The attribute at fault.
    pub attribute: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    tells_details: bool,
}

impl Failure {
    /// That it is this typed exception, with its status.
    ///
    /// # Errors
    /// When it is another one.
    pub fn is_a(&self, class: &str) -> Result<()> {
        ensure!(self.class == class && self.modelled, "not a typed {class}: {self:?}");
        ensure!(self.code.as_deref() == Some(class), "its code is not {class}: {self:?}");
        ensure!(!self.message.is_empty(), "it does not say why: {self:?}");
        let status = match class {
            "BadRequestException" => 400,
            "NotFoundException" => 404,
            "ConflictException" => 409,
            other => bail!("{other} is not provoked by any scenario"),
        };
        ensure!(
            !self.tells_details || self.status == Some(status),
            "its status is not {status}: {self:?}"
        );
        Ok(())
    }

    /// That it is this typed exception, about this attribute, with a message that says this.
    ///
    /// # Errors
    /// When it is another one.
    pub fn is(&self, class: &str, attribute: Option<&str>, says: &str) -> Result<()> {
        self.is_a(class)?;
        ensure!(self.message.contains(says), "it does not say {says:?}: {self:?}");
        ensure!(
            !self.tells_details || self.attribute.as_deref() == attribute,
            "not about {attribute:?}: {self:?}"
        );
        Ok(())
    }

    /// The same, when the whole message is known.
    ///
    /// # Errors
    /// When it is another one.
    pub fn is_exactly(&self, class: &str, attribute: Option<&str>, message: &str) -> Result<()> {
        self.is(class, attribute, message)?;
        ensure!(self.message == message, "it says more than {message:?}: {self:?}");
        Ok(())
    }
}

#[derive(Debug)]
enum Way {
    Driver(driver::Driver),
    Cli(driver::Driver),
    Rust,
}

/// A client, ready to call.
#[derive(Debug)]
pub struct Client {
    /// Which one.
    pub kind: Kind,
    api: Api,
    way: Way,
}

impl Client {
    /// A client of this API.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn new(kind: Kind, api: &Api) -> Result<Self> {
        let way = match kind {
            Kind::Boto3 => {
                Way::Driver(driver::Driver::start(clients::python_command("api.py")?, api)?)
            }
            Kind::JavaScript => {
                Way::Driver(driver::Driver::start(clients::javascript_command()?, api)?)
            }
            Kind::Go => Way::Driver(driver::Driver::start(clients::go_command()?, api)?),
            Kind::Java => Way::Driver(driver::Driver::start(clients::java_command()?, api)?),
            Kind::Cli => Way::Cli(driver::Driver::start(clients::python_command("aws.py")?, api)?),
            Kind::Rust => Way::Rust,
        };
        Ok(Self { kind, api: api.clone(), way })
    }

    /// A call in the words of the protocol.
    ///
    /// # Errors
    /// When the client can't be asked.
    pub fn raw(&mut self, call: &Value) -> Result<Value> {
        match &mut self.way {
            Way::Driver(driver) => driver.ask(call),
            Way::Cli(driver) => cli::call(driver, call),
            Way::Rust if call["service"] == "cloudwatch" => rust_cloudwatch::call(&self.api, call),
            Way::Rust => rust::call(&self.api, call),
        }
        .with_context(|| format!("{:?}: {call}", self.kind))
    }

    /// Calls an operation of another service than Amazon MQ, which succeeds.
    ///
    /// # Errors
    /// When it does not.
    pub fn ok_of(&mut self, service: &str, operation: &str, parameters: &Value) -> Result<Value> {
        let call = json!({ "service": service, "operation": operation, "parameters": parameters });
        match self.answer(&call)? {
            Answer::Done(value) => Ok(value),
            other => bail!("{service} {operation} {parameters}: {other:?}"),
        }
    }

    /// Calls an operation of another service than Amazon MQ, which is refused.
    ///
    /// # Errors
    /// When it is not.
    pub fn refused_of(
        &mut self,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Failure> {
        let call = json!({ "service": service, "operation": operation, "parameters": parameters });
        match self.answer(&call)? {
            Answer::Failed(failure) => Ok(failure),
            other => bail!("{service} {operation} {parameters} was not refused: {other:?}"),
        }
    }

    fn answer(&mut self, call: &Value) -> Result<Answer> {
        let answer = self.raw(call)?;
        if let Some(done) = answer.get("ok") {
            return Ok(Answer::Done(done.clone()));
        }
        if let Some(what) = answer.get("unknown") {
            return Ok(Answer::Unknown(what.as_str().unwrap_or_default().to_owned()));
        }
        let error = answer.get("error").with_context(|| format!("not an answer: {answer}"))?;
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        Ok(Answer::Failed(Failure {
            class: text("class").context("an error without a class")?,
            modelled: error["modelled"] == true,
            code: text("code"),
            message: text("message").unwrap_or_default(),
            attribute: text("attribute"),
            status: error["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
            tells_details: self.kind.tells_details(),
        }))
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// When the client can't be asked.
    pub fn call(&mut self, operation: &str, parameters: &Value) -> Result<Answer> {
        self.answer(&json!({ "operation": operation, "parameters": parameters }))
    }

    /// Calls an operation that succeeds.
    ///
    /// # Errors
    /// When it does not.
    pub fn ok(&mut self, operation: &str, parameters: &Value) -> Result<Value> {
        match self.call(operation, parameters)? {
            Answer::Done(value) => Ok(value),
            other => bail!("{operation} {parameters}: {other:?}"),
        }
    }

    /// Calls an operation that is refused.
    ///
    /// # Errors
    /// When it is not.
    pub fn refused(&mut self, operation: &str, parameters: &Value) -> Result<Failure> {
        match self.call(operation, parameters)? {
            Answer::Failed(failure) => Ok(failure),
            other => bail!("{operation} {parameters} was not refused: {other:?}"),
        }
    }

    /// Turns the pages of an operation with the client's own paginator.
    ///
    /// # Errors
    /// When that fails.
    pub fn pages(
        &mut self,
        operation: &str,
        parameters: &Value,
        size: usize,
    ) -> Result<Vec<Value>> {
        let call = json!({ "operation": operation, "parameters": parameters, "page_size": size });
        match self.answer(&call)? {
            Answer::Done(Value::Array(pages)) => Ok(pages),
            other => bail!("the pages of {operation}: {other:?}"),
        }
    }

    /// Describes a broker again and again, as no SDK has waiters, until it is in this state.
    ///
    /// # Errors
    /// When it is in a state that does not lead there, or it takes too long.
    pub fn wait(&mut self, broker: &str, state: &str) -> Result<Value> {
        let described = json!({ "BrokerId": broker });
        eventually(&format!("{broker} is {state}"), crate::TIMEOUT, || {
            let seen = self.ok("DescribeBroker", &described)?;
            let is = seen["BrokerState"].as_str().unwrap_or_default();
            if is == state {
                return Ok(Some(seen));
            }
            ensure!(is.ends_with("_IN_PROGRESS"), "{broker} is {is}: {seen}");
            Ok(None)
        })
    }

    /// Waits until a broker is gone.
    ///
    /// # Errors
    /// When it takes too long, or is told in any other way than by a `NotFoundException`.
    pub fn wait_until_gone(&mut self, broker: &str) -> Result<()> {
        let described = json!({ "BrokerId": broker });
        let says = format!("Cannot find broker ID [{broker}].");
        eventually(&format!("{broker} is gone"), crate::TIMEOUT, || {
            match self.call("DescribeBroker", &described)? {
                Answer::Failed(failure) => {
                    failure.is("NotFoundException", Some("broker-id"), &says)?;
                    Ok(Some(()))
                }
                Answer::Done(seen) => {
                    ensure!(seen["BrokerState"] == "DELETION_IN_PROGRESS", "{seen}");
                    Ok(None)
                }
                Answer::Unknown(what) => bail!("{what}"),
            }
        })
    }
}
