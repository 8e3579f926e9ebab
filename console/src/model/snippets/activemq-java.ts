// ActiveMQ with Java.
import { failoverUrl } from '../endpoints';
import {
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

const TRUST = `-Djavax.net.ssl.trustStore=${KEY_STORE} -Djavax.net.ssl.trustStorePassword=${KEY_STORE_PASSWORD}`;

export function openwire(target: Target): Snippet {
  const url = failoverUrl(of(target, 'openwire').map((endpoint) => endpoint.url));
  return {
    id: 'activemq-jms',
    group: 'Java',
    client: 'ActiveMQ Client (JMS)',
    protocol: 'OpenWire',
    install: 'org.apache.activemq:activemq-client:5.19.2',
    needsKeyStore: true,
    run: 'java -cp "lib/*" Hello.java',
    files: [
      {
        name: 'Hello.java',
        language: 'java',
        text: lines(`
import javax.jms.Connection;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQSslConnectionFactory;

public class Hello {
    public static void main(String[] arguments) throws Exception {
        // Connects anew when an instance ends, and to the other one of a pair.
        var factory = new ActiveMQSslConnectionFactory(
            ${quoted(url)});
        factory.setTrustStore("file:${KEY_STORE}");
        factory.setTrustStorePassword("${KEY_STORE_PASSWORD}");
        Connection connection =
            factory.createConnection(${quoted(target.username)}, System.getenv("${PASSWORD_VARIABLE}"));
        try {
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue("${QUEUE}");
            session.createProducer(queue).send(session.createTextMessage("it works"));
            TextMessage message = (TextMessage) session.createConsumer(queue).receive(10_000);
            System.out.println(message.getText());
        } finally {
            connection.close();
        }
    }
}
`),
      },
    ],
  };
}

export function springBoot(target: Target): Snippet {
  const url = failoverUrl(of(target, 'openwire').map((endpoint) => endpoint.url));
  return {
    id: 'activemq-spring',
    group: 'Spring Boot',
    client: 'Spring JMS',
    protocol: 'OpenWire',
    install: 'org.springframework.boot:spring-boot-starter-activemq',
    needsKeyStore: true,
    run: `./mvnw spring-boot:run -Dspring-boot.run.jvmArguments="${TRUST}"`,
    files: [
      {
        name: 'src/main/resources/application.properties',
        language: 'properties',
        text: lines(`
spring.activemq.broker-url=${property(url)}
spring.activemq.user=${property(target.username)}
spring.activemq.password=\${${PASSWORD_VARIABLE}}
`),
      },
      {
        name: 'src/main/java/hello/HelloApplication.java',
        language: 'java',
        text: lines(`
package hello;

import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.jms.core.JmsTemplate;

@SpringBootApplication
public class HelloApplication {
    public static void main(String[] arguments) {
        SpringApplication.run(HelloApplication.class, arguments);
    }

    @Bean
    ApplicationRunner send(JmsTemplate jms) {
        return arguments -> jms.convertAndSend("${QUEUE}", "it works");
    }

    @JmsListener(destination = "${QUEUE}")
    void receive(String body) {
        System.out.println(body);
    }
}
`),
      },
    ],
  };
}

export function qpidJms(target: Target): Snippet {
  const trust = `transport.trustStoreLocation=${KEY_STORE}&transport.trustStorePassword=${KEY_STORE_PASSWORD}`;
  const url = failoverUrl(of(target, 'amqp10').map(({ host, port }) => `amqps://${host}:${port}?${trust}`));
  return {
    id: 'qpid-jms',
    group: 'Java',
    client: 'Apache Qpid JMS',
    protocol: 'AMQP 1.0',
    install: 'org.apache.qpid:qpid-jms-client:2.7.0',
    needsKeyStore: true,
    run: 'java -cp "lib/*" Hello.java',
    files: [
      {
        name: 'Hello.java',
        language: 'java',
        text: lines(`
import jakarta.jms.JMSContext;
import jakarta.jms.Queue;
import org.apache.qpid.jms.JmsConnectionFactory;

public class Hello {
    public static void main(String[] arguments) throws Exception {
        var factory = new JmsConnectionFactory(
            ${quoted(target.username)},
            System.getenv("${PASSWORD_VARIABLE}"),
            ${url.split(',').map(quoted).join('\n                + "," + ')});
        try (JMSContext context = factory.createContext()) {
            Queue queue = context.createQueue("${QUEUE}");
            context.createProducer().send(queue, "it works");
            System.out.println(context.createConsumer(queue).receiveBody(String.class, 10_000));
        }
    }
}
`),
      },
    ],
  };
}
