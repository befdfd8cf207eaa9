package dev.outrider.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** People and other controllers at the managed objects: they are put back, and peace returns. */
class SettlesIT {
  private static final Kube KUBE = Kube.connect();
  private static final String NAMESPACE = "e2e-settles";

  @RegisterExtension static final OwnNamespace OWN_NAMESPACE = new OwnNamespace(KUBE, NAMESPACE);
  private static final String YAML =
      """
      apiVersion: outrider.dev/v1alpha1
      kind: PostgresCluster
      metadata: {name: calm}
      spec: {instances: 2, storage: {size: 1Gi}}
      """;

  @BeforeAll
  static void createCluster() {
    KUBE.apply(NAMESPACE, YAML);
    KUBE.awaitSummary(NAMESPACE, "calm", "2/2", "Healthy");
  }

  private static List<HasMetadata> managed() {
    List<HasMetadata> objects = new ArrayList<>();
    for (Class<? extends HasMetadata> type :
        List.<Class<? extends HasMetadata>>of(
            ConfigMap.class,
            PodDisruptionBudget.class,
            Role.class,
            RoleBinding.class,
            Secret.class,
            Service.class,
            ServiceAccount.class,
            StatefulSet.class)) {
      KUBE.client.resources(type).inNamespace(NAMESPACE).list().getItems().stream()
          .filter(
              o ->
                  o.getMetadata().getOwnerReferences().stream()
                      .anyMatch(r -> r.getKind().equals("PostgresCluster")))
          .forEach(objects::add);
    }
    return objects;
  }

  private static Map<String, String> podUids() {
    Map<String, String> uids = new HashMap<>();
    for (Pod pod : KUBE.pods(NAMESPACE, "calm")) {
      uids.put(pod.getMetadata().getName(), pod.getMetadata().getUid());
    }
    return uids;
  }

  @Test
  void deletedObjectsComeBackAndPasswordsStayWhatTheyWere() {
    // Given
    // Not the ServiceAccount: with it Kubernetes takes back the tokens of running pods, and the
    // kubelet fetches new ones only when the old ones would expire.
    List<HasMetadata> objects =
        managed().stream().filter(o -> !(o instanceof ServiceAccount)).toList();
    assertTrue(objects.size() >= 15, () -> "only " + objects.size() + " managed objects");
    String password = KUBE.secret(NAMESPACE, "calm-app").get("password");
    Map<String, String> pods = podUids();
    // When
    for (HasMetadata object : objects) {
      // The pods of a StatefulSet that goes are to stay for the one that comes.
      KUBE.client.resource(object).withPropagationPolicy(DeletionPropagation.ORPHAN).delete();
    }
    // Then
    for (HasMetadata object : objects) {
      Kube.await(
          Duration.ofSeconds(40),
          () -> {
            HasMetadata now = KUBE.client.resource(object).get();
            return now == null
                    || Objects.equals(now.getMetadata().getUid(), object.getMetadata().getUid())
                ? object.getKind() + " " + object.getMetadata().getName() + " is not back"
                : null;
          });
    }
    KUBE.awaitSummary(NAMESPACE, "calm", "2/2", "Healthy");
    assertEquals(password, KUBE.secret(NAMESPACE, "calm-app").get("password"));
    assertEquals("1", KUBE.query(NAMESPACE, "calm", "rw", "select 1"));
    assertEquals(pods, podUids(), "no pod was made again");
  }

  @Test
  void theServiceAccountComesBackToo() {
    // Given
    KUBE.apply(NAMESPACE, YAML.replace("calm", "asleep").replace("instances: 2", "instances: 0"));
    KUBE.awaitSummary(NAMESPACE, "asleep", "0/0", "Hibernated");
    var accounts = KUBE.client.serviceAccounts().inNamespace(NAMESPACE);
    String uid = accounts.withName("asleep-patroni").get().getMetadata().getUid();
    // When
    accounts.withName("asleep-patroni").delete();
    // Then
    Kube.await(
        Duration.ofSeconds(40),
        () -> {
          ServiceAccount now = accounts.withName("asleep-patroni").get();
          return now == null || now.getMetadata().getUid().equals(uid)
              ? "the ServiceAccount is not back"
              : null;
        });
    KUBE.client.resource(Objects.requireNonNull(KUBE.get(NAMESPACE, "asleep"))).delete();
  }

