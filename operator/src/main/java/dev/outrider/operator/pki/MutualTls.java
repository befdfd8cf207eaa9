package dev.outrider.operator.pki;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** TLS in which both sides show a certificate of a cluster's own authority. */
public final class MutualTls {
  /** Of a key store that never leaves memory. */
  private static final char[] PASSWORD = {'-'};

  private MutualTls() {}

  /**
   * A context that shows a certificate and trusts an authority.
   *
   * @throws GeneralSecurityException if certificate, key or authority cannot be read
   */
  public static SSLContext context(
      CertificateAuthority authority, CertificateAuthority.Issued shown)
      throws GeneralSecurityException {
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      trusted.setCertificateEntry("authority", certificate(factory, authority.certificate()));
      TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
      trust.init(trusted);

      KeyStore own = KeyStore.getInstance("PKCS12");
      own.load(null, null);
      own.setKeyEntry(
          "own",
          CertificateAuthority.privateKey(shown.key()),
          PASSWORD,
          new Certificate[] {certificate(factory, shown.certificate())});
      KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
      keys.init(own, PASSWORD);

      SSLContext context = SSLContext.getInstance("TLSv1.3");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (IOException e) {
      throw new GeneralSecurityException("no certificate or key in PEM form", e);
    }
  }

  private static Certificate certificate(CertificateFactory factory, String pem)
      throws GeneralSecurityException {
    return factory.generateCertificate(
        new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
  }
}
