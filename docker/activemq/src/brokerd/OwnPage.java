package brokerd;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.handler.AbstractHandler;

/** A page for the control plane, and nobody else. */
abstract class OwnPage extends AbstractHandler {
  private final String path;
  private final String contentType;
  private final byte[] authorization;

  /** For who sends this value of the header "Authorization". */
  OwnPage(String path, String contentType, String authorization) {
    this.path = path;
    this.contentType = contentType;
    this.authorization = authorization.getBytes(StandardCharsets.UTF_8);
  }

  /** What the page says. */
  abstract String text() throws Exception;

  /** What it says to who posts something; null: nobody posts anything. */
  String answer(InputStream body) throws Exception {
    return null;
  }

  @Override
  public void handle(String target, Request base, HttpServletRequest request, HttpServletResponse response) throws IOException {
    if (!target.equals(path)) {
      return;
    }
    base.setHandled(true);
    String given = request.getHeader("Authorization");
    if (given == null || !MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), authorization)) {
      response.setStatus(HttpServletResponse.SC_UNAUTHORIZED);
      return;
    }
    String text;
    try {
      text = request.getMethod().equals("POST") ? answer(request.getInputStream()) : text();
    } catch (Exception e) {
      // The broker stops, or has not started.
      System.err.println("brokerd: " + path + " not answered: " + e);
      response.setStatus(HttpServletResponse.SC_SERVICE_UNAVAILABLE);
      return;
    }
    if (text == null) {
      response.setStatus(HttpServletResponse.SC_METHOD_NOT_ALLOWED);
      return;
    }
    response.setContentType(contentType);
    response.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
  }
}
