package brokerd;

import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.JMSException;
import javax.jms.JMSSecurityException;
import javax.jms.Message;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;
import javax.net.ssl.TrustManagerFactory;
import org.apache.activemq.ActiveMQSslConnectionFactory;

/**
 * JMS over OpenWire and TLS. The argument is the action: login, send, receive, or logins for several users. The rest comes as properties
 * on standard input: url, user, password, ca, queue, body, timeout, users.N.0 and users.N.1. Prints JSON. Exit 0: done, 3: the
 * broker refused the user, 1: anything else.
 */
public final class Client {
    private Client() {}

    public static void main(String[] arguments) {
        int code = 1;
        try {
            Properties given = new Properties();
            given.load(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            System.out.print(arguments[0].equals("logins") ? logins(given) : act(arguments[0], given));
            code = 0;
        } catch (JMSException error) {
            System.out.print(error);
            code = isRefusal(error) ? 3 : 1;
        } catch (Exception error) {
            System.out.print(error);
        }
        System.out.flush();
        System.exit(code);
    }

    private static boolean isRefusal(JMSException error) {
        return error instanceof JMSSecurityException || error.getCause() instanceof SecurityException;
    }

    private static String logins(Properties given) throws Exception {
        List<String> refused = new ArrayList<>();
        for (int n = 0; given.containsKey("users." + n + ".0"); n++) {
            given.setProperty("user", given.getProperty("users." + n + ".0"));
            given.setProperty("password", given.getProperty("users." + n + ".1"));
            try {
                act("login", given);
                refused.add("null");
            } catch (JMSSecurityException error) {
                refused.add(quoted(error.getMessage()));
            }
        }
        return "{\"refused\": [" + String.join(", ", refused) + "]}";
    }

    private static String act(String action, Properties given) throws Exception {
        ActiveMQSslConnectionFactory factory = new ActiveMQSslConnectionFactory(given.getProperty("url"));
        factory.setKeyAndTrustManagers(null, trusting(given.getProperty("ca")).getTrustManagers(), null);
        factory.setAlwaysSyncSend(true);
        Connection connection = factory.createConnection(given.getProperty("user"), given.getProperty("password"));
        try {
            connection.start();
            return action.equals("login") ? "{}" : exchange(connection, action, given);
        } finally {
            connection.close();
        }
    }

    private static String exchange(Connection connection, String action, Properties given) throws JMSException {
        Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
        Queue queue = session.createQueue(given.getProperty("queue"));
        if (action.equals("send")) {
            MessageProducer producer = session.createProducer(queue);
            producer.setDeliveryMode(DeliveryMode.PERSISTENT);
            producer.send(session.createTextMessage(given.getProperty("body")));
            return "{}";
        }
        Message message = session.createConsumer(queue).receive(Long.parseLong(given.getProperty("timeout")) * 1000);
        if (message == null) {
            throw new JMSException("no message");
        }
        return "{\"body\": " + quoted(((TextMessage) message).getText()) + "}";
    }

    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            out.append(c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
        }
        return out.append('"').toString();
    }

    static TrustManagerFactory trusting(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = new FileInputStream(file)) {
            int index = 0;
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("ca" + index++, certificate);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        return trust;
    }
}
