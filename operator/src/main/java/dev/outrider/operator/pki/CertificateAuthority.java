package dev.outrider.operator.pki;

import java.io.IOException;
import java.io.StringReader;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;

/**
 * A certificate authority for one cluster: ECDSA on P-256, X.509 version 3 (RFC 5280), everything
 * as PEM text.
 */
public final class CertificateAuthority {
  /** How long the authority is valid. */
  public static final Duration AUTHORITY_LIFETIME = Duration.ofDays(3650);

  /** How long a certificate is valid; it is renewed when a third of that is left. */
  public static final Duration CERTIFICATE_LIFETIME = Duration.ofDays(90);

  /** Clocks of nodes differ: certificates are valid from a little before they were made. */
  private static final Duration BACKDATED = Duration.ofMinutes(5);

  private final String certificate;
  private final String key;

  /** An authority that was made before. */
  public CertificateAuthority(String certificate, String key) {
    this.certificate = certificate;
    this.key = key;
  }

  /** A certificate with its private key (PKCS#8), both PEM. */
  public record Issued(String certificate, String key) {
    @Override
    public String toString() {
      return "Issued[certificate=" + certificate + ", key=(secret)]";
    }
  }

  /** The authority's certificate, PEM. */
  public String certificate() {
    return certificate;
  }

  /** The authority's private key, PEM. */
  public String key() {
    return key;
  }

  /** Makes a new authority. */
  public static CertificateAuthority create(String commonName, Instant now, SecureRandom random) {
    try {
      KeyPair pair = keyPair(random);
      X500Name name = new X500Name("CN=" + commonName);
      X509v3CertificateBuilder builder = builder(name, name, pair, now, AUTHORITY_LIFETIME, random);
      // Python 3.13 and newer, so Patroni, refuses an authority without these two.
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
      builder.addExtension(
          Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
      builder.addExtension(
          Extension.subjectKeyIdentifier,
          false,
          new JcaX509ExtensionUtils().createSubjectKeyIdentifier(pair.getPublic()));
      return new CertificateAuthority(
          Pem.write(sign(builder, pair.getPrivate())),
          Pem.write(new PemObject("PRIVATE KEY", pair.getPrivate().getEncoded())));
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw new IllegalStateException("cannot make a certificate authority: " + e.getMessage(), e);
    }
  }

  /** Issues a certificate for servers and clients alike. */
  public Issued issue(String commonName, List<String> dnsNames, Instant now, SecureRandom random) {
    return issue(
        commonName,
        dnsNames,
        new ExtendedKeyUsage(
            new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}),
        now,
        random);
  }

  /** Issues a certificate for servers alone: who has it cannot pass as a client. */
  public Issued issueServer(
      String commonName, List<String> dnsNames, Instant now, SecureRandom random) {
    return issue(
        commonName, dnsNames, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth), now, random);
  }

  private Issued issue(
      String commonName,
      List<String> dnsNames,
      ExtendedKeyUsage purposes,
      Instant now,
      SecureRandom random) {
    try {
      KeyPair pair = keyPair(random);
      X509Certificate authority = parse(certificate);
      X509v3CertificateBuilder builder =
          builder(
              X500Name.getInstance(authority.getSubjectX500Principal().getEncoded()),
              new X500Name("CN=" + commonName),
              pair,
              now,
              CERTIFICATE_LIFETIME,
              random);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(Extension.extendedKeyUsage, false, purposes);
      builder.addExtension(
          Extension.authorityKeyIdentifier,
          false,
          new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(authority));
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(
              dnsNames.stream()
                  .map(name -> new GeneralName(GeneralName.dNSName, name))
                  .toArray(GeneralName[]::new)));
      return new Issued(
          Pem.write(sign(builder, privateKey(key))),
          Pem.write(new PemObject("PRIVATE KEY", pair.getPrivate().getEncoded())));
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw new IllegalStateException("cannot issue a certificate: " + e.getMessage(), e);
    }
  }

  /**
   * Whether a certificate should be replaced: it is not of this authority, is for other names, or
   * less than a third of its life is left.
   */
  public boolean isDue(String pem, List<String> dnsNames, Instant now) {
    try {
      X509Certificate issued = parse(pem);
      issued.verify(parse(certificate).getPublicKey());
      Instant end = issued.getNotAfter().toInstant();
      Duration life = Duration.between(issued.getNotBefore().toInstant(), end);
      List<String> names =
          issued.getSubjectAlternativeNames().stream().map(n -> String.valueOf(n.get(1))).toList();
      return now.isAfter(end.minus(life.dividedBy(3))) || !names.equals(dnsNames);
    } catch (GeneralSecurityException | RuntimeException e) {
      return true;
    }
  }

  private static KeyPair keyPair(SecureRandom random) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"), random);
    return generator.generateKeyPair();
  }

  private static X509v3CertificateBuilder builder(
      X500Name issuer,
      X500Name subject,
      KeyPair pair,
      Instant now,
      Duration lifetime,
      SecureRandom random)
      throws CertIOException {
    return new JcaX509v3CertificateBuilder(
        issuer,
        new BigInteger(127, random).setBit(126), // 16 octets, positive (RFC 5280, 4.1.2.2)
        Date.from(now.minus(BACKDATED)),
        Date.from(now.plus(lifetime)),
        subject,
        pair.getPublic());
  }

  private static X509CertificateHolder sign(X509v3CertificateBuilder builder, PrivateKey key)
      throws OperatorCreationException {
    ContentSigner signer = new JcaContentSignerBuilder("SHA256withECDSA").build(key);
    return builder.build(signer);
  }

  private static X509Certificate parse(String pem) throws GeneralSecurityException {
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      if (parser.readObject() instanceof X509CertificateHolder holder) {
        return new JcaX509CertificateConverter().getCertificate(holder);
      }
      throw new GeneralSecurityException("no certificate in PEM form");
    } catch (IOException e) {
      throw new GeneralSecurityException("no certificate in PEM form: " + e.getMessage(), e);
    }
  }

  static PrivateKey privateKey(String pem) throws IOException, GeneralSecurityException {
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      if (parser.readObject() instanceof PrivateKeyInfo info) {
        return new JcaPEMKeyConverter().getPrivateKey(info);
      }
      throw new GeneralSecurityException("no private key in PEM form (PKCS#8)");
    }
  }
}
