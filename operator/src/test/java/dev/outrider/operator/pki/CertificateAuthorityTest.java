package dev.outrider.operator.pki;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads everything with the JDK's own classes, none of Bouncy Castle's. */
class CertificateAuthorityTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final List<String> NAMES = List.of("*.shop-pods.demo.svc", "shop-rw.demo.svc");
  private static final CertificateAuthority AUTHORITY =
      CertificateAuthority.create("shop.demo", NOW, RANDOM);
  private static final CertificateAuthority.Issued ISSUED =
      AUTHORITY.issue("shop", NAMES, NOW, RANDOM);

  private static X509Certificate certificate(String pem) throws GeneralSecurityException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
  }

  private static PrivateKey key(String pem) throws GeneralSecurityException {
    assertTrue(pem.startsWith("-----BEGIN PRIVATE KEY-----\n"), "PKCS#8");
    String base64 = pem.replaceAll("-----(BEGIN|END) PRIVATE KEY-----|\\s", "");
    return KeyFactory.getInstance("EC")
        .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
  }

  private static void verify(String issued, String authority, Instant at)
      throws GeneralSecurityException {
    CertPath path =
        CertificateFactory.getInstance("X.509").generateCertPath(List.of(certificate(issued)));
    PKIXParameters parameters =
        new PKIXParameters(Set.of(new TrustAnchor(certificate(authority), null)));
    parameters.setRevocationEnabled(false);
    parameters.setDate(Date.from(at));
    CertPathValidator.getInstance("PKIX").validate(path, parameters);
  }

  private static void assertBelongTogether(String certificate, String key)
      throws GeneralSecurityException {
    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(key(key));
    signature.update((byte) 1);
    byte[] signed = signature.sign();
    signature.initVerify(certificate(certificate).getPublicKey());
    signature.update((byte) 1);
    assertTrue(signature.verify(signed));
  }

  @Test
  void whatItIssuesIsTrustedByThoseWhoTrustIt() throws GeneralSecurityException {
    verify(ISSUED.certificate(), AUTHORITY.certificate(), NOW);
    assertBelongTogether(ISSUED.certificate(), ISSUED.key());
    assertBelongTogether(AUTHORITY.certificate(), AUTHORITY.key());
  }

  @Test
  void whatItIssuesIsTrustedByNobodyElse() {
    // Given: another authority of the same name
    CertificateAuthority other = CertificateAuthority.create("shop.demo", NOW, RANDOM);

    // Then
    assertThrows(
        CertPathValidatorException.class,
        () -> verify(ISSUED.certificate(), other.certificate(), NOW));
  }

  @Test
  void clocksMayDifferALittle() throws GeneralSecurityException {
    verify(ISSUED.certificate(), AUTHORITY.certificate(), NOW.minus(Duration.ofMinutes(4)));
    verify(
        ISSUED.certificate(),
        AUTHORITY.certificate(),
        NOW.plus(CertificateAuthority.CERTIFICATE_LIFETIME).minusSeconds(1));
    assertThrows(
        CertPathValidatorException.class,
        () ->
            verify(
                ISSUED.certificate(),
                AUTHORITY.certificate(),
                NOW.plus(CertificateAuthority.CERTIFICATE_LIFETIME).plusSeconds(1)));
  }

  @Test
  void theAuthorityIsOneAndNothingElse() throws GeneralSecurityException {
    // When
    X509Certificate certificate = certificate(AUTHORITY.certificate());

    // Then
    assertEquals(0, certificate.getBasicConstraints(), "no authority below it");
    assertArrayEquals(
        new boolean[] {false, false, false, false, false, true, true, false, false},
        certificate.getKeyUsage(),
        "keyCertSign and cRLSign");
    assertEquals(
        Set.of("2.5.29.15", "2.5.29.19"), certificate.getCriticalExtensionOIDs(), "critical");
    assertTrue(certificate.getNonCriticalExtensionOIDs().contains("2.5.29.14"), "key identifier");
    assertEquals("CN=shop.demo", certificate.getSubjectX500Principal().getName());
    assertEquals(3, certificate.getVersion());
  }

  @Test
  void aCertificateIsForServersAndClientsAndForItsNames() throws GeneralSecurityException {
    // When
    X509Certificate certificate = certificate(ISSUED.certificate());

    // Then
    assertEquals(-1, certificate.getBasicConstraints(), "no authority");
    assertArrayEquals(
        new boolean[] {true, false, false, false, false, false, false, false, false},
        certificate.getKeyUsage(),
        "digitalSignature");
    assertEquals(
        Set.of("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"),
        Set.copyOf(certificate.getExtendedKeyUsage()),
        "serverAuth and clientAuth");
    assertEquals(
        List.of(List.of(2, NAMES.get(0)), List.of(2, NAMES.get(1))),
        List.copyOf(certificate.getSubjectAlternativeNames()));
    assertTrue(
        certificate.getNonCriticalExtensionOIDs().contains("2.5.29.35"),
        "authority key identifier");
    assertEquals("CN=shop", certificate.getSubjectX500Principal().getName());
    assertEquals("CN=shop.demo", certificate.getIssuerX500Principal().getName());
  }

  @Test
  void serialNumbersAreLongPositiveAndDiffer() throws GeneralSecurityException {
    // When
    X509Certificate one = certificate(ISSUED.certificate());
    X509Certificate two = certificate(AUTHORITY.issue("shop", NAMES, NOW, RANDOM).certificate());

    // Then
    assertEquals(127, one.getSerialNumber().bitLength());
    assertEquals(1, one.getSerialNumber().signum());
    assertNotEquals(one.getSerialNumber(), two.getSerialNumber());
    assertNotEquals(one.getPublicKey(), two.getPublicKey());
  }

  @Test
  void anAuthorityThatWasSavedGoesOnIssuing() throws GeneralSecurityException {
    // Given
    CertificateAuthority again = new CertificateAuthority(AUTHORITY.certificate(), AUTHORITY.key());

    // When
    CertificateAuthority.Issued issued = again.issue("shop", NAMES, NOW, RANDOM);

    // Then
    verify(issued.certificate(), AUTHORITY.certificate(), NOW);
  }

  @ParameterizedTest
  @CsvSource({"0, false", "1, false", "59, false", "61, true", "90, true", "1000, true"})
  void aCertificateIsDueWhenAThirdOfItsLifeIsLeft(int days, boolean due) {
    assertEquals(
        due, AUTHORITY.isDue(ISSUED.certificate(), NAMES, NOW.plus(Duration.ofDays(days))));
  }

  @Test
  void aCertificateForOtherNamesIsDue() {
    assertTrue(AUTHORITY.isDue(ISSUED.certificate(), List.of("shop-rw.demo.svc"), NOW));
    assertFalse(AUTHORITY.isDue(ISSUED.certificate(), NAMES, NOW));
  }

  @Test
  void aCertificateOfAnotherAuthorityIsDue() {
    // Given
    CertificateAuthority other = CertificateAuthority.create("shop.demo", NOW, RANDOM);

    // Then
    assertTrue(other.isDue(ISSUED.certificate(), NAMES, NOW));
  }

  @Test
  void theAuthoritysOwnCertificateIsDue() {
    // It has no names: somebody put it where an instance's belongs.
    assertTrue(AUTHORITY.isDue(AUTHORITY.certificate(), NAMES, NOW));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "garbage",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB"
      })
  void garbageIsDue(String pem) {
    assertTrue(AUTHORITY.isDue(pem, NAMES, NOW));
    assertTrue(AUTHORITY.isDue(ISSUED.key(), NAMES, NOW));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"})
  void anAuthorityWithGarbageSaysSo(String garbage) {
    // When
    IllegalStateException badKey =
        assertThrows(
            IllegalStateException.class,
            () ->
                new CertificateAuthority(AUTHORITY.certificate(), garbage)
                    .issue("shop", NAMES, NOW, RANDOM));
    IllegalStateException badCertificate =
        assertThrows(
            IllegalStateException.class,
            () ->
                new CertificateAuthority(garbage, AUTHORITY.key())
                    .issue("shop", NAMES, NOW, RANDOM));

    // Then
    assertTrue(String.valueOf(badKey.getMessage()).startsWith("cannot issue a certificate: "));
    assertTrue(
        String.valueOf(badCertificate.getMessage()).startsWith("cannot issue a certificate: "));
  }

  @Test
  void aKeyIsNotPrinted() {
    assertFalse(ISSUED.toString().contains("PRIVATE"));
  }
}
