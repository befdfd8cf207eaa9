package dev.outrider.operator.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
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
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
    boolean requested =
        wanted.tls().issuer() != null
            || !certificates.withdraw(Example.NAMES, wanted.tls(), cached, CertificatesTest::ours);
    new ClusterObjects(
            Example.NAMES, Example.OWNER, wanted, Example.IMAGES, Example.TRUST, served, requested)
        .surroundings().stream()
            .filter(Secret.class::isInstance)
            .map(Secret.class::cast)
            .forEach(secret -> cached.put(secret.getMetadata().getName(), secret));
    return served;
  }

  private Secret cached(String name) {
    Secret secret = cached.get(name);
    assertNotNull(secret);
    return secret;
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

  @ParameterizedTest
  @ValueSource(ints = {403, 500})
  void aSecretThatCannotBeReadHoldsUpNothing(int code) throws IOException {
    // Given
    put(secret("public", "1"));
    Secret clients = secret("clients", "1");
    clients.setData(Map.of("ca.crt", base64(AUTHORITY.certificate())));
    put(clients);
    ServedTls before = of(NAMED);
    String both =
        "{mode: require, certificateSecret: {name: public}, clientCa: {name: clients},"
            + " clientCertificates: verify-ca}";

    // When: of an operator that was started anew
    certificates.forget(Example.NAMES);
    server.fail(SECRETS + "public", code);
    ServedTls served = of(both);

    // Then
    assertEquals(before.certificate(), served.certificate());
    assertEquals(AUTHORITY.certificate(), served.clientAuthority());
    assertEquals(
        List.of(
            new ServedTls.Fault(
                "SecretUnreadable",
                "spec.proxy.tls.certificateSecret: the Secret public could not be read: no, said"
                    + " with "
                    + code)),
        served.faults());

    // And
    server.mend(SECRETS + "public");
    assertEquals(List.of(), of(both).faults());
  }

  @Test
  void aNameThatNoSecretCanHaveHoldsUpNothing() {
    // When
    ServedTls served = of("{certificateSecret: {name: my secret}}");

    // Then
    assertEquals(ServedTls.OWN, served.source());
    assertEquals(1, served.faults().size());
  }

  @Test
  void aCertificateThatCannotBeReadHoldsUpNothing() throws IOException {
    // Given
    of(ISSUER);
    cached.put("shop-certificate", secret("shop-certificate", "1"));
    ServedTls before = of(ISSUER);

    // When
    certificates.forget(Example.NAMES);
    server.fail(CERTIFICATE, 403);
    ServedTls served = of(ISSUER);

    // Then
    assertEquals(before.certificate(), served.certificate());
    assertEquals(
        List.of(
            new ServedTls.Fault(
                "CertificatePending",
                "the Certificate shop-certificate could not be read: no, said with 403")),
        served.faults());
  }

  @Test
  void aSecretInThePlaceOfWhatIsInForceIsNotServed() {
    // Given: all that would make it the one in force, but an owner
    CertificateAuthority company = CertificateAuthority.create("company", NOON, RANDOM);
    CertificateAuthority.Issued issued =
        company.issueServer("db", List.of("db.example.com"), NOON, RANDOM);
    cached.put(
        "shop-tls",
        new SecretBuilder()
            .withNewMetadata()
            .withName("shop-tls")
            .withNamespace("demo")
            .withLabels(Example.NAMES.labels())
            .withAnnotations(Map.of(ServedTls.SOURCE, "Secret public"))
            .endMetadata()
            .withData(
                Map.of(
                    "server.crt", base64(issued.certificate()),
                    "server.key", base64(issued.key()),
                    "server-ca.crt", base64(company.certificate())))
            .build());

    // When: what the spec names is not there
    ServedTls served = of(NAMED);

    // Then
    assertEquals(ServedTls.OWN, served.source());
    assertEquals(AUTHORITY.certificate(), served.certificate().authority());
    assertEquals(
        base64(AUTHORITY.certificate()),
        cached("shop-app").getData().get("ca.crt"),
        "nor do applications trust who issued it");
  }

  @Test
  void whatCertManagerWritesGoesWithTheClusterAndWithTheIssuer() throws IOException {
    // Given
    of(ISSUER);
    Secret written = secret("shop-certificate", "1");
    written.getMetadata().setUid("uid-of-" + SECRETS + "shop-certificate");
    put(written);
    cached.put("shop-certificate", written);

    // When
    of(ISSUER);

    // Then: beside whoever may be its controller
    JsonNode owners = server.get(SECRETS + "shop-certificate").at("/metadata/ownerReferences");
    assertEquals(1, owners.size());
    assertEquals(Example.OWNER.getUid(), owners.at("/0/uid").asText());
    assertFalse(owners.at("/0/controller").asBoolean());
    assertFalse(owners.at("/0/blockOwnerDeletion").asBoolean());

    // And: nothing more is written
    cached.put(
        "shop-certificate",
        client.secrets().inNamespace("demo").withName("shop-certificate").get());
    of(ISSUER);
    assertEquals(2, server.writes().size(), () -> server.writes().toString());

    // When
    String uid = server.get(CERTIFICATE).at("/metadata/uid").asText();
    of("{}");

    // Then
    owners = server.get(SECRETS + "shop-certificate").at("/metadata/ownerReferences");
    assertEquals(1, owners.size());
    assertEquals("Certificate", owners.at("/0/kind").asText());
    assertEquals(uid, owners.at("/0/uid").asText());
    assertEquals("DELETE " + CERTIFICATE, server.writes().getLast());
  }

  @Test
  void whatCertManagerWroteStaysIfTheSpecNamesIt() throws IOException {
    // Given
    of(ISSUER);
    put(secret("shop-certificate", "1"));
    cached.put("shop-certificate", secret("shop-certificate", "1"));
    of(ISSUER);

    // When
    ServedTls served = of("{certificateSecret: {name: shop-certificate}}");

    // Then
    assertEquals("Secret shop-certificate", served.source());
    assertEquals("DELETE " + CERTIFICATE, server.writes().getLast());
    assertEquals(
        Example.OWNER.getUid(),
        server.get(SECRETS + "shop-certificate").at("/metadata/ownerReferences/0/uid").asText());
  }

  @Test
  void aSecretThatCertManagerOwnsIsLeftToIt() {
    // Given
    of(ISSUER);
    Secret written = secret("shop-certificate", "1");
    written
        .getMetadata()
        .setOwnerReferences(
            List.of(
                new OwnerReferenceBuilder()
                    .withApiVersion("cert-manager.io/v1")
                    .withKind("Certificate")
                    .withName("shop-certificate")
                    .withUid("uid")
                    .withController(true)
                    .build()));
    cached.put("shop-certificate", written);

    // When
    of(ISSUER);

    // Then
    assertEquals(1, server.writes().size(), () -> server.writes().toString());
  }

  @Test
  void aCertificateThatCouldNotBeDeletedIsNotForgotten() {
    // Given
    of(ISSUER);
    server.fail(CERTIFICATE, 500);

    // When
    ServedTls served = of("{}");

    // Then
    assertEquals(ServedTls.OWN, served.source());
    assertEquals(
        "shop-certificate",
        cached("shop-tls").getMetadata().getAnnotations().get(ServedTls.REQUESTED));

    // When
    server.mend(CERTIFICATE);
    of("{}");

    // Then
    assertThrows(AssertionError.class, () -> server.get(CERTIFICATE));
    assertFalse(cached("shop-tls").getMetadata().getAnnotations().containsKey(ServedTls.REQUESTED));
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
    certificates.forget(Example.NAMES);
    boolean withdrawn =
        certificates.withdraw(
            Example.NAMES,
            Wanted.of(Example.spec("{storage: {size: 1Gi}, proxy: {enabled: false}}")).tls(),
            cached,
            CertificatesTest::ours);

    // Then
    assertTrue(withdrawn);
    assertThrows(AssertionError.class, () -> server.get(CERTIFICATE));
  }
}
