package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Clusters that come up under difficulties, in another version, or again. */
class BringUpIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-bring-up";

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);

  private static String yaml(String name, String rest) {
    return """
        apiVersion: outrider.dev/v1alpha1
        kind: PostgresCluster
        metadata: {name: %s}
        spec: {storage: {size: 1Gi}, %s}
        """
        .formatted(name, rest);
  }

  private static void delete(String name) {
    KUBE.client.resource(Objects.requireNonNull(KUBE.get(NAMESPACE, name))).delete();
    Kube.await(
        Kube.LONG,
        () -> KUBE.pods(NAMESPACE, name).isEmpty() ? null : "pods of " + name + " are still there");
  }

  private static List<PersistentVolumeClaim> claims(String name) {
    return KUBE.client
        .persistentVolumeClaims()
        .inNamespace(NAMESPACE)
        .withLabel("outrider.dev/cluster", name)
        .list()
        .getItems();
  }

  @Test
  void theOperatorIsKilledAtRandomMoments() throws InterruptedException {
    // Given
    long seed = System.nanoTime();
    Random random = new Random(seed);
    System.out.println("seed of the moments: " + seed);
    // When
    KUBE.apply(NAMESPACE, yaml("killed", "instances: 2, deletionPolicy: Delete"));
    for (int i = 0; i < 4; i++) {
      Thread.sleep(random.nextInt(2_500));
      KUBE.client
          .pods()
          .inNamespace(Kube.OPERATOR_NAMESPACE)
          .withLabel("app.kubernetes.io/component", "operator")
          .withGracePeriod(0)
          .delete();
    }
    // Then
    KUBE.awaitSummary(NAMESPACE, "killed", "2/2", "Healthy");
    assertEquals("1", KUBE.query(NAMESPACE, "killed", "rw", "select 1"));
    delete("killed");
  }

  @Test
  void seventeenRunsAsEighteenDoes() {
    // When
    KUBE.apply(
        NAMESPACE, yaml("old", "instances: 2, deletionPolicy: Delete, postgres: {version: 17}"));
    KUBE.awaitSummary(NAMESPACE, "old", "2/2", "Healthy");
    // Then
    assertTrue(KUBE.query(NAMESPACE, "old", "rw", "show server_version").startsWith("17."));
    assertEquals(
        "b|C.UTF-8",
        KUBE.superuser(
            NAMESPACE,
            "old-0",
            "select datlocprovider, datlocale from pg_database where datname = 'app'"));
    assertEquals("on", KUBE.superuser(NAMESPACE, "old-0", "show data_checksums"));
    delete("old");
  }

  @Test
  void withoutTheProxyClientsReachPostgresDirectly() {
    // When
    KUBE.apply(
        NAMESPACE, yaml("bare", "instances: 1, deletionPolicy: Delete, proxy: {enabled: false}"));
    KUBE.awaitSummary(NAMESPACE, "bare", "1/1", "Healthy");
    // Then
    assertTrue(KUBE.pods(NAMESPACE, "bare").getFirst().getSpec().getInitContainers().isEmpty());
    assertNotEquals(
        "", KUBE.query(NAMESPACE, "bare", "rw", "select coalesce(inet_client_addr()::text, '')"));
    delete("bare");
  }

  @Test
  void whatTheSpecSaysOfTheFirstDatabaseIsWhatIsMade() {
    // When
    KUBE.apply(
        NAMESPACE,
        yaml(
            "named",
            "deletionPolicy: Delete, bootstrap: {initdb: {database: orders, owner: clerk,"
                + " localeProvider: icu, locale: de-DE}}"));
    KUBE.awaitSummary(NAMESPACE, "named", "1/1", "Healthy");
    // Then
    assertEquals("clerk", KUBE.secret(NAMESPACE, "named-app").get("username"));
    assertEquals("orders", KUBE.query(NAMESPACE, "named", "rw", "select current_database()"));
    assertEquals(
        "i|de-DE",
        KUBE.superuser(
            NAMESPACE,
            "named-0",
            "select datlocprovider, datlocale from pg_database where datname = 'orders'"));
    delete("named");
    Kube.await(
        Duration.ofSeconds(60),
        () -> claims("named").isEmpty() ? null : "deletionPolicy Delete left " + claims("named"));
  }

  @Test
  void retainedVolumesAreTakenUpAgain() {
    // Given
    KUBE.apply(NAMESPACE, yaml("again", "instances: 2"));
    KUBE.awaitSummary(NAMESPACE, "again", "2/2", "Healthy");
    KUBE.exec(
        NAMESPACE,
        "again-0",
        "patronictl",
        "switchover",
        "--leader",
        String.valueOf(KUBE.status(NAMESPACE, "again").primary()),
        "--candidate",
        "again-1".equals(KUBE.status(NAMESPACE, "again").primary()) ? "again-0" : "again-1",
        "--force");
    KUBE.awaitSummary(NAMESPACE, "again", "2/2", "Healthy");
    KUBE.query(NAMESPACE, "again", "rw", "create table kept as select 'still here' as what");
    String password = KUBE.secret(NAMESPACE, "again-app").get("password");
    // When
    delete("again");
    assertEquals(2, claims("again").size());
    // With one instance alone it goes by way of the one that was primary last.
    KUBE.apply(NAMESPACE, yaml("again", "instances: 1"));
    KUBE.awaitSummary(NAMESPACE, "again", "1/1", "Healthy");
    // Then
    assertEquals(password, KUBE.secret(NAMESPACE, "again-app").get("password"));
    assertEquals("still here", KUBE.query(NAMESPACE, "again", "rw", "select what from kept"));
    delete("again");
  }
}
