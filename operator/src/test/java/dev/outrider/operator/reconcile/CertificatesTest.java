package dev.outrider.operator.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outrider.operator.model.ClusterObjects;
import dev.outrider.operator.model.Example;
import dev.outrider.operator.model.Names;
import dev.outrider.operator.model.ServedTls;
import dev.outrider.operator.model.Wanted;
import dev.outrider.operator.pki.CertificateAuthority;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CertificatesTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final CertificateAuthority AUTHORITY =
      CertificateAuthority.create("shop.demo", NOON, RANDOM);
  private static final String SECRETS = "/api/v1/namespaces/demo/secrets/";
  private static final String CERTIFICATE =
      "/apis/cert-manager.io/v1/namespaces/demo/certificates/shop-certificate";
  private static final String NAMED = "{certificateSecret: {name: public}}";
  private static final String ISSUER = "{issuer: {name: letsencrypt, kind: ClusterIssuer}}";

  private final FakeApiServer server = new FakeApiServer();
  private final KubernetesClient client = server.client();
  private final List<Names> news = new ArrayList<>();
  private final NamedObjects named = new NamedObjects(client, news::add);
  private final Certificates certificates =
      new Certificates(client, new Applier(client), () -> NOON, RANDOM, named);

  /** The cluster's own Secrets, as an informer has them. */
  private final Map<String, Secret> cached = new HashMap<>();

  CertificatesTest() throws IOException {}

  @AfterEach
  void close() {
    named.close();
    client.close();
    server.close();
  }

  private static boolean ours(HasMetadata object) {
    return object.getMetadata().getOwnerReferences().stream()
        .anyMatch(o -> o.getUid().equals(Example.OWNER.getUid()));
  }

  private ServedTls of(String tls) {
    Wanted wanted = Wanted.of(Example.spec("{storage: {size: 1Gi}, proxy: {tls: " + tls + "}}"));
    ServedTls served =
        certificates.of(
            Example.NAMES, Example.OWNER, wanted.tls(), AUTHORITY, cached, CertificatesTest::ours);
    new ClusterObjects(Example.NAMES, Example.OWNER, wanted, Example.IMAGES, Example.TRUST, served)
        .surroundings().stream()
            .filter(Secret.class::isInstance)
            .map(Secret.class::cast)
            .forEach(secret -> cached.put(secret.getMetadata().getName(), secret));
    return served;
  }

  private static String reason(ServedTls served) {
    return served.faults().isEmpty() ? "" : served.faults().getFirst().reason();
  }

  private static Secret secret(String name, String version) {
    CertificateAuthority.Issued issued =
        AUTHORITY.issueServer("db", List.of("db.example.com"), NOON, RANDOM);
    return new SecretBuilder()
        .withNewMetadata()
        .withName(name)
        .withNamespace("demo")
        .withUid("uid-of-" + name)
        .withResourceVersion(version)
        .withAnnotations(Map.of("cert-manager.io/certificate-name", name))
        .endMetadata()
        .withData(Map.of("tls.crt", base64(issued.certificate()), "tls.key", base64(issued.key())))
        .build();
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private void put(Secret secret) throws IOException {
    server.put(
        SECRETS + secret.getMetadata().getName(),
        client.getKubernetesSerialization().asYaml(secret));
  }

  @Test
  void aNamedSecretIsLookedAtAndItsChangesAreTold() throws IOException {
    // Given
    put(secret("public", "1"));
    ServedTls first = of(NAMED);
    assertEquals("Secret public", first.source());

    // When: nothing has changed
    named.look();

    // Then
    assertEquals(List.of(), news);

    // When
    put(secret("public", "2"));
    assertEquals(first.certificate(), of(NAMED).certificate(), "runs between two looks ask nobody");
    named.look();

    // Then
    assertEquals(List.of(Example.NAMES), news);
    ServedTls second = of(NAMED);
    assertTrue(!first.certificate().equals(second.certificate()));

    // When
    server.delete(SECRETS + "public");
    named.look();

    // Then
    assertEquals(2, news.size());
    assertEquals("SecretMissing", reason(of(NAMED)));
    assertEquals(second.certificate(), of(NAMED).certificate());

    // And: what is not needed any more is not looked at
    of("{}");
    put(secret("public", "3"));
    named.look();
    assertEquals(2, news.size());
    assertEquals(List.of(), server.writes());
  }

  @Test
  void aLookInVainChangesNothing() throws IOException {
    // Given
    put(secret("public", "1"));
    ServedTls before = of(NAMED);

    // When
    server.close();
    named.look();

    // Then
    assertEquals(List.of(), news);
    assertEquals(before, of(NAMED));
  }

  @Test
  void anIssuerIsAskedByACertificateOfOurs() throws IOException {
    // When
    ServedTls pending = of(ISSUER);

    // Then
    assertEquals("CertificatePending", reason(pending));
    assertEquals(ServedTls.OWN, pending.source());
    JsonNode certificate = server.get(CERTIFICATE);
    assertEquals("cert-manager.io/v1", certificate.path("apiVersion").asText());
    assertEquals("Certificate", certificate.path("kind").asText());
    assertEquals("shop", certificate.at("/metadata/ownerReferences/0/name").asText());
    JsonNode spec = certificate.path("spec");
    assertEquals("shop-certificate", spec.path("secretName").asText());
    assertEquals("letsencrypt", spec.at("/issuerRef/name").asText());
    assertEquals("ClusterIssuer", spec.at("/issuerRef/kind").asText());
    assertEquals("cert-manager.io", spec.at("/issuerRef/group").asText());
    assertEquals("PKCS8", spec.at("/privateKey/encoding").asText());
    assertEquals(256, spec.at("/privateKey/size").asInt());
    assertEquals("Always", spec.at("/privateKey/rotationPolicy").asText());
    assertEquals("shop-rw.demo.svc", spec.at("/dnsNames/0").asText());
    assertEquals(
        "shop",
        spec.at("/secretTemplate/labels").path(Names.CLUSTER_LABEL).asText(),
        "so that it is seen at once");

    // And: nothing more is written
    of(ISSUER);
    assertEquals(1, server.writes().size());

    // When
    cached.put("shop-certificate", secret("shop-certificate", "1"));

    // Then
    ServedTls issued = of(ISSUER);
    assertEquals("Secret shop-certificate", issued.source());
    assertEquals(List.of(), issued.faults());
  }

  @Test
  void whatCertManagerSaysOfItIsTold() throws IOException {
    // Given
    of(ISSUER);
    server
        .get(CERTIFICATE)
        .withObjectProperty("status")
        .putArray("conditions")
        .addObject()
        .put("type", "Ready")
        .put("status", "False")
        .put("message", "no ClusterIssuer letsencrypt");
    server.get(CERTIFICATE).withObjectProperty("metadata").put("resourceVersion", "77");

    // When
    named.look();

    // Then
    assertEquals(List.of(Example.NAMES), news);
    ServedTls served = of(ISSUER);
    assertEquals(
        List.of(
            new ServedTls.Fault(
                "CertificatePending",
                "cert-manager says of the Certificate shop-certificate: no ClusterIssuer"
                    + " letsencrypt")),
        served.faults());
  }

  @Test
  void withoutCertManagerTheOwnOneIsServedAndItIsSaid() {
    // Given
    server.forgetKind("certificates");

    // When
    ServedTls served = of(ISSUER);

    // Then
    assertEquals(ServedTls.OWN, served.source());
    assertEquals(
        List.of(
            new ServedTls.Fault(
                "CertManagerMissing",
                "spec.proxy.tls.issuer: cert-manager is not installed, so nobody asks letsencrypt"
                    + " for a certificate; install it, or name a Secret in certificateSecret")),
        served.faults());

    // And: it may be installed later
    server.knowKind("certificates");
    assertEquals("CertificatePending", reason(of(ISSUER)));
  }

  @Test
  void aSecretOfSomebodyElseIsNotWrittenOver() throws IOException {
    // Given
    Secret theirs = secret("shop-certificate", "1");
    theirs.getMetadata().setAnnotations(null);
    put(theirs);

    // Then
    assertEquals("SecretUnusable", reason(of(ISSUER)));
    assertEquals(List.of(), server.writes());
  }

  @Test
  void aCertificateOfSomebodyElseIsLeftAlone() throws IOException {
    // Given
    server.put(
        CERTIFICATE,
        """
        apiVersion: cert-manager.io/v1
        kind: Certificate
        metadata: {name: shop-certificate, namespace: demo}
        """);

    // Then
    assertEquals("SecretUnusable", reason(of(ISSUER)));
    of("{}");
    assertEquals(List.of(), server.writes());
  }

  @Test
  void aCertificateThatIsNotNeededAnyMoreIsDeleted() {
    // Given
    of(ISSUER);

    // When
    ServedTls served = of("{}");

    // Then
    assertEquals(ServedTls.OWN, served.source());
    assertThrows(AssertionError.class, () -> server.get(CERTIFICATE));
    of("{}");
    assertEquals(2, server.writes().size(), () -> server.writes().toString());
  }

  @Test
  void withoutAProxyNobodyIsAsked() {
    // Given
    of(ISSUER);

    // When
    certificates.none(Example.NAMES, cached, CertificatesTest::ours);

    // Then
    assertThrows(AssertionError.class, () -> server.get(CERTIFICATE));
  }
}
