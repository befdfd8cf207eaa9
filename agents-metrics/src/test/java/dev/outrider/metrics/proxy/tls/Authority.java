package dev.outrider.metrics.proxy.tls;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** An authority that makes certificates for tests. */
public final class Authority {
  private static final AtomicInteger SERIAL = new AtomicInteger();

  private final KeyPair pair = pair();
  private final X500Name name;
  private final X509Certificate certificate;

  /** A certificate and its key. */
  public record Identity(X509Certificate certificate, KeyPair pair) {
    /** Writes both as the proxy reads them, each by rename. */
    public void write(Path certificateFile, Path keyFile) throws Exception {
      pem(certificateFile, "CERTIFICATE", certificate.getEncoded());
      pem(keyFile, "PRIVATE KEY", pair.getPrivate().getEncoded());
    }
  }

  /** An authority of this name. */
  public Authority(String name) throws Exception {
    this.name = new X500Name("CN=" + name);
    this.certificate = make(this.name, pair, true, null, Duration.ofDays(365));
  }

  private static KeyPair pair() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    return generator.generateKeyPair();
  }

  /**
   * A certificate for a subject like {@code CN=shop}, perhaps with a DNS name, good from now on.
   */
  public Identity identity(String subject, @Nullable String dnsName, Duration life)
      throws Exception {
    return identity(subject, dnsName, life, pair());
  }

  /** The same, of this key. */
  public Identity identity(String subject, @Nullable String dnsName, Duration life, KeyPair own)
      throws Exception {
    return new Identity(make(new X500Name(subject), own, false, dnsName, life), own);
  }

  private X509Certificate make(
      X500Name subject, KeyPair own, boolean authority, @Nullable String dnsName, Duration life)
      throws IOException, GeneralSecurityException, OperatorCreationException {
    Instant now = Instant.now();
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            name,
            BigInteger.valueOf(SERIAL.incrementAndGet()),
            Date.from(now.minusSeconds(60)),
            Date.from(now.plus(life)),
            subject,
            own.getPublic());
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
    if (dnsName != null) {
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(new GeneralName(GeneralName.dNSName, dnsName)));
    }
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate())));
  }

  /** Writes the authority's certificate. */
  public void write(Path file) throws Exception {
    pem(file, "CERTIFICATE", certificate.getEncoded());
  }

  private static void pem(Path file, String type, byte[] der) throws IOException {
    Path written = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(
        written,
        "-----BEGIN %s-----\n%s\n-----END %s-----\n"
            .formatted(type, Base64.getMimeEncoder().encodeToString(der), type));
    Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** The TLS of a client that believes this authority and shows this certificate, if any. */
  public SSLContext client(@Nullable Identity shown) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("ca", certificate);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    if (shown != null) {
      own.setKeyEntry(
          "own", shown.pair.getPrivate(), new char[0], new Certificate[] {shown.certificate});
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(own, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }
}
