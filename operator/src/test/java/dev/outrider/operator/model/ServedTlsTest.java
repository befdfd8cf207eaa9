package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.pki.CertificateAuthority;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServedTlsTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final CertificateAuthority OWN =
      CertificateAuthority.create("shop.demo", NOON, RANDOM);
  private static final CertificateAuthority COMPANY =
      CertificateAuthority.create("company", NOON, RANDOM);
  private static final String PUBLIC = "{certificateSecret: {name: public}}";
  private static final String ISSUER = "{issuer: {name: ca}}";
  private static final String CLIENTS =
      "{mode: require, clientCa: {name: clients}, clientCertificates: verify-full}";

  private final Map<String, Secret> secrets = new HashMap<>();
  private final Map<String, String> unread = new HashMap<>();
  private Instant now = NOON;
  private @Nullable Secret inForce;
  private ServedTls.@Nullable Fault certManager;

  private static Secret secret(String name, Map<String, String> texts) {
    Map<String, String> data = new TreeMap<>();
    texts.forEach(
        (key, text) ->
            data.put(
                key, Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8))));
    return new SecretBuilder()
        .withNewMetadata()
        .withName(name)
        .endMetadata()
        .withData(data)
        .build();
  }

  /** A certificate of the company's in a Secret, made now. */
  private void given(String name, String dnsName) {
    CertificateAuthority.Issued issued = COMPANY.issueServer("db", List.of(dnsName), now, RANDOM);
    secrets.put(
        name,
        secret(
            name,
            Map.of(
                "tls.crt", issued.certificate(),
                "tls.key", issued.key(),
                "ca.crt", COMPANY.certificate())));
  }

  /** What a run decides, and what it leaves for the next one. */
  private ServedTls next(String tls) {
    Wanted wanted = Example.wanted("proxy: {tls: " + tls + "}");
    ServedTls served =
        ServedTls.next(
            new ServedTls.Facts(
                Example.NAMES, wanted.tls(), OWN, inForce, secrets, unread, certManager),
            now,
            RANDOM);
    inForce =
        new ClusterObjects(
                Example.NAMES,
                Example.OWNER,
                wanted,
                Example.IMAGES,
                Example.TRUST,
                served,
                wanted.tls().issuer() != null)
            .surroundings().stream()
                .filter(o -> o instanceof Secret && o.getMetadata().getName().equals("shop-tls"))
                .map(Secret.class::cast)
                .findFirst()
                .orElseThrow();
    return served;
  }

  private static String fault(ServedTls served) {
    assertEquals(1, served.faults().size(), () -> served.faults().toString());
    return served.faults().getFirst().reason() + ": " + served.faults().getFirst().message();
  }

  private static boolean isOwn(ServedTls served) {
    return served.source().equals(ServedTls.OWN)
        && OWN.certificate().equals(served.certificate().authority());
  }

  @Test
  void byDefaultItIsOfTheClustersOwnAuthorityForAllItsNames() {
    // When
    ServedTls served = next("{dnsNames: [db.example.com]}");

    // Then
    assertTrue(isOwn(served));
    assertEquals(List.of(), served.faults());
    assertNull(served.clientAuthority());
    assertEquals(
        List.of(
            "shop-rw.demo.svc",
            "shop-rw.demo.svc.cluster.local",
            "shop-rw.demo",
            "shop-rw",
            "shop-ro.demo.svc",
            "shop-ro.demo.svc.cluster.local",
            "shop-ro.demo",
            "shop-ro",
            "shop-r.demo.svc",
            "shop-r.demo.svc.cluster.local",
            "shop-r.demo",
            "shop-r",
            "*.shop-pods.demo.svc",
            "*.shop-pods.demo.svc.cluster.local",
            "*.shop-pods.demo",
            "*.shop-pods",
            "localhost",
            "db.example.com"),
        served.certificate().names());
  }

  @ParameterizedTest
  @CsvSource({"0,false", "59,false", "61,true", "200,true"})
  void theOwnOneIsRenewedWhenAThirdOfItsLifeIsLeft(int days, boolean renewed) {
    // Given
    ServedTls before = next("{}");

    // When
    now = NOON.plus(Duration.ofDays(days));
    ServedTls after = next("{}");

    // Then
    assertEquals(renewed, !before.certificate().equals(after.certificate()));
    assertTrue(after.certificate().notAfter().isAfter(now));
    assertTrue(isOwn(after));
  }

  @Test
  void theOwnOneIsMadeAgainForOtherNamesAndAfterAnEdit() {
    // Given
    ServedTls before = next("{}");

    // Then
    assertNotEquals(before.certificate(), next("{dnsNames: [db.example.com]}").certificate());

    // And
    ServedTls last = next("{}");
    Secret edited = inForce;
    assertTrue(edited != null);
    edited.getData().put("server.key", "bm8ga2V5");
    assertNotEquals(last.certificate(), next("{}").certificate());
  }

  @Test
  void anotherSourceTakesItsPlaceAndGivesItBack() {
    // Given
    ServedTls own = next("{}");
    given("public", "db.example.com");

    // When
    ServedTls served = next(PUBLIC);

    // Then
    assertEquals("Secret public", served.source());
    assertEquals(COMPANY.certificate(), served.certificate().authority());
    assertEquals(List.of("db.example.com"), served.certificate().names());
    assertEquals(List.of(), served.faults());
    assertEquals(served, next(PUBLIC), "and stays");

    // And
    ServedTls back = next("{}");
    assertTrue(isOwn(back));
    assertNotEquals(own.certificate(), back.certificate());
  }

  @Test
  void aSecretThatChangesIsTakenUp() {
    // Given
    given("public", "db.example.com");
    ServedTls before = next(PUBLIC);

    // When
    given("public", "db.example.com");

    // Then
    assertNotEquals(before.certificate(), next(PUBLIC).certificate());
  }

  @Test
  void aSecretThatIsMissingLeavesANewClusterWithTheOwnOne() {
    // When
    ServedTls served = next(PUBLIC);

    // Then
    assertTrue(isOwn(served));
    assertEquals(
        "SecretMissing: spec.proxy.tls.certificateSecret: there is no Secret public in the"
            + " namespace demo; allowed is one with tls.crt, tls.key and maybe ca.crt",
        fault(served));
    assertEquals(served.certificate(), next(PUBLIC).certificate(), "the same at the next look");

    // And: the own one is renewed meanwhile
    now = NOON.plus(Duration.ofDays(61));
    assertNotEquals(served.certificate(), next(PUBLIC).certificate());
  }

  @Test
  void aSecretThatGoesOrBreaksLeavesWhatIsInForce() {
    // Given
    given("public", "db.example.com");
    ServedTls good = next(PUBLIC);

    // When
    Secret whole = secrets.remove("public");
    ServedTls gone = next(PUBLIC);
    secrets.put("public", secret("public", Map.of("tls.crt", "hello", "tls.key", "hello")));
    ServedTls broken = next(PUBLIC);
    ServedTls elsewhere = next("{certificateSecret: {name: other}}");

    // Then
    assertEquals(good.certificate(), gone.certificate());
    assertTrue(fault(gone).startsWith("SecretMissing: "));
    assertEquals(good.certificate(), broken.certificate());
    assertEquals("Secret public", broken.source());
    assertEquals(
        "SecretUnusable: Secret public: tls.crt holds no certificate; allowed is X.509"
            + " certificates in PEM form",
        fault(broken));
    assertEquals(good.certificate(), elsewhere.certificate());

    // And: as soon as it is mended, nothing is wrong
    assertTrue(whole != null);
    secrets.put("public", whole);
    assertEquals(good, next(PUBLIC));
  }

  @Test
  void aSecretThatCannotBeReadDoesNotCountAsMissing() {
    // Given
    given("public", "db.example.com");
    ServedTls good = next(PUBLIC);
    secrets.clear();
    unread.put("public", "secrets \"public\" is forbidden");

    // When
    ServedTls later = next(PUBLIC);
    inForce = null;
    ServedTls anew = next(PUBLIC);

    // Then
    assertEquals(good.certificate(), later.certificate());
    assertEquals("Secret public", later.source());
    assertTrue(isOwn(anew));
    for (ServedTls served : List.of(later, anew)) {
      assertEquals(
          "SecretUnreadable: spec.proxy.tls.certificateSecret: the Secret public could not be read:"
              + " secrets \"public\" is forbidden",
          fault(served));
    }
  }

  @Test
  void anAuthorityThatCannotBeReadLeavesTheOneInForce() {
    // Given
    secrets.put("clients", secret("clients", Map.of("ca.crt", COMPANY.certificate())));
    next(CLIENTS);
    secrets.clear();
    unread.put("clients", "the API server is away");

    // When
    ServedTls served = next(CLIENTS);

    // Then
    assertEquals(COMPANY.certificate(), served.clientAuthority());
    assertEquals(
        "SecretUnreadable: spec.proxy.tls.clientCa: the Secret clients could not be read: the API"
            + " server is away; clients are verified by the authority of before until then",
        fault(served));
  }

  @Test
  void whatNoCheckForeseesIsAFaultToo() {
    // Given: what the API server would not take either
    given("public", "db.example.com");
    ServedTls good = next(PUBLIC);
    Secret broken = secrets.get("public");
    assertTrue(broken != null);
    broken.getData().put("tls.key", "%");
    broken.getData().put("ca.crt", "%");

    // When
    ServedTls served = next(PUBLIC);
    ServedTls clients =
        next("{mode: require, clientCa: {name: public}, clientCertificates: verify-ca}");

    // Then
    assertEquals(good.certificate(), served.certificate());
    assertEquals(
        "SecretUnusable: Secret public: what is in it cannot be read; allowed are certificates and"
            + " a key in PEM form",
        fault(served));
    assertNull(clients.clientAuthority());
    assertTrue(fault(clients).startsWith("SecretUnusable: Secret public: "), () -> fault(clients));
  }

  @Test
  void anExpiredCertificateStaysIfClientsHaveItAndIsNotTakenUpOtherwise() {
    // Given
    given("public", "db.example.com");
    ServedTls good = next(PUBLIC);

    // When
    now = good.certificate().notAfter().plusSeconds(1);
    ServedTls expired = next(PUBLIC);
    inForce = null;
    ServedTls anew = next(PUBLIC);

    // Then
    assertEquals(good.certificate(), expired.certificate());
    assertEquals(
        "CertificateExpired: Secret public: the certificate in tls.crt expired at"
            + " 2027-02-19T12:00:00Z; allowed is one that is valid",
        fault(expired));
    assertTrue(isOwn(anew));
    assertEquals(fault(expired), fault(anew));
  }

  @Test
  void aCertificateOfTheFutureWaits() {
    // Given
    now = NOON.plus(Duration.ofDays(1));
    given("public", "db.example.com");
    now = NOON;

    // When
    ServedTls served = next(PUBLIC);

    // Then
    assertTrue(isOwn(served));
    assertEquals(
        "CertificateNotYetValid: Secret public: the certificate in tls.crt is valid from"
            + " 2026-11-22T11:55:00Z only; allowed is one that is valid now",
        fault(served));
  }

  private void certManagerWrites() {
    given("shop-certificate", "shop-rw.demo.svc");
    Secret written = secrets.get("shop-certificate");
    assertTrue(written != null);
    written
        .getMetadata()
        .setAnnotations(Map.of("cert-manager.io/certificate-name", "shop-certificate"));
  }

  @Test
  void ofAnIssuerItIsWhatCertManagerWrites() {
    // Given
    ServedTls pending = next(ISSUER);

    // When
    certManagerWrites();
    ServedTls issued = next(ISSUER);
    certManager = new ServedTls.Fault(ServedTls.PENDING, "the issuer is gone");
    ServedTls later = next(ISSUER);

    // Then
    assertTrue(isOwn(pending));
    assertEquals(
        "CertificatePending: cert-manager has not written the Secret shop-certificate yet",
        fault(pending));
    assertEquals("Secret shop-certificate", issued.source());
    assertEquals(List.of(), issued.faults());
    assertEquals(issued.certificate(), later.certificate());
    assertEquals("CertificatePending: the issuer is gone", fault(later), "long before it ends");
    assertTrue(inForce != null);
    assertEquals(
        "shop-certificate", inForce.getMetadata().getAnnotations().get(ServedTls.REQUESTED));
  }

  @Test
  void aSecretInCertManagersPlaceIsNotTaken() {
    // Given
    given("shop-certificate", "shop-rw.demo.svc");

    // When
    ServedTls served = next(ISSUER);

    // Then
    assertTrue(isOwn(served));
    assertTrue(
        fault(served).startsWith("SecretUnusable: Secret shop-certificate is not cert-manager's; "),
        () -> fault(served));
  }

  @Test
  void anIssuerIsAskedForNamesOfTheWorldAloneIfThereAreAny() {
    assertEquals(
        List.of("db.example.com"),
        ServedTls.dnsNames(
            Example.NAMES,
            Example.wanted("proxy: {tls: {issuer: {name: ca}, dnsNames: [db.example.com]}}")
                .tls()));
    assertTrue(
        ServedTls.dnsNames(Example.NAMES, Example.wanted("proxy: {tls: " + ISSUER + "}").tls())
            .contains("shop-rw.demo.svc"));
  }

  @Test
  void clientsAreVerifiedByTheNamedAuthority() {
    // Given
    secrets.put("clients", secret("clients", Map.of("ca.crt", COMPANY.certificate())));

    // When
    ServedTls served = next(CLIENTS);

    // Then
    assertEquals(COMPANY.certificate(), served.clientAuthority());
    assertEquals(List.of(), served.faults());

    // And: it stays when the Secret goes, and goes with the demand
    secrets.remove("clients");
    ServedTls gone = next(CLIENTS);
    assertEquals(COMPANY.certificate(), gone.clientAuthority());
    assertEquals(
        "SecretMissing: spec.proxy.tls.clientCa: there is no Secret clients in the namespace demo;"
            + " allowed is one with ca.crt; clients are verified by the authority of before until"
            + " then",
        fault(gone));
    assertNull(next("{mode: require, clientCa: {name: clients}}").clientAuthority());
  }

  @Test
  void aNewClusterLetsNobodyInWhoseAuthorityIsNotThere() {
    // When
    ServedTls served = next(CLIENTS);

    // Then
    assertEquals(OWN.certificate(), served.clientAuthority(), "which makes no client's");
    assertTrue(fault(served).endsWith("; no client is let in until then"), () -> fault(served));
    assertEquals(served, next(CLIENTS), "nor at the next look");
  }

  @Test
  void aDemandIsNotTakenBackByAnEdit() {
    // Given
    secrets.put("clients", secret("clients", Map.of("ca.crt", COMPANY.certificate())));
    next(CLIENTS);
    secrets.remove("clients");

    // When
    Secret edited = inForce;
    assertTrue(edited != null);
    edited.getData().remove("client-ca.crt");

    // Then
    assertEquals(OWN.certificate(), next(CLIENTS).clientAuthority(), "which makes no client's");
  }

  @Test
  void aClusterThatLetClientsInGoesOnUntilItCanVerifyThem() {
    // Given
    assertNull(next("{}").clientAuthority());
    secrets.put(
        "clients",
        secret(
            "clients",
            Map.of("ca.crt", COMPANY.issue("me", List.of("me"), now, RANDOM).certificate())));

    // When
    ServedTls served = next(CLIENTS);

    // Then
    assertNull(served.clientAuthority());
    assertEquals(
        "SecretUnusable: Secret clients: ca.crt holds a certificate that is not of an authority:"
            + " CN=me; allowed is certificates of authorities; clients are not asked for a"
            + " certificate until then",
        fault(served));
  }

  @Test
  void noKeyIsTold() {
    // Given
    given("public", "db.example.com");

    // Then
    assertFalse(next(PUBLIC).toString().contains("PRIVATE"));
  }
}
