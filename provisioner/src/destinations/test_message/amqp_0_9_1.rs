//! By AMQP 0-9-1, which every RabbitMQ speaks.

use std::time::Instant;

use amqprs::{
    Ack, BasicProperties, Cancel, CloseChannel, Nack, Return,
    callbacks::ChannelCallback,
    channel::{
        BasicConsumeArguments, BasicPublishArguments, Channel, ConfirmSelectArguments,
        QueueDeclareArguments,
    },
    connection::{Connection, OpenConnectionArguments},
    error::Error,
    tls::TlsAdaptor,
};
use async_trait::async_trait;
use secrecy::ExposeSecret;
use tokio::sync::mpsc::{self, Sender};
use tokio_rustls::TlsConnector;

use super::way::{Broken, Steps, Way};

/// The name of the connection, as the broker shows it.
const NAME: &str = "brokerd-test-message";

/// Sends and receives.
pub(super) async fn send(way: Way) -> Result<Steps, Broken> {
    let Way { host, port, address: _, tls, username, password } = way;
    let mut arguments =
        OpenConnectionArguments::new(&host, port, &username, password.expose_secret());
    arguments.connection_name(NAME);
    arguments.tls_adaptor(TlsAdaptor::new(TlsConnector::from(tls), host.clone()));
    let connection = Connection::open(&arguments).await.map_err(Broken::at("connect"))?;
    let connected = Instant::now();
    let exchanged = exchange(&connection, connected).await;
    // The queue goes with the connection.
    let _ = connection.close().await;
    exchanged
}

async fn exchange(connection: &Connection, connected: Instant) -> Result<Steps, Broken> {
    let channel = connection.open_channel(None).await.map_err(Broken::at("open a channel"))?;
    let (told, mut confirms) = mpsc::channel(1);
    channel.register_callback(Confirms(told)).await.map_err(Broken::at("open a channel"))?;
    let confirm = ConfirmSelectArguments::default();
    channel.confirm_select(confirm).await.map_err(Broken::at("ask for confirms"))?;
    let temporary = QueueDeclareArguments::default().exclusive(true).auto_delete(true).finish();
    let declared = channel.queue_declare(temporary).await;
    let declared = declared.map_err(Broken::at("declare a temporary queue"))?;
    let none = || Broken { step: "declare a temporary queue", why: "it has no name".to_owned() };
    let (queue, _, _) = declared.ok_or_else(none)?;
    let consume = BasicConsumeArguments::new(&queue, "").auto_ack(true).finish();
    let (_, mut messages) =
        channel.basic_consume_rx(consume).await.map_err(Broken::at("consume"))?;
    let publish = BasicPublishArguments::new("", &queue);
    channel
        .basic_publish(BasicProperties::default(), NAME.as_bytes().to_vec(), publish)
        .await
        .map_err(Broken::at("publish"))?;
    let lost = |step| move || Broken { step, why: "the channel was closed".to_owned() };
    let confirmed = async {
        match confirms.recv().await.ok_or_else(lost("be confirmed"))? {
            true => Ok(Instant::now()),
            false => Err(Broken { step: "be confirmed", why: "it was refused".to_owned() }),
        }
    };
    let received = async {
        messages.recv().await.ok_or_else(lost("come back"))?;
        Ok(Instant::now())
    };
    let (confirmed, received) = tokio::try_join!(confirmed, received)?;
    let _ = channel.close().await;
    Ok(Steps { connected, confirmed, received })
}

/// Hears whether the message was taken.
struct Confirms(Sender<bool>);

#[async_trait]
impl ChannelCallback for Confirms {
    async fn close(&mut self, _: &Channel, _: CloseChannel) -> Result<(), Error> {
        Ok(())
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> Result<(), Error> {
        Ok(())
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> Result<bool, Error> {
        Ok(active)
    }

    async fn publish_ack(&mut self, _: &Channel, _: Ack) {
        let _ = self.0.try_send(true);
    }

    async fn publish_nack(&mut self, _: &Channel, _: Nack) {
        let _ = self.0.try_send(false);
    }

    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {}
}
