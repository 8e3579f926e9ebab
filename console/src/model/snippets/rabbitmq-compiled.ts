// RabbitMQ with Java, Go, .NET and Rust.
import {
  bare,
  CA_FILE,
  KEY_STORE,
  KEY_STORE_PASSWORD,
  lines,
  of,
  PASSWORD_VARIABLE,
  property,
  QUEUE,
  quoted,
  type Snippet,
  type Target,
} from './types';
import { GO_TRUST, TRUST_CS } from './trust';

export function javaClient(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'rabbitmq-java',
    group: 'Java',
    client: 'RabbitMQ Java client',
    protocol: 'AMQP 0-9-1',
    install: 'com.rabbitmq:amqp-client:5.27.1',
    needsKeyStore: true,
    run: 'java -cp "lib/*" Hello.java',
    files: [
      {
        name: 'Hello.java',
        language: 'java',
        text: lines(`
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Hello {
    public static void main(String[] arguments) throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        try (var file = new FileInputStream("${KEY_STORE}")) {
            store.load(file, "${KEY_STORE_PASSWORD}".toCharArray());
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        var tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);

        // Connects anew when a connection is lost; that is the default.
        var factory = new ConnectionFactory();
        factory.setHost(${quoted(bare(first))});
        factory.setPort(${first.port});
        factory.setUsername(${quoted(target.username)});
        factory.setPassword(System.getenv("${PASSWORD_VARIABLE}"));
        factory.useSslProtocol(tls);
        factory.enableHostnameVerification();
        try (Connection connection = factory.newConnection(); Channel channel = connection.createChannel()) {
            channel.confirmSelect();
            channel.queueDeclare("${QUEUE}", true, false, false, Map.of());
            channel.basicPublish("", "${QUEUE}", MessageProperties.PERSISTENT_TEXT_PLAIN, "it works".getBytes());
            channel.waitForConfirmsOrDie(10_000);
            GetResponse message = channel.basicGet("${QUEUE}", true);
            System.out.println(new String(message.getBody()));
        }
    }
}
`),
      },
    ],
  };
}

export function springAmqp(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'spring-amqp',
    group: 'Spring Boot',
    client: 'Spring AMQP',
    protocol: 'AMQP 0-9-1',
    install: 'org.springframework.boot:spring-boot-starter-amqp',
    run: './mvnw spring-boot:run',
    files: [
      {
        name: 'src/main/resources/application.properties',
        language: 'properties',
        text: lines(`
spring.rabbitmq.addresses=${property(`${first.host}:${first.port}`)}
spring.rabbitmq.username=${property(target.username)}
spring.rabbitmq.password=\${${PASSWORD_VARIABLE}}
spring.rabbitmq.ssl.enabled=true
spring.rabbitmq.ssl.bundle=broker
spring.ssl.bundle.pem.broker.truststore.certificate=file:${CA_FILE}
`),
      },
      {
        name: 'src/main/java/hello/HelloApplication.java',
        language: 'java',
        text: lines(`
package hello;

import org.springframework.amqp.core.Queue;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

@SpringBootApplication
public class HelloApplication {
    public static void main(String[] arguments) {
        SpringApplication.run(HelloApplication.class, arguments);
    }

    @Bean
    Queue hello() {
        return new Queue("${QUEUE}");
    }

    @Bean
    ApplicationRunner send(RabbitTemplate rabbit) {
        return arguments -> rabbit.convertAndSend("${QUEUE}", "it works");
    }

    @RabbitListener(queues = "${QUEUE}")
    void receive(String body) {
        System.out.println(body);
    }
}
`),
      },
    ],
  };
}

