package dev.outrider.metrics.proxy.tls;

import dev.outrider.agents.tls.KeyMaterial;
import dev.outrider.agents.tls.OneKey;
import dev.outrider.protocol.frontend.OpeningRequest;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSslCachingX509KeyManagerFactory;
import io.netty.handler.ssl.OpenSslSessionContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.SimpleKeyManagerFactory;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.interfaces.EdECKey;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.ManagerFactoryParameters;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * What connections encrypt with, made once of a certificate and its key. Counts its users: {@link
 * #release} gives it back when the last connection that has it is closed.
 *
 * <p>BoringSSL does the work. Measured here against Java's own TLS, each behind Netty's handler: a
 * handshake took a third of the processor time, small records half of it, and Java's has its
 * buffers in the heap, which is small.
 */
final class TlsContext {
  private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};
  // Forward secrecy and authenticated encryption: all of TLS 1.3, and of 1.2 what browsers have
  // left of it.
  private static final List<String> CIPHERS =
      List.of(
          "TLS_AES_128_GCM_SHA256",
          "TLS_AES_256_GCM_SHA384",
          "TLS_CHACHA20_POLY1305_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
          "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");
  private static final ApplicationProtocolConfig ALPN =
      new ApplicationProtocolConfig(
          ApplicationProtocolConfig.Protocol.ALPN,
          ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
          ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
          OpeningRequest.ALPN);

  private final KeyMaterial material;
  private final SslContext context;

  private TlsContext(KeyMaterial material, SslContext context) {
    this.material = material;
    this.context = context;
  }

  static TlsContext of(KeyMaterial material) throws IOException, GeneralSecurityException {
    KeyManager key = new OneKey(material.chain(), material.key(), type(material.key()));
    SslContextBuilder builder =
        // It keeps the key as BoringSSL has it, rather than to parse it for each handshake.
        SslContextBuilder.forServer(new OpenSslCachingX509KeyManagerFactory(new Fixed(key)))
            .sslProvider(SslProvider.OPENSSL_REFCNT)
            .protocols(PROTOCOLS)
            .ciphers(CIPHERS)
            .applicationProtocolConfig(ALPN);
    if (material.authorities().isEmpty()) {
      // Without one, Netty would load the authorities of the public web.
      builder.trustManager(new TrustsNobody());
    } else {
      // Who shows none is told so as Postgres tells it, after the handshake.
      builder.clientAuth(ClientAuth.OPTIONAL).trustManager(material.authorities());
    }
    SslContext context = builder.build();
    // As Postgres: its clients do not resume sessions.
    ((OpenSslSessionContext) context.sessionContext()).setSessionCacheEnabled(false);
    return new TlsContext(material, context);
  }

  /** The type of keys for which Netty asks when it wants one such as this. */
  private static String type(PrivateKey key) throws InvalidKeyException {
    String algorithm = key.getAlgorithm();
    if (algorithm.equals("EC") || algorithm.equals("RSA")) {
      return algorithm;
    }
    String curve = key instanceof EdECKey edwards ? edwards.getParams().getName() : algorithm;
    if (curve.equals("Ed25519")) {
      // For BoringSSL it is one that signs as ECDSA does (RFC 8422, section 2).
      return "EC";
    }
    throw new InvalidKeyException("the key is of " + curve + " (expected: EC, RSA or Ed25519)");
  }

  KeyMaterial material() {
    return material;
  }

  SslHandler handler(ByteBufAllocator allocator) {
    ReferenceCountUtil.retain(context);
    try {
      SslHandler handler = context.newHandler(allocator);
      // The time for the whole start-up is bounded.
      handler.setHandshakeTimeoutMillis(0);
      return handler;
    } finally {
      ReferenceCountUtil.release(context);
    }
  }

  void release() {
    ReferenceCountUtil.release(context);
  }

  /** Gives one key manager. */
  private static final class Fixed extends SimpleKeyManagerFactory {
    private final KeyManager[] managers;

    Fixed(KeyManager manager) {
      managers = new KeyManager[] {manager};
    }

    @Override
    protected void engineInit(@Nullable KeyStore store, char @Nullable [] password) {}

    @Override
    protected void engineInit(ManagerFactoryParameters parameters) {}

    @Override
    protected KeyManager[] engineGetKeyManagers() {
      return managers.clone();
    }
  }

  /** For connections that are not asked for a certificate. */
  private static final class TrustsNobody extends X509ExtendedTrustManager {
    private static CertificateException nobody() {
      return new CertificateException("no certificate was asked for");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, @Nullable Socket socket)
        throws CertificateException {
      throw nobody();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, @Nullable SSLEngine engine)
        throws CertificateException {
      throw nobody();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      throw nobody();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, @Nullable Socket socket)
        throws CertificateException {
      throw nobody();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, @Nullable SSLEngine engine)
        throws CertificateException {
      throw nobody();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      throw nobody();
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
