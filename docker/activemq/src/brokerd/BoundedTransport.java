package brokerd;

import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.apache.activemq.transport.stomp.StompFrame;
import org.apache.activemq.transport.tcp.SslTransport;
import org.apache.activemq.util.ServiceStopper;

/** A client's connection, which ends unless it logs in soon. */
final class BoundedTransport extends SslTransport {
  private static final ScheduledThreadPoolExecutor DEADLINES = deadlines();

  private final Admission admission;
  private volatile ScheduledFuture<?> deadline;
  private X509Certificate[] certificates;

  BoundedTransport(Bounded format, SSLSocket socket) throws IOException {
    super(format, socket);
    admission = format.admission();
  }

  private static ScheduledThreadPoolExecutor deadlines() {
    ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(1, task -> {
      Thread thread = new Thread(task, "login deadlines");
      thread.setDaemon(true);
      return thread;
    });
    // A connection that has ended is not remembered until its time is over.
    executor.setRemoveOnCancelPolicy(true);
    return executor;
  }

  /** The client has proved who it is. */
  void loggedIn() {
    admission.loggedIn();
    forgetDeadline();
  }

  @Override
  protected void doStart() throws Exception {
    deadline = DEADLINES.schedule(this::giveUp, Admission.SECONDS_TO_LOG_IN, TimeUnit.SECONDS);
    super.doStart();
  }

  @Override
  protected void doStop(ServiceStopper stopper) throws Exception {
    forgetDeadline();
    super.doStop(stopper);
  }

  private void giveUp() {
    if (!admission.isLoggedIn()) {
      onException(new IOException("no login within " + Admission.SECONDS_TO_LOG_IN + " s"));
    }
  }

  private void forgetDeadline() {
    ScheduledFuture<?> current = deadline;
    if (current != null) {
      current.cancel(false);
      deadline = null;
    }
  }

  @Override
  public void doConsume(Object command) {
    // As ActiveMQ's own factory for STOMP does it; the other protocols ask the transport.
    if (command instanceof StompFrame frame) {
      if (certificates == null) {
        certificates = getPeerCertificates();
      }
      frame.setTransportContext(certificates);
    }
    super.doConsume(command);
  }
}