export function goAmqp091(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'amqp091-go',
    group: 'Go',
    client: 'amqp091-go',
    protocol: 'AMQP 0-9-1',
    install: 'go mod init hello && go get github.com/rabbitmq/amqp091-go',
    run: 'go run .',
    files: [
      {
        name: 'main.go',
        language: 'go',
        text: lines(`
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"

	amqp "github.com/rabbitmq/amqp091-go"
)

${GO_TRUST}
func main() {
	connection, err := amqp.DialConfig(${quoted(`amqps://${first.host}:${first.port}/`)}, amqp.Config{
		SASL: []amqp.Authentication{&amqp.PlainAuth{
			Username: ${quoted(target.username)},
			Password: os.Getenv("${PASSWORD_VARIABLE}"),
		}},
		TLSClientConfig: trusting(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		log.Fatal(err)
	}
	if err := channel.Confirm(false); err != nil {
		log.Fatal(err)
	}
	if _, err := channel.QueueDeclare("${QUEUE}", true, false, false, false, nil); err != nil {
		log.Fatal(err)
	}
	confirmation, err := channel.PublishWithDeferredConfirmWithContext(context.Background(), "", "${QUEUE}", true, false,
		amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte("it works")})
	if err != nil {
		log.Fatal(err)
	}
	if !confirmation.Wait() {
		log.Fatal("the broker did not take the message")
	}
	message, isThere, err := channel.Get("${QUEUE}", true)
	if err != nil || !isThere {
		log.Fatal("no message: ", err)
	}
	fmt.Println(string(message.Body))
}
`),
      },
    ],
  };
}

export function dotnet(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  const host = quoted(bare(first));
  return {
    id: 'rabbitmq-dotnet',
    group: '.NET',
    client: 'RabbitMQ.Client 7',
    protocol: 'AMQP 0-9-1',
    install: 'dotnet new console && dotnet add package RabbitMQ.Client',
    run: 'dotnet run',
    files: [
      {
        name: 'Program.cs',
        language: 'csharp',
        text: lines(`
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RabbitMQ.Client;

${TRUST_CS}
var factory = new ConnectionFactory
{
    HostName = ${host},
    Port = ${first.port},
    UserName = ${quoted(target.username)},
    Password = Environment.GetEnvironmentVariable("${PASSWORD_VARIABLE}")!,
    Ssl = new SslOption
    {
        Enabled = true,
        ServerName = ${host},
        CertificateValidationCallback = IsTrusted,
    },
};
await using var connection = await factory.CreateConnectionAsync();
// Publishing returns when the broker has confirmed the message.
var confirms = new CreateChannelOptions(true, true);
await using var channel = await connection.CreateChannelAsync(confirms);
await channel.QueueDeclareAsync("${QUEUE}", durable: true, exclusive: false, autoDelete: false);
var properties = new BasicProperties { Persistent = true };
await channel.BasicPublishAsync("", "${QUEUE}", true, properties, Encoding.UTF8.GetBytes("it works"));
var message = await channel.BasicGetAsync("${QUEUE}", autoAck: true);
Console.WriteLine(message is null ? "no message" : Encoding.UTF8.GetString(message.Body.Span));
`),
      },
    ],
  };
}

export function lapin(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'lapin',
    group: 'Rust',
    client: 'lapin',
    protocol: 'AMQP 0-9-1',
    install: 'cargo add lapin && cargo add tokio -F full',
    run: 'cargo run',
    files: [
      {
        name: 'src/main.rs',
        language: 'rust',
        text: lines(`
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    tcp::OwnedTLSConfig,
    types::FieldTable,
    uri::{AMQPAuthority, AMQPScheme, AMQPUri, AMQPUserInfo},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = AMQPUri {
        scheme: AMQPScheme::AMQPS,
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: ${quoted(target.username)}.to_owned(),
                password: std::env::var("${PASSWORD_VARIABLE}")?,
            },
            host: ${quoted(bare(first))}.to_owned(),
            port: ${first.port},
        },
        vhost: "/".to_owned(),
        query: Default::default(),
    };
    let tls = OwnedTLSConfig {
        identity: None,
        cert_chain: Some(std::fs::read_to_string("${CA_FILE}")?),
    };
    let options = ConnectionProperties::default();
    let runtime = lapin::runtime::default_runtime()?;
    let connection = Connection::connect_uri_with_config(uri, options, tls, runtime).await?;
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let durable = QueueDeclareOptions {
        durable: true,
        ..Default::default()
    };
    channel
        .queue_declare("${QUEUE}".into(), durable, FieldTable::default())
        .await?;
    let persistent = BasicProperties::default().with_delivery_mode(2);
    channel
        .basic_publish(
            "".into(),
            "${QUEUE}".into(),
            BasicPublishOptions::default(),
            b"it works",
            persistent,
        )
        .await?
        .await?;
    let message = channel
        .basic_get("${QUEUE}".into(), BasicGetOptions { no_ack: true })
        .await?;
    println!(
        "{}",
        String::from_utf8_lossy(&message.ok_or("no message")?.data)
    );
    Ok(())
}
`),
      },
    ],
  };
}

export function protonOfRabbit(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'rabbitmq-proton',
    group: 'Python',
    client: 'Apache Qpid Proton',
    protocol: 'AMQP 1.0',
    install: 'pip install python-qpid-proton',
    run: 'python3 hello.py',
    files: [
      {
        name: 'hello.py',
        language: 'python',
        text: lines(`
import os

from proton import Message, SSLDomain
from proton.utils import BlockingConnection

# The queue has to be there: RabbitMQ makes none for AMQP 1.0.
QUEUE = "/queues/${QUEUE}"
tls = SSLDomain(SSLDomain.MODE_CLIENT)
tls.set_trusted_ca_db("${CA_FILE}")
tls.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
connection = BlockingConnection(
    ${quoted(`amqps://${first.host}:${first.port}`)},
    ssl_domain=tls,
    # The name that the certificate has to have.
    virtual_host=${quoted(bare(first))},
    user=${quoted(target.username)},
    password=os.environ["${PASSWORD_VARIABLE}"],
    allowed_mechs="PLAIN",
)
connection.create_sender(QUEUE).send(Message(body="it works", durable=True))
receiver = connection.create_receiver(QUEUE, credit=1)
message = receiver.receive(timeout=10)
receiver.accept()
print(message.body)
connection.close()
`),
      },
    ],
  };
}
