// ActiveMQ with Go and .NET.
import { bare, lines, of, PASSWORD_VARIABLE, QUEUE, quoted, type Snippet, type Target } from './types';
import { GO_TRUST, TRUST_CS } from './trust';

export function goStomp(target: Target): Snippet {
  const [first] = of(target, 'stomp');
  return {
    id: 'go-stomp',
    group: 'Go',
    client: 'go-stomp',
    protocol: 'STOMP 1.2',
    install: 'go mod init hello && go get github.com/go-stomp/stomp/v3',
    run: 'go run .',
    files: [
      {
        name: 'main.go',
        language: 'go',
        text: lines(`
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"

	"github.com/go-stomp/stomp/v3"
)

${GO_TRUST}
func main() {
	socket, err := tls.Dial("tcp", ${quoted(`${first.host}:${first.port}`)}, trusting())
	if err != nil {
		log.Fatal(err)
	}
	connection, err := stomp.Connect(socket,
		stomp.ConnOpt.AcceptVersion(stomp.V12),
		stomp.ConnOpt.Host(${quoted(bare(first))}),
		stomp.ConnOpt.Login(${quoted(target.username)}, os.Getenv("${PASSWORD_VARIABLE}")))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Disconnect()
	subscription, err := connection.Subscribe("/queue/${QUEUE}", stomp.AckAuto)
	if err != nil {
		log.Fatal(err)
	}
	err = connection.Send("/queue/${QUEUE}", "text/plain", []byte("it works"),
		stomp.SendOpt.Receipt, stomp.SendOpt.NoContentLength, stomp.SendOpt.Header("persistent", "true"))
	if err != nil {
		log.Fatal(err)
	}
	message := <-subscription.C
	if message.Err != nil {
		log.Fatal(message.Err)
	}
	fmt.Println(string(message.Body))
}
`),
      },
    ],
  };
}

export function goAmqp(target: Target): Snippet {
  const [first] = of(target, 'amqp10');
  return {
    id: 'go-amqp',
    group: 'Go',
    client: 'go-amqp',
    protocol: 'AMQP 1.0',
    install: 'go mod init hello && go get github.com/Azure/go-amqp',
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
	"time"

	"github.com/Azure/go-amqp"
)

${GO_TRUST}
func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	connection, err := amqp.Dial(ctx, ${quoted(`amqps://${first.host}:${first.port}`)}, &amqp.ConnOptions{
		SASLType:  amqp.SASLTypePlain(${quoted(target.username)}, os.Getenv("${PASSWORD_VARIABLE}")),
		TLSConfig: trusting(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	session, err := connection.NewSession(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	sender, err := session.NewSender(ctx, "${QUEUE}", nil)
	if err != nil {
		log.Fatal(err)
	}
	message := amqp.NewMessage([]byte("it works"))
	message.Header = &amqp.MessageHeader{Durable: true}
	if err := sender.Send(ctx, message, nil); err != nil {
		log.Fatal(err)
	}
	receiver, err := session.NewReceiver(ctx, "${QUEUE}", nil)
	if err != nil {
		log.Fatal(err)
	}
	received, err := receiver.Receive(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := receiver.AcceptMessage(ctx, received); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(received.GetData()))
}
`),
      },
    ],
  };
}

export function amqpNetLite(target: Target): Snippet {
  const [first] = of(target, 'amqp10');
  return {
    id: 'amqp-net-lite',
    group: '.NET',
    client: 'AMQP.Net Lite',
    protocol: 'AMQP 1.0',
    install: 'dotnet new console && dotnet add package AMQPNetLite',
    run: 'dotnet run',
    files: [
      {
        name: 'Program.cs',
        language: 'csharp',
        text: lines(`
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Amqp;
using Amqp.Framing;

${TRUST_CS}
var factory = new ConnectionFactory();
factory.SSL.RemoteCertificateValidationCallback = IsTrusted;
var password = Environment.GetEnvironmentVariable("${PASSWORD_VARIABLE}");
var address = new Address(${quoted(bare(first))}, ${first.port}, ${quoted(target.username)}, password, "/", "AMQPS");
var connection = await factory.CreateAsync(address);
var session = new Session(connection);

var sender = new SenderLink(session, "sender", "${QUEUE}");
await sender.SendAsync(new Message("it works") { Header = new Header { Durable = true } });
var receiver = new ReceiverLink(session, "receiver", "${QUEUE}");
var message = await receiver.ReceiveAsync(TimeSpan.FromSeconds(10));
receiver.Accept(message);
Console.WriteLine(message.Body);
await connection.CloseAsync();
`),
      },
    ],
  };
}
