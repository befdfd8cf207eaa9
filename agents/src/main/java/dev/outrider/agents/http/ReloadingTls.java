package dev.outrider.agents.http;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.StatusConfig.MutualTls;
import dev.outrider.agents.tls.KeyFiles;
import dev.outrider.agents.tls.KeyMaterial;
import dev.outrider.agents.tls.OneKey;
import dev.outrider.agents.tls.ReloadingKeys;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyManagementException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * The TLS of a server that demands client certificates, from files that may change.
 *
 * <p>Nothing is loaded before the first connection: TLS is some MiB, and an agent that nobody asks
 * shall not pay for it. Each connection looks at the files' stamps, so it gets what is in force,
 * and connections that are open are left alone. New files that cannot be used are told in the log
 * and as a {@link #problem}; the old ones stay. Safe for all threads.
 */
final class ReloadingTls {
  private final ReloadingKeys<SSLContext> keys;

  ReloadingTls(MutualTls files, InstantSource clock) {
    keys =
        new ReloadingKeys<>(
            "status.tls",
            new KeyFiles(files.certificate(), files.key(), files.clientCa()),
            ReloadingTls::context,
            clock);
  }

  /** Why the newest files are not in force, or null if they are. */
  @Nullable Problem problem() {
    return keys.problem();
  }

  HttpsConfigurator configurator() {
    return new HttpsConfigurator(new Context(new Spi())) {
      @Override
      public void configure(HttpsParameters parameters) {
        SSLParameters tls = new SSLParameters();
        tls.setProtocols(new String[] {"TLSv1.3"});
        tls.setNeedClientAuth(true);
        parameters.setSSLParameters(tls);
      }
    };
  }

  private SSLContext current() {
    SSLContext inForce = keys.current();
    if (inForce == null) {
      // Closes this connection; the reason is in the log.
      throw new IllegalStateException("no usable certificates");
    }
    return inForce;
  }

  private static SSLContext context(KeyMaterial material)
      throws IOException, GeneralSecurityException {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    for (X509Certificate authority : material.authorities()) {
      trusted.setCertificateEntry("ca-" + trusted.size(), authority);
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    KeyManager key = new OneKey(material.chain(), material.key());
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(new KeyManager[] {key}, trust.getTrustManagers(), null);
    return context;
  }

  /**
   * A context that stands for whichever is in force: the JDK's server asks for it once, at its
   * start.
   */
  private static final class Context extends SSLContext {
    Context(SSLContextSpi spi) {
      super(spi, null, "TLSv1.3");
    }
  }

  private final class Spi extends SSLContextSpi {
    @Override
    protected void engineInit(
        KeyManager @Nullable [] keys,
        TrustManager @Nullable [] trust,
        @Nullable SecureRandom random)
        throws KeyManagementException {
      throw new KeyManagementException("made from files");
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
      return current().getSocketFactory();
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
      return current().getServerSocketFactory();
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
      return current().createSSLEngine();
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
      return current().createSSLEngine(host, port);
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
      return current().getServerSessionContext();
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
      return current().getClientSessionContext();
    }
  }
}
