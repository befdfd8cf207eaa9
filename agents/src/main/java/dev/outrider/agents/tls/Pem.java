package dev.outrider.agents.tls;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * Certificates and keys from PEM files (RFC 7468). Errors name the file and never show what is in
 * it.
 */
final class Pem {
  private static final String BEGIN = "-----BEGIN PRIVATE KEY-----";
  private static final String END = "-----END PRIVATE KEY-----";
  private static final List<String> ALGORITHMS = List.of("EC", "RSA", "EdDSA");

  private Pem() {}

  /** All certificates of a file, in their order; at least one. */
  static List<X509Certificate> certificates(CertificateFactory factory, Path file)
      throws IOException, CertificateException {
    List<X509Certificate> certificates = new ArrayList<>();
    try (InputStream in = Files.newInputStream(file)) {
      for (Certificate certificate : factory.generateCertificates(in)) {
        certificates.add((X509Certificate) certificate);
      }
    } catch (CertificateException e) {
      throw new CertificateException(file + " does not hold X.509 certificates in PEM", e);
    }
    if (certificates.isEmpty()) {
      throw new CertificateException(file + " does not hold a certificate in PEM");
    }
    return certificates;
  }

  /** The unencrypted PKCS#8 key of a file. */
  static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END, Math.max(begin, 0));
    if (begin < 0 || end < 0) {
      throw new InvalidKeySpecException(
          file
              + " does not hold a private key in PEM and PKCS#8 without a passphrase (openssl pkcs8"
              + " -topk8 -nocrypt makes one of other forms)");
    }
    byte[] der;
    try {
      der = Base64.getMimeDecoder().decode(text.substring(begin + BEGIN.length(), end));
    } catch (IllegalArgumentException e) {
      throw new InvalidKeySpecException(file + " is not base64 between its BEGIN and END lines", e);
    }
    PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(der);
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
      } catch (InvalidKeySpecException e) {
        // Of another algorithm; the next may know it.
      }
    }
    throw new InvalidKeySpecException(
        file + " holds a private key that is none of " + String.join(", ", ALGORITHMS));
  }
}
