package dev.outrider.metrics.proxy.session;

import dev.outrider.protocol.backend.ErrorResponse;
import dev.outrider.protocol.frontend.StartupMessage;
import io.netty.handler.ssl.SslHandler;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * The lines of one session, as Postgres has them by log_connections and log_disconnections, which
 * sees only its socket. What is logged of a start-up is no secret; what comes in a login is.
 */
final class SessionLog {
  private static final Logger LOG = LoggerFactory.getLogger(SessionLog.class);

  private final String client;
  private final String user;
  private final @Nullable String database;
  private final @Nullable String application;
  private final boolean replication;
  private final @Nullable String tls;
  private final @Nullable String cipher;
  private final long start = System.nanoTime();
  private int backend = -1;

  SessionLog(String client, StartupMessage message, String user, @Nullable SslHandler tls) {
    this.client = client;
    this.user = user;
    this.database = message.database();
    this.application = message.parameters().get("application_name");
    this.replication = message.replication() != StartupMessage.Replication.NONE;
    SSLSession session = tls == null ? null : tls.engine().getSession();
    this.tls = session == null ? null : session.getProtocol();
    this.cipher = session == null ? null : session.getCipherSuite();
  }

  /** A client was turned away. */
  static void refused(String client, ErrorResponse error) {
    LOG.atInfo()
        .addKeyValue("client", client)
        .addKeyValue("problem", error.fields().message())
        .log("connection refused");
  }

  /** Postgres has let the client in. */
  void begun(int process) {
    backend = process;
    line().log("connection authorized");
  }

  /** The client's connection is closed. */
  void ended() {
    if (backend >= 0) {
      line()
          .addKeyValue("seconds", TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start) / 1000.0)
          .log("disconnection");
    }
  }

  private LoggingEventBuilder line() {
    LoggingEventBuilder line = LOG.atInfo().addKeyValue("client", client).addKeyValue("user", user);
    line = with(line, "database", database);
    line = with(line, "application", application);
    line = with(line, "replication", replication ? "true" : null);
    line = with(line, "tls", tls);
    line = with(line, "cipher", cipher);
    return line.addKeyValue("backend", backend);
  }

  private static LoggingEventBuilder with(
      LoggingEventBuilder line, String key, @Nullable String value) {
    return value == null ? line : line.addKeyValue(key, value);
  }
}
