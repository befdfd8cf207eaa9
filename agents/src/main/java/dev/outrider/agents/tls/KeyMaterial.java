package dev.outrider.agents.tls;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * What a TLS server shows and whom it believes.
 *
 * @param chain the server's certificate, followed by any intermediates
 * @param key the key of the first certificate
 * @param authorities the authorities of clients; empty if clients show no certificate
 */
public record KeyMaterial(
    List<X509Certificate> chain, PrivateKey key, List<X509Certificate> authorities) {
  private static final byte[] PROBE = {'o', 'u', 't', 'r', 'i', 'd', 'e', 'r'};
  // Who renews certificates does it well before; a certificate of a day is renewed within hours.
  private static final Duration NEAR = Duration.ofDays(14);
  private static final int NEAR_PART = 10;

  /** Takes copies. */
  public KeyMaterial {
    chain = List.copyOf(chain);
    authorities = List.copyOf(authorities);
  }

  /**
   * Reads the files and checks that the key is the certificate's.
   *
   * @throws IOException if one cannot be read
   * @throws GeneralSecurityException if one does not hold what it should, or they do not belong
   *     together
   */
  static KeyMaterial read(KeyFiles files) throws IOException, GeneralSecurityException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<X509Certificate> chain = Pem.certificates(factory, files.certificate());
    PrivateKey key = Pem.privateKey(files.key());
    if (!belongTogether(chain.get(0).getPublicKey(), key)) {
      throw new KeyException(
          "the key in "
              + files.key()
              + " is not that of the first certificate in "
              + files.certificate());
    }
    Path clientCa = files.clientCa();
    return new KeyMaterial(
        chain, key, clientCa == null ? List.of() : Pem.certificates(factory, clientCa));
  }

  private static boolean belongTogether(PublicKey certified, PrivateKey key)
      throws GeneralSecurityException {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          default -> key.getAlgorithm();
        };
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(key);
    signature.update(PROBE);
    byte[] signed = signature.sign();
    try {
      signature.initVerify(certified);
      signature.update(PROBE);
      return signature.verify(signed);
    } catch (KeyException e) {
      // A key of another kind.
      return false;
    }
  }

  /** When the server's certificate ends. */
  public Instant notAfter() {
    return chain.get(0).getNotAfter().toInstant();
  }

  /**
   * From when on it is worth a warning that it has not been renewed: 14 days before its end, or the
   * last tenth of its life if that is shorter.
   */
  public Instant dueAt() {
    Instant end = notAfter();
    Duration life = Duration.between(chain.get(0).getNotBefore().toInstant(), end);
    Duration part = life.dividedBy(NEAR_PART);
    return end.minus(part.compareTo(NEAR) < 0 ? part : NEAR);
  }
}
