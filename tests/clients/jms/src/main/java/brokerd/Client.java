package brokerd;

import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
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
 * JMS over OpenWire and TLS. Arguments: action (login, send, receive), url, user, password, CA file, queue, body or seconds to
 * wait. Prints the body received. Exit 0: done, 3: the broker refused the user, 1: anything else.
 */
public final class Client {
    private Client() {}

    public static void main(String[] arguments) {
        int code = 1;
        try {
            run(arguments);
            code = 0;
        } catch (JMSSecurityException refused) {
            System.out.print("refused: " + refused.getMessage());
            code = 3;
        } catch (Exception error) {
            System.out.print(error);
        }
        System.out.flush();
        System.exit(code);
    }

    private static void run(String[] a) throws Exception {
        ActiveMQSslConnectionFactory factory = new ActiveMQSslConnectionFactory(a[1]);
        factory.setKeyAndTrustManagers(null, trusting(a[4]).getTrustManagers(), null);
        factory.setAlwaysSyncSend(true);
        Connection connection = factory.createConnection(a[2], a[3]);
        try {
            connection.start();
            if (!a[0].equals("login")) {
                exchange(connection, a);
            }
        } finally {
            connection.close();
        }
    }

    private static void exchange(Connection connection, String[] a) throws JMSException {
        Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
        Queue queue = session.createQueue(a[5]);
        if (a[0].equals("send")) {
            MessageProducer producer = session.createProducer(queue);
            producer.setDeliveryMode(DeliveryMode.PERSISTENT);
            producer.send(session.createTextMessage(a[6]));
            return;
        }
        Message message = session.createConsumer(queue).receive(Long.parseLong(a[6]) * 1000);
        if (message == null) {
            throw new JMSException("no message");
        }
        System.out.print(((TextMessage) message).getText());
    }

    private static TrustManagerFactory trusting(String file) throws Exception {
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
