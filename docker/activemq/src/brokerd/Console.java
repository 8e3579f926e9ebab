package brokerd;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Properties;
import java.util.Set;
import javax.servlet.DispatcherType;
import javax.servlet.Filter;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import javax.servlet.http.HttpServletResponse;
import javax.servlet.jsp.JspFactory;
import org.apache.activemq.broker.BrokerService;
import org.apache.jasper.runtime.JspFactoryImpl;
import org.apache.tomcat.InstanceManager;
import org.apache.tomcat.SimpleInstanceManager;
import org.eclipse.jetty.security.ConstraintMapping;
import org.eclipse.jetty.security.ConstraintSecurityHandler;
import org.eclipse.jetty.security.authentication.BasicAuthenticator;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.DefaultHandler;
import org.eclipse.jetty.server.handler.HandlerList;
import org.eclipse.jetty.server.handler.MovedContextHandler;
import org.eclipse.jetty.servlet.DefaultServlet;
import org.eclipse.jetty.servlet.FilterHolder;
import org.eclipse.jetty.util.security.Constraint;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.webapp.Configuration;
import org.eclipse.jetty.webapp.WebAppContext;
import org.eclipse.jetty.webapp.WebInfConfiguration;
import org.eclipse.jetty.webapp.WebXmlConfiguration;

/**
 * ActiveMQ's web console over HTTPS, as described by conf/console.properties; without that file there is none. It is wired here and
 * not in jetty.xml, because reading that file and scanning for annotations and JSPs would take longer than the broker's whole start.
 */
final class Console {
  /** The console needs as much processor time as the first connections; those who waited for the broker have it first. */
  private static final long DELAY_MS = 400;

  private Console() {}

  static void startInBackground(BrokerService broker) {
    Path file = Path.of(System.getProperty("activemq.conf"), "console.properties");
    if (!Files.exists(file)) {
      return;
    }
    Thread t = new Thread(() -> {
      try {
        Thread.sleep(DELAY_MS);
        long begin = System.nanoTime();
        start(broker, file);
        System.err.printf("brokerd: web console started in %d ms%n", Launcher.ms(System.nanoTime() - begin));
      } catch (Throwable e) {
        // Messages matter more than the console: the broker keeps running without it.
        System.err.println("brokerd: the web console did not start");
        e.printStackTrace();
      }
    }, "console-start");
    t.setDaemon(true);
    t.start();
  }

  static Server start(BrokerService broker, Path file) throws Exception {
    Properties settings = new Properties();
    try (InputStream in = Files.newInputStream(file)) {
      settings.load(in);
    }
    ConsoleUser.connectTo(broker.getBrokerName());
    // Which WEB-INF/webconsole-….xml the console reads.
    System.setProperty("webconsole.type", "brokerd");

    QueuedThreadPool threads = new QueuedThreadPool(16, 1);
    threads.setName("console");
    threads.setDaemon(true);
    Server server = new Server(threads);
    server.setConnectors(new Connector[] {connector(server, file, settings)});
    HandlerList handlers = new HandlerList(application(settings), rootToConsole(), notFound());
    String authorization = settings.getProperty("linksAuthorization");
    if (authorization != null) {
      handlers.prependHandler(new NetworkLinks(broker, authorization));
      handlers.prependHandler(new MetricsPage(broker, authorization));
      handlers.prependHandler(new DestinationsPage(broker, authorization));
    }
    server.setHandler(handlers);
    server.start();
    return server;
  }

  private static ServerConnector connector(Server server, Path file, Properties settings) {
    SslContextFactory.Server tls = new SslContextFactory.Server();
    tls.setKeyStorePath(file.resolveSibling(settings.getProperty("keyStore")).toString());
    tls.setKeyStoreType("PKCS12");
    tls.setKeyStorePassword(settings.getProperty("keyStorePassword"));
    // 1.3, too: what is open with it (CVE-2026-39304) is how ActiveMQ's own NIO transports answer key updates. Jetty reads by itself and
    // bounds what it holds for a connection; browsers may have nothing but 1.3.
    tls.setIncludeProtocols("TLSv1.2", "TLSv1.3");
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    // Clients reach the console by the host's name and port; the certificate's names are not compared with the request's.
    http.addCustomizer(new SecureRequestCustomizer(false));
    ServerConnector c = new ServerConnector(server, 1, 1, new SslConnectionFactory(tls, "http/1.1"), new HttpConnectionFactory(http));
    c.setPort(Integer.parseInt(settings.getProperty("port")));
    return c;
  }

  private static WebAppContext application(Properties settings) {
    WebAppContext app = new WebAppContext(System.getProperty("activemq.home") + "/webapps/admin", "/admin");
    app.setParentLoaderPriority(true);
    app.setConfigurations(new Configuration[] {new WebInfConfiguration(), new WebXmlConfiguration()});
    app.setDefaultsDescriptor(null);
    app.setThrowUnavailableOnStartupException(true);
    app.setInitParameter("org.eclipse.jetty.servlet.Default.dirAllowed", "false");
    app.addServlet(DefaultServlet.class, "/");
    app.addFilter(new FilterHolder(new SafetyHeaders()), "/*", EnumSet.of(DispatcherType.REQUEST));
    app.getSessionHandler().getSessionCookieConfig().setSecure(true);
    // What Jasper's initializer does where the JSPs are compiled at run time.
    JspFactory.setDefaultFactory(new JspFactoryImpl());
    app.setAttribute(InstanceManager.class.getName(), new SimpleInstanceManager());
    app.setSecurityHandler(security(settings));
    return app;
  }

  private static ConstraintSecurityHandler security(Properties settings) {
    Constraint constraint = new Constraint(Constraint.__BASIC_AUTH, ConsoleLogin.ROLE);
    constraint.setAuthenticate(true);
    ConstraintMapping everything = new ConstraintMapping();
    everything.setPathSpec("/*");
    everything.setConstraint(constraint);
    ConstraintSecurityHandler security = new ConstraintSecurityHandler();
    security.addConstraintMapping(everything);
    security.setAuthenticator(new BasicAuthenticator());
    security.setLoginService(new ConsoleLogin(Set.of(settings.getProperty("groups").trim().split("\\s*,\\s*"))));
    return security;
  }

  private static MovedContextHandler rootToConsole() {
    MovedContextHandler moved = new MovedContextHandler();
    moved.setContextPath("/");
    moved.setNewContextURL("/admin/");
    moved.setDiscardPathInfo(true);
    return moved;
  }

  private static DefaultHandler notFound() {
    DefaultHandler handler = new DefaultHandler();
    handler.setServeIcon(false);
    handler.setShowContexts(false);
    return handler;
  }

  /** The response headers the stock jetty.xml sets. */
  private static final class SafetyHeaders implements Filter {
    @Override
    public void init(FilterConfig config) {}

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException, ServletException {
      HttpServletResponse r = (HttpServletResponse) response;
      r.setHeader("X-Frame-Options", "SAMEORIGIN");
      r.setHeader("X-XSS-Protection", "1; mode=block");
      r.setHeader("X-Content-Type-Options", "nosniff");
      chain.doFilter(request, response);
    }

    @Override
    public void destroy() {}
  }
}
