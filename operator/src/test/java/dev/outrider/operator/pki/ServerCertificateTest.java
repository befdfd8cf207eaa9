package dev.outrider.operator.pki;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.pkcs.EncryptedPrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerCertificateTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final CertificateAuthority AUTHORITY =
      CertificateAuthority.create("example", NOW, RANDOM);
  private static final CertificateAuthority.Issued ISSUED =
      AUTHORITY.issueServer("db", List.of("db.example.com", "*.db.example.com"), NOW, RANDOM);

  private static String problem(
      @Nullable String chain, @Nullable String key, @Nullable String authority) {
    return assertThrows(
            UnusableException.class, () -> ServerCertificate.check(chain, key, authority, NOW))
        .problem();
  }

  private static KeyPair pair(String algorithm, int bits) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
    if (algorithm.equals("EC")) {
      generator.initialize(new ECGenParameterSpec("secp" + bits + "r1"), RANDOM);
    } else if (bits > 0) {
      generator.initialize(bits, RANDOM);
    }
    return generator.generateKeyPair();
  }

  /** A certificate of whatever there can be. */
  private static String certificate(
      String subject, KeyPair pair, String issuer, PrivateKey signer, boolean authority)
      throws OperatorCreationException, IOException {
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            new X500Name("CN=" + issuer),
            BigInteger.valueOf(RANDOM.nextInt(1, 1_000_000)),
            Date.from(NOW.minus(Duration.ofDays(1))),
            Date.from(NOW.plus(Duration.ofDays(30))),
            new X500Name("CN=" + subject),
            pair.getPublic());
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(new GeneralName(GeneralName.dNSName, subject)));
    return Pem.write(
        builder.build(
            new JcaContentSignerBuilder(
                    signer.getAlgorithm().equals("EC")
                        ? "SHA256withECDSA"
                        : signer.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "Ed25519")
                .build(signer)));
  }

  private static String pkcs8(PrivateKey key) {
    return Pem.write(new PemObject("PRIVATE KEY", key.getEncoded()));
  }

  @Test
  void isTakenWithItsAuthority() throws UnusableException {
    // When
    ServerCertificate read =
        ServerCertificate.check(ISSUED.certificate(), ISSUED.key(), AUTHORITY.certificate(), NOW);

    // Then
    assertEquals(ISSUED.certificate(), read.chain());
    assertEquals(ISSUED.key(), read.key());
    assertEquals(AUTHORITY.certificate(), read.authority());
    assertEquals(NOW.plus(CertificateAuthority.CERTIFICATE_LIFETIME), read.notAfter());
    assertEquals(List.of("db.example.com", "*.db.example.com"), read.names());
    assertFalse(read.toString().contains("PRIVATE"), read::toString);
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = {"", "\n"})
  void isTakenWithoutAnAuthorityTooAsFromAPublicOne(@Nullable String none)
      throws UnusableException {
    assertNull(ServerCertificate.check(ISSUED.certificate(), ISSUED.key(), none, NOW).authority());
  }

  @ParameterizedTest
  @CsvSource({"RSA,2048", "EC,256", "EC,384"})
  void keysAreTakenAsOpensslWritesThemToo(String algorithm, int size)
      throws GeneralSecurityException, OperatorCreationException, IOException, UnusableException {
    // Given: PKCS#1 for RSA, SEC1 for ECDSA, the parameters of the curve before it
    KeyPair pair = pair(algorithm, size);
    String own = certificate("db", pair, "db", pair.getPrivate(), false);
    String traditional =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
            + asOpensslWrites(pair.getPrivate());
    assertTrue(traditional.contains("BEGIN " + algorithm + " PRIVATE KEY"), traditional::toString);

    // When
    ServerCertificate read =
        ServerCertificate.check("Bag Attributes\n" + own, traditional, own, NOW);

    // Then: what it is written as is always the same
    assertTrue(read.key().startsWith("-----BEGIN PRIVATE KEY-----"), "PKCS#8");
    assertEquals(own, read.chain());
    assertEquals(read, ServerCertificate.check(read.chain(), read.key(), read.authority(), NOW));
  }

  private static String asOpensslWrites(PrivateKey key) throws IOException {
    PrivateKeyInfo info = PrivateKeyInfo.getInstance(key.getEncoded());
    if (!(key instanceof ECPrivateKey ec)) {
      return Pem.write(
          new PemObject("RSA PRIVATE KEY", info.parsePrivateKey().toASN1Primitive().getEncoded()));
    }
    return Pem.write(
        new PemObject(
            "EC PRIVATE KEY",
            new org.bouncycastle.asn1.sec.ECPrivateKey(
                    ec.getParams().getOrder().bitLength(),
                    ec.getS(),
                    info.getPrivateKeyAlgorithm().getParameters())
                .getEncoded()));
  }

  @Test
  void certificatesBetweenItAndTheAuthorityAreKept()
      throws GeneralSecurityException, OperatorCreationException, IOException, UnusableException {
    // Given
    KeyPair root = pair("EC", 256);
    KeyPair middle = pair("EC", 256);
    KeyPair leaf = pair("EC", 256);
    String rootCertificate = certificate("root", root, "root", root.getPrivate(), true);
    String middleCertificate = certificate("middle", middle, "root", root.getPrivate(), true);
    String own = certificate("db", leaf, "middle", middle.getPrivate(), false);

    // When
    ServerCertificate read =
        ServerCertificate.check(
            own + middleCertificate, pkcs8(leaf.getPrivate()), rootCertificate, NOW);

    // Then
    assertEquals(own + middleCertificate, read.chain());
    assertEquals(
        "ca.crt does not verify the certificate in tls.crt, so no client could; allowed is the"
            + " authority that issued it, with the certificates between them in tls.crt",
        problem(own, pkcs8(leaf.getPrivate()), rootCertificate),
        "without the one between them");
    assertEquals(
        "tls.key is not the key of the first certificate in tls.crt; allowed is the key of that"
            + " one",
        problem(middleCertificate + own, pkcs8(leaf.getPrivate()), rootCertificate),
        "in the wrong order");
  }

  @Test
  void namesWhatIsMissing() {
    assertEquals(
        "tls.crt is missing; allowed is X.509 certificates in PEM form",
        problem(null, ISSUED.key(), null));
    assertEquals(
        "tls.key is missing; allowed is a private key in PEM form, RSA or ECDSA, PKCS#8, PKCS#1 or"
            + " SEC1, not encrypted",
        problem(ISSUED.certificate(), null, null));
  }

  @ParameterizedTest
  @CsvSource({
    "hello,holds no certificate",
    "-----BEGIN CERTIFICATE-----,cannot be read",
    "-----BEGIN CERTIFICATE-----|AAAA|-----END CERTIFICATE-----|,cannot be read",
  })
  void namesWhatIsNoCertificate(String lines, String what) {
    // Given
    String text = lines.replace('|', '\n');

    // Then
    assertEquals(
        "tls.crt " + what + "; allowed is X.509 certificates in PEM form",
        problem(text, ISSUED.key(), null));
    assertEquals(
        "ca.crt " + what + "; allowed is X.509 certificates in PEM form",
        problem(ISSUED.certificate(), ISSUED.key(), text));
  }

  @Test
  void namesWhatIsNoKeyWithoutTellingIt()
      throws GeneralSecurityException, OperatorCreationException, IOException {
    // Given
    KeyPair other = pair("EC", 256);
    KeyPair edwards = pair("Ed25519", 0);
    KeyPair small = pair("RSA", 1024);
    String encrypted =
        Pem.write(
            new PemObject(
                "ENCRYPTED PRIVATE KEY",
                new EncryptedPrivateKeyInfo(
                        new AlgorithmIdentifier(PKCSObjectIdentifiers.id_PBES2), new byte[16])
                    .getEncoded()));
    String encryptedBefore =
        """
        -----BEGIN RSA PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF

        AAAA
        -----END RSA PRIVATE KEY-----
        """;
    String chain = ISSUED.certificate();

    // Then
    assertTrue(problem(chain, chain, null).startsWith("tls.key holds no private key; "));
    assertTrue(
        problem(chain, encrypted, null).startsWith("tls.key is encrypted with a passphrase; "));
    assertTrue(
        problem(chain, encryptedBefore, null)
            .startsWith("tls.key is encrypted with a passphrase; "));
    assertTrue(
        problem(chain, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", null)
            .startsWith("tls.key cannot be read; "));
    assertTrue(
        problem(chain, pkcs8(other.getPrivate()), null)
            .startsWith("tls.key is not the key of the first certificate in tls.crt; "));
    assertTrue(
        problem(chain, pkcs8(pair("RSA", 2048).getPrivate()), null)
            .startsWith("tls.key is not the key of the first certificate in tls.crt; "),
        "of another algorithm");
    assertTrue(
        problem(
                certificate("db", edwards, "db", edwards.getPrivate(), false),
                pkcs8(edwards.getPrivate()),
                null)
            .startsWith("tls.key is a key of the algorithm 1.3.101.112; "));
    assertTrue(
        problem(
                certificate("db", small, "db", small.getPrivate(), false),
                pkcs8(small.getPrivate()),
                null)
            .startsWith("tls.key is an RSA key of 1024 bits; "));
  }

  @Test
  void anExpiredOneCanBeReadSinceItMayBeInForce() throws UnusableException {
    // Given
    Instant later = NOW.plus(CertificateAuthority.CERTIFICATE_LIFETIME).plusSeconds(1);

    // When
    ServerCertificate read =
        ServerCertificate.check(ISSUED.certificate(), ISSUED.key(), AUTHORITY.certificate(), later);

    // Then
    assertTrue(read.notAfter().isBefore(later));
  }

  @Test
  void authoritiesOfClientsAreAuthoritiesAndValid() throws UnusableException {
    // Given
    CertificateAuthority second = CertificateAuthority.create("second", NOW, RANDOM);
    Instant end = NOW.plus(CertificateAuthority.AUTHORITY_LIFETIME);

    // Then
    assertEquals(
        AUTHORITY.certificate() + second.certificate(),
        ServerCertificate.checkClientAuthorities(
            "# ours\n" + AUTHORITY.certificate() + second.certificate(), NOW));
    assertEquals(
        "ca.crt holds a certificate that is not of an authority: CN=db; allowed is certificates of"
            + " authorities",
        assertThrows(
                UnusableException.class,
                () -> ServerCertificate.checkClientAuthorities(ISSUED.certificate(), NOW))
            .problem());
    assertEquals(
        "ca.crt expired at " + end + "; allowed is an authority that is valid",
        assertThrows(
                UnusableException.class,
                () ->
                    ServerCertificate.checkClientAuthorities(
                        AUTHORITY.certificate(), end.plusSeconds(1)))
            .problem());
    assertThrows(
        UnusableException.class, () -> ServerCertificate.checkClientAuthorities(null, NOW));
  }
}
