package dev.outrider.operator.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.outrider.operator.model.ClusterObjects;
import dev.outrider.operator.model.Example;
import dev.outrider.operator.model.LastKnown;
import dev.outrider.operator.model.Trust;
import dev.outrider.operator.model.Wanted;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TrustsTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");
  private static final String SECRETS = "/api/v1/namespaces/demo/secrets/";

  private final FakeApiServer server = new FakeApiServer();
  private final KubernetesClient client = server.client();
  private Instant now = NOON;

  TrustsTest() throws IOException {}

  @AfterEach
  void close() {
    client.close();
    server.close();
  }

  private static boolean ours(HasMetadata object) {
    return "demo".equals(object.getMetadata().getNamespace());
  }

  private static boolean foreign(HasMetadata object) {
    return !ours(object);
  }

  /** The Secrets that a cluster has once they were applied. */
  private static Map<String, Secret> secrets(Trust trust) {
    Map<String, Secret> secrets = new HashMap<>();
    Secret keys =
        ClusterObjects.keys(Example.NAMES, Example.OWNER, trust, List.of(), LastKnown.NOTHING);
    secrets.put(keys.getMetadata().getName(), keys);
    new ClusterObjects(
            Example.NAMES,
            Example.OWNER,
            Wanted.of(Example.spec("storage: {size: 10Gi}")),
            Example.IMAGES,
            trust,
            Example.SERVED,
            false)
        .surroundings().stream()
            .filter(Secret.class::isInstance)
            .map(Secret.class::cast)
            .forEach(secret -> secrets.put(secret.getMetadata().getName(), secret));
    return secrets;
  }

  /** What an operator finds that has just been started. */
  private Trust of(Map<String, Secret> cached) {
    return new Trusts(client, () -> now, new SecureRandom())
        .of(Example.NAMES, "uid", cached, TrustsTest::ours);
  }

  @Test
  void areFoundAsTheyWereLeft() {
    // Given
    Trust made = of(Map.of());

    // When
    Trust found = of(secrets(made));

    // Then
    assertEquals(made.seed().text(), found.seed().text());
    assertEquals(made.authority().key(), found.authority().key());
    assertEquals(made.instance(), found.instance());
  }

  @Test
  void aCacheThatLagsEndsInNoSecondSeed() throws IOException {
    // Given: the server has the Secret, the cache has not heard of it
    Trust made = of(Map.of());
    Secret keys = secrets(made).getOrDefault("shop-keys", new Secret());
    server.put(SECRETS + "shop-keys", client.getKubernetesSerialization().asYaml(keys));

    // When
    Trust found = of(Map.of());

    // Then
    assertEquals(made.seed().text(), found.seed().text());
    assertEquals(made.authority().certificate(), found.authority().certificate());
  }

  @Test
  void passwordsOutliveTheSecretWithTheKeys() {
    // Given
    Trust made = of(Map.of());
    Map<String, Secret> left = secrets(made);
    left.remove("shop-keys");

    // When
    Trust found = of(left);

    // Then
    assertEquals(made.seed().text(), found.seed().text());
    assertNotEquals(made.authority().key(), found.authority().key());
    assertNotEquals(made.instance(), found.instance(), "of the new authority");
  }

  @Test
  void aCertificateIsRenewedInTimeByTheSameAuthority() {
    // Given
    Trust made = of(Map.of());

    // When
    now = NOON.plus(Duration.ofDays(59));
    Trust early = of(secrets(made));
    now = NOON.plus(Duration.ofDays(61));
    Trust late = of(secrets(made));

    // Then
    assertEquals(made.instance(), early.instance());
    assertNotEquals(made.instance(), late.instance());
    assertEquals(made.authority().certificate(), late.authority().certificate());
    assertEquals(made.seed().text(), late.seed().text());
  }

  @Test
  void keysOfSomebodyElseAreNotUsed() {
    // Given
    Map<String, Secret> secrets = secrets(of(Map.of()));
    Trusts trusts = new Trusts(client, () -> now, new SecureRandom());

    // Then
    assertThrows(
        ForeignObjectException.class,
        () -> trusts.of(Example.NAMES, "uid", secrets, TrustsTest::foreign));
  }

  @Test
  void aCertificateOfSomebodyElseIsNotUsed() {
    // Given
    Trust made = of(Map.of());
    Trusts trusts = new Trusts(client, () -> now, new SecureRandom());

    // When
    Trust found =
        trusts.of(
            Example.NAMES,
            "uid",
            secrets(made),
            secret -> !secret.getMetadata().getName().equals("shop-tls"));

    // Then
    assertEquals(made.authority().certificate(), found.authority().certificate());
    assertNotEquals(made.instance(), found.instance());
  }

  @Test
  void anOperatorThatSawTheKeysPutsThemBack() {
    // Given
    Trusts trusts = new Trusts(client, () -> now, new SecureRandom());
    Trust made = trusts.of(Example.NAMES, "uid", Map.of(), TrustsTest::ours);

    // When
    Trust found = trusts.of(Example.NAMES, "uid", Map.of(), TrustsTest::ours);

    // Then
    assertEquals(made.seed().text(), found.seed().text());
    assertEquals(made.authority().key(), found.authority().key());
  }

  @Test
  void whatIsKeptOfAClusterGoesWithIt() {
    // Given
    Trusts trusts = new Trusts(client, () -> now, new SecureRandom());
    Trust made = trusts.of(Example.NAMES, "uid", Map.of(), TrustsTest::ours);

    // When
    trusts.forget("uid");
    Trust found = trusts.of(Example.NAMES, "uid", Map.of(), TrustsTest::ours);

    // Then
    assertNotEquals(made.seed().text(), found.seed().text());
  }

  @Test
  void aSeedThatWasEditedIsTakenFromItsCopy() {
    // Given
    Trust made = of(Map.of());
    Map<String, Secret> edited = secrets(made);
    edited.getOrDefault("shop-keys", new Secret()).getData().put("seed", "bm8gc2VlZA==");

    // When
    Trust found = of(edited);

    // Then
    assertEquals(made.seed().text(), found.seed().text());
  }
}