  @Test
  void editsByHandAreSetRight() {
    // When
    var services = KUBE.client.services().inNamespace(NAMESPACE);
    services
        .withName("calm-ro")
        .patch(
            PatchContext.of(PatchType.JSON_MERGE),
            "{\"spec\":{\"selector\":{\"outrider.dev/role\":\"primary\"}}}");
    KUBE.client
        .configMaps()
        .inNamespace(NAMESPACE)
        .withName("calm-proxy")
        .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"data\":{\"proxy.yaml\":\"listen: x\"}}");
    KUBE.client
        .endpoints()
        .inNamespace(NAMESPACE)
        .withName("calm-rw-config")
        .patch(
            PatchContext.of(PatchType.JSON_MERGE),
            "{\"metadata\":{\"annotations\":{\"config\":\"{}\"}}}");
    // Then
    Kube.await(
        Duration.ofSeconds(40),
        () -> {
          String role =
              services.withName("calm-ro").get().getSpec().getSelector().get("outrider.dev/role");
          String proxy =
              KUBE.client
                  .configMaps()
                  .inNamespace(NAMESPACE)
                  .withName("calm-proxy")
                  .get()
                  .getData()
                  .get("proxy.yaml");
          String config =
              KUBE.client
                  .endpoints()
                  .inNamespace(NAMESPACE)
                  .withName("calm-rw-config")
                  .get()
                  .getMetadata()
                  .getAnnotations()
                  .get("config");
          return "replica".equals(role) && !"listen: x".equals(proxy) && !"{}".equals(config)
              ? null
              : "role " + role + ", proxy.yaml " + proxy + ", config " + config;
        });
    // The nodes route by the old selector for a moment.
    Kube.await(
        Duration.ofSeconds(20),
        () ->
            "t".equals(KUBE.query(NAMESPACE, "calm", "ro", "select pg_is_in_recovery()"))
                ? null
                : "NAME-ro leads to the primary");
  }

  @Test
  void atRestNothingIsWrittenHoweverOftenTheManifestIsApplied() throws InterruptedException {
    // Given
    KUBE.awaitSummary(NAMESPACE, "calm", "2/2", "Healthy");
    // An edit of a moment ago may still be on its way back.
    Kube.await(Duration.ofMinutes(1), SettlesIT::writesInTheNextSeconds);
    Map<String, Long> before = KUBE.operatorWrites();
    // When
    for (int i = 0; i < 20; i++) {
      KUBE.apply(NAMESPACE, YAML);
    }
    Thread.sleep(15_000);
    // Then
    assertEquals(before, KUBE.operatorWrites());
  }

  private static @Nullable String writesInTheNextSeconds() {
    Map<String, Long> before = KUBE.operatorWrites();
    try {
      Thread.sleep(4_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Map<String, Long> now = KUBE.operatorWrites();
    return now.equals(before) ? null : "writes were " + before + " and 4 s later " + now;
  }

  @Test
  void theObjectOfSomebodyElseIsLeftAlone() {
    // Given
    Service theirs =
        KUBE.client
            .resource(
                new ServiceBuilder()
                    .withNewMetadata()
                    .withName("taken-rw")
                    .withNamespace(NAMESPACE)
                    .endMetadata()
                    .withNewSpec()
                    .withSelector(Map.of("app", "theirs"))
                    .addNewPort()
                    .withPort(80)
                    .endPort()
                    .endSpec()
                    .build())
            .create();
    // When
    KUBE.apply(NAMESPACE, YAML.replace("calm", "taken"));
    // Then
    Kube.await(
        Duration.ofSeconds(30),
        () -> {
          var cluster = KUBE.get(NAMESPACE, "taken");
          Condition c = cluster == null ? null : Kube.condition(cluster.getStatus(), "Progressing");
          return c != null && c.getReason().equals("ForeignObject") ? null : "Progressing is " + c;
        });
    Condition progressing = Kube.condition(KUBE.status(NAMESPACE, "taken"), "Progressing");
    assertNotNull(progressing);
    assertTrue(
        progressing.getMessage().contains("Service taken-rw exists and does not belong"),
        progressing.getMessage());
    Service now = KUBE.client.services().inNamespace(NAMESPACE).withName("taken-rw").get();
    assertEquals(theirs.getMetadata().getResourceVersion(), now.getMetadata().getResourceVersion());
    assertTrue(KUBE.pods(NAMESPACE, "taken").isEmpty());
    // When it is out of the way
    KUBE.client.resource(now).delete();
    // Then the cluster comes up
    KUBE.awaitSummary(NAMESPACE, "taken", "2/2", "Healthy");
    KUBE.client.resource(Objects.requireNonNull(KUBE.get(NAMESPACE, "taken"))).delete();
  }

  @Test
  void theSameNameInAnotherNamespaceIsAnotherCluster() {
    // Given
    String other = KUBE.namespace("e2e-settles-too");
    try {
      // When
      KUBE.apply(other, YAML.replace("instances: 2", "instances: 1"));
      KUBE.awaitSummary(other, "calm", "1/1", "Healthy");
      // Then
      assertNotEquals(
          KUBE.secret(NAMESPACE, "calm-app").get("password"),
          KUBE.secret(other, "calm-app").get("password"));
      KUBE.query(other, "calm", "rw", "create table only_here()");
      assertEquals(
          "0",
          KUBE.query(
              NAMESPACE,
              "calm",
              "rw",
              "select count(*) from pg_tables where tablename = 'only_here'"));
      assertEquals("2/2", KUBE.status(NAMESPACE, "calm").ready());
    } finally {
      KUBE.deleteNamespace(other);
      Kube.await(
          Kube.LONG,
          () ->
              KUBE.client.namespaces().withName(other).get() == null ? null : other + " is going");
    }
  }
}
