package brokerd;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQSslConnectionFactory;

/**
 * A JMS producer and a JMS consumer that go on without a break, and keep count of every message that the broker acknowledged. They leave it to
 * the URL, that is to the failover transport, where the broker is; persistent messages are sent synchronously, and acknowledged one by
 * one by the client.
 *
 * Input, a line each: url, user, password, ca, queue. Every further line is an action as in python/steady.py, answered in one line.
 */
public final class Steady {
    private static final long PATIENCE = 60_000;
    private static final long PACE = 10;

    private final Connection connection;
    private final String queue;
    private final Set<String> stored = new LinkedHashSet<>();
    private final Map<String, Integer> seen = new HashMap<>();
    private long longest;
    private String complaint = "";
    private boolean ending;
    private boolean ended;

    private Steady(Connection connection, String queue) {
        this.connection = connection;
        this.queue = queue;
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        ActiveMQSslConnectionFactory factory = new ActiveMQSslConnectionFactory(input.readLine());
        String user = input.readLine();
        String password = input.readLine();
        factory.setKeyAndTrustManagers(null, Client.trusting(input.readLine()).getTrustManagers(), null);
        factory.setAlwaysSyncSend(true);
        Connection connection = factory.createConnection(user, password);
        connection.start();
        Steady steady = new Steady(connection, input.readLine());
        Thread producer = steady.begin(steady::produce);
        Thread consumer = steady.begin(steady::consume);
        for (String action = input.readLine(); action != null; action = input.readLine()) {
            System.out.println(action.equals("end") ? steady.end(producer, consumer) : steady.told());
            System.out.flush();
        }
        System.exit(0);
    }

    private interface Work {
        void run() throws Exception;
    }

    /** Whatever ends the work is told, and the work begun again. */
    private Thread begin(Work work) {
        Thread thread = new Thread(() -> {
            while (!is(() -> ended)) {
                try {
                    work.run();
                    return;
                } catch (Exception error) {
                    synchronized (this) {
                        complaint = error.toString();
                    }
                }
            }
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private synchronized boolean is(BooleanSupplier condition) {
        return condition.getAsBoolean();
    }

    private void produce() throws Exception {
        Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
        MessageProducer producer = session.createProducer(session.createQueue(queue));
        producer.setDeliveryMode(DeliveryMode.PERSISTENT);
        long last = System.nanoTime();
        while (!is(() -> ending)) {
            String name = "jms-" + stored.size();
            producer.send(session.createTextMessage(name));
            long now = System.nanoTime();
            synchronized (this) {
                stored.add(name);
                longest = Math.max(longest, now - last);
                notifyAll();
            }
            last = now;
            Thread.sleep(PACE);
        }
    }

    private void consume() throws Exception {
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(session.createQueue(queue));
        while (!is(() -> ended)) {
            Message message = consumer.receive(500);
            if (message == null) {
                continue;
            }
            try {
                message.acknowledge();
            } catch (JMSException error) {
                // It was delivered by a broker that is gone: it comes again.
                session.recover();
                continue;
            }
            synchronized (this) {
                seen.merge(((TextMessage) message).getText(), 1, Integer::sum);
                notifyAll();
            }
        }
    }

    private synchronized boolean await(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.currentTimeMillis() + PATIENCE;
        while (!condition.getAsBoolean()) {
            long left = deadline - System.currentTimeMillis();
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }

    /** Once more of them is stored, so that a pause that still lasts is counted. */
    private synchronized String told() throws InterruptedException {
        int before = stored.size();
        boolean moves = await(() -> stored.size() > before);
        double seconds = longest / 1e9;
        longest = 0;
        return "{\"stored\": " + stored.size() + ", \"longest\": " + seconds + ", \"moves\": " + moves + ", \"complaint\": "
            + Client.quoted(complaint) + "}";
    }

    private String end(Thread producer, Thread consumer) throws InterruptedException {
        synchronized (this) {
            ending = true;
        }
        producer.join(PATIENCE);
        await(() -> seen.keySet().containsAll(stored));
        synchronized (this) {
            ended = true;
        }
        consumer.join(PATIENCE);
        synchronized (this) {
            List<String> lost = new ArrayList<>();
            stored.stream().filter(name -> !seen.containsKey(name)).forEach(name -> lost.add(Client.quoted(name)));
            long repeated = seen.values().stream().filter(times -> times > 1).count();
            return "{\"stored\": " + stored.size() + ", \"lost\": [" + String.join(", ", lost) + "], \"repeated\": " + repeated
                + ", \"complaint\": " + Client.quoted(complaint) + "}";
        }
    }
}
