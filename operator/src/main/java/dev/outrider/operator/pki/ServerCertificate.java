package dev.outrider.operator.pki;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertStore;
import java.security.cert.CertificateParsingException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.bouncycastle.util.io.pem.PemObject;
import org.jspecify.annotations.Nullable;

/**
 * A certificate that a server shows, with its key, as the proxy can take it up: whatever it was
 * read from, all texts are plain PEM and the key is PKCS#8.
 *
 * @param chain the server's own certificate, then those between it and the authority
 * @param key the private key
 * @param authority what clients verify it with, one or more certificates; null: nobody said
 * @param notBefore from when it is valid
 * @param notAfter until when it is valid
 * @param names DNS names and addresses that it is for
 */
public record ServerCertificate(
    String chain,
    String key,
    @Nullable String authority,
    Instant notBefore,
    Instant notAfter,
    List<String> names) {
  /** What OpenSSL's default security level of today takes. */
  private static final int LEAST_RSA_BITS = 2048;

  public ServerCertificate {
    names = List.copyOf(names);
  }

  @Override
  public String toString() {
    return "ServerCertificate[notAfter=" + notAfter + ", names=" + names + ", key=(secret)]";
  }

  /**
   * Reads and checks the entries of a Secret of type {@code kubernetes.io/tls}. Whether it is valid
   * now is left to the caller.
   *
   * @param chain {@code tls.crt}
   * @param key {@code tls.key}
   * @param authority {@code ca.crt}; null or blank: not there
   * @param now for the certificates between this one and the authority
   * @throws UnusableException if one of them cannot be used, or they do not belong together
   */
  public static ServerCertificate check(
      @Nullable String chain, @Nullable String key, @Nullable String authority, Instant now)
      throws UnusableException {
    List<X509Certificate> certificates = Pem.certificates("tls.crt", chain);
    X509Certificate own = certificates.getFirst();
    ServerCertificate read = read(chain, key, authority);
    if (own.getPublicKey() instanceof RSAKey rsa && rsa.getModulus().bitLength() < LEAST_RSA_BITS) {
      throw new UnusableException(
          "tls.key is an RSA key of " + rsa.getModulus().bitLength() + " bits",
          "one of " + LEAST_RSA_BITS + " bits or more");
    }
    if (read.authority() != null
        && !leadsTo(certificates, Pem.certificates("ca.crt", authority), now)) {
      throw new UnusableException(
          "ca.crt does not verify the certificate in tls.crt, so no client could",
          "the authority that issued it, with the certificates between them in tls.crt");
    }
    return read;
  }

  /**
   * Reads one that was checked before, or made here: only that key and certificate belong together
   * is looked at once more, since somebody may have edited the Secret that they are in.
   *
   * @throws UnusableException if one of them cannot be read, or they do not belong together
   */
  public static ServerCertificate read(
      @Nullable String chain, @Nullable String key, @Nullable String authority)
      throws UnusableException {
    List<X509Certificate> certificates = Pem.certificates("tls.crt", chain);
    PrivateKey privateKey = Pem.privateKey("tls.key", key);
    X509Certificate own = certificates.getFirst();
    if (!belongTogether(own.getPublicKey(), privateKey)) {
      throw new UnusableException(
          "tls.key is not the key of the first certificate in tls.crt", "the key of that one");
    }
    return new ServerCertificate(
        Pem.write(certificates),
        Pem.write(new PemObject("PRIVATE KEY", privateKey.getEncoded())),
        authority == null || authority.isBlank()
            ? null
            : Pem.write(Pem.certificates("ca.crt", authority)),
        own.getNotBefore().toInstant(),
        own.getNotAfter().toInstant(),
        names(own));
  }

  /**
   * Reads and checks the authorities of clients.
   *
   * @param text {@code ca.crt}
   * @return the same as plain PEM
   * @throws UnusableException if one is not an authority, or none is valid now
   */
  public static String checkClientAuthorities(@Nullable String text, Instant now)
      throws UnusableException {
    List<X509Certificate> authorities = Pem.certificates("ca.crt", text);
    Instant last = Instant.MIN;
    for (X509Certificate authority : authorities) {
      // Certificates of version 1 cannot say what they are (RFC 5280, 4.2.1.9).
      if (authority.getVersion() >= 3 && authority.getBasicConstraints() < 0) {
        throw new UnusableException(
            "ca.crt holds a certificate that is not of an authority: "
                + authority.getSubjectX500Principal(),
            "certificates of authorities");
      }
      Instant end = authority.getNotAfter().toInstant();
      last = end.isAfter(last) ? end : last;
    }
    if (now.isAfter(last)) {
      throw new UnusableException("ca.crt expired at " + last, "an authority that is valid");
    }
    return Pem.write(authorities);
  }

  private static boolean belongTogether(PublicKey publicKey, PrivateKey privateKey) {
    try {
      Signature signature =
          Signature.getInstance(
              privateKey.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA");
      signature.initSign(privateKey);
      byte[] signed = signature.sign();
      signature.initVerify(publicKey);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false; // Of another algorithm or curve.
    }
  }

  private static boolean leadsTo(
      List<X509Certificate> chain, List<X509Certificate> trusted, Instant now) {
    X509Certificate own = chain.getFirst();
    if (trusted.contains(own)) {
      return true; // Signed by itself, as people do.
    }
    Set<TrustAnchor> anchors =
        trusted.stream().map(c -> new TrustAnchor(c, null)).collect(Collectors.toSet());
    X509CertSelector target = new X509CertSelector();
    target.setCertificate(own);
    try {
      PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, target);
      parameters.setRevocationEnabled(false);
      parameters.addCertStore(
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(chain)));
      // That it has expired, or is not valid yet, is told in other words.
      Instant start = own.getNotBefore().toInstant();
      Instant end = own.getNotAfter().toInstant();
      Instant at = now.isBefore(start) ? start : now.isAfter(end) ? end : now;
      parameters.setDate(Date.from(at));
      var _ = CertPathBuilder.getInstance("PKIX").build(parameters);
      return true;
    } catch (CertPathBuilderException e) {
      return false;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<String> names(X509Certificate certificate) {
    List<String> names = new ArrayList<>();
    try {
      Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
      if (alternatives != null) {
        for (List<?> alternative : alternatives) {
          // Of RFC 5280's GeneralName: dNSName and iPAddress.
          if (Integer.valueOf(2).equals(alternative.get(0))
              || Integer.valueOf(7).equals(alternative.get(0))) {
            names.add(String.valueOf(alternative.get(1)));
          }
        }
      }
    } catch (CertificateParsingException e) {
      return List.of(); // Clients will say so; that it cannot be told here changes nothing.
    }
    return names;
  }
}
