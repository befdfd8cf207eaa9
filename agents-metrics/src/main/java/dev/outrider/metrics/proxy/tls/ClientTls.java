package dev.outrider.metrics.proxy.tls;

import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.Timestamp;
import dev.outrider.agents.config.TlsConfig;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.agents.tls.KeyFiles;
import dev.outrider.agents.tls.KeyMaterial;
import dev.outrider.agents.tls.ReloadingKeys;
import dev.outrider.metrics.proxy.ProxyMetrics;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.IllegalReferenceCountException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The TLS of clients, from files that may change.
 *
 * <p>New files are for new connections; those that are open keep what they began with. Safe for all
 * threads.
 */
public final class ClientTls implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ClientTls.class);

  private final TlsConfig config;
  private final ReloadingKeys<TlsContext> keys;
  private final InstantSource clock;
  private final ProxyMetrics metrics;
  private volatile TlsContext inForce;
  private volatile @Nullable Problem due;

  private ClientTls(
      TlsConfig config,
      ReloadingKeys<TlsContext> keys,
      TlsContext first,
      InstantSource clock,
      ProxyMetrics metrics) {
    this.config = config;
    this.keys = keys;
    this.inForce = first;
    this.clock = clock;
    this.metrics = metrics;
  }

  /**
   * Reads the files of a configuration whose mode is not {@code disable}.
   *
   * @throws AgentException if TLS does not work here, or the files cannot be used
   */
  public static ClientTls load(TlsConfig config, InstantSource clock, ProxyMetrics metrics) {
    if (!OpenSsl.isAvailable()) {
      throw new AgentException(
          "tls: is not there for this platform: " + OpenSsl.unavailabilityCause().getMessage(),
          OpenSsl.unavailabilityCause());
    }
    Path certificate = Objects.requireNonNull(config.certificate());
    Path key = Objects.requireNonNull(config.key());
    boolean asks = config.clientCertificates() != TlsConfig.ClientCertificates.OFF;
    ReloadingKeys<TlsContext> keys =
        new ReloadingKeys<>(
            "tls",
            new KeyFiles(certificate, key, asks ? config.clientCa() : null),
            TlsContext::of,
            clock);
    TlsContext first;
    try {
      first = keys.first();
    } catch (IOException | GeneralSecurityException e) {
      throw new AgentException(
          "tls: the certificates cannot be used: " + ReloadingKeys.why(e), null);
    }
    ClientTls tls = new ClientTls(config, keys, first, clock, metrics);
    tls.lookAtEnd();
    return tls;
  }

  /** What it was made of. */
  public TlsConfig config() {
    return config;
  }

  /** Takes up files that have changed, and says when a certificate is about to end. May block. */
  public void look() {
    if (keys.look()) {
      TlsContext now = keys.made();
      metrics.tlsReloaded(keys.problem() == null);
      TlsContext before = inForce;
      if (now != null && now != before) {
        inForce = now;
        before.release();
      }
    }
    lookAtEnd();
  }

  private void lookAtEnd() {
    KeyMaterial material = inForce.material();
    Instant now = clock.instant();
    if (now.isBefore(material.dueAt())) {
      due = null;
      return;
    }
    String message =
        (now.isBefore(material.notAfter())
                ? "the certificate ends at "
                : "the certificate ended at ")
            + Timestamp.of(material.notAfter())
            + ": "
            + config.certificate();
    Problem before = due;
    if (before == null || !before.message().equals(message)) {
      due = new Problem("tls", message, before == null ? now : before.since());
      LOG.atWarn().addKeyValue("problem", message).log("a certificate has not been renewed");
    }
  }

  /** When the certificate in force ends. */
  public Instant notAfter() {
    return inForce.material().notAfter();
  }

  /**
   * What should be mended: files that could not be taken up, a certificate that is about to end.
   */
  public List<Problem> problems() {
    List<Problem> problems = new ArrayList<>(2);
    Problem refused = keys.problem();
    if (refused != null) {
      problems.add(refused);
    }
    Problem ending = due;
    if (ending != null) {
      problems.add(ending);
    }
    return problems;
  }

  /** What stands first in the pipeline of a connection that encrypts. */
  public SslHandler handler(ByteBufAllocator allocator) {
    while (true) {
      TlsContext now = inForce;
      try {
        return now.handler(allocator);
      } catch (IllegalReferenceCountException e) {
        // Another one has taken its place just now.
        if (now == inForce) {
          throw e;
        }
      }
    }
  }

  /** Gives back what is not needed by connections. */
  @Override
  public void close() {
    inForce.release();
  }
}
