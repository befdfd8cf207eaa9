package dev.outrider.operator.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.model.ExamplePod;
import dev.outrider.operator.model.Names;
import io.fabric8.kubernetes.api.model.Endpoints;
import io.fabric8.kubernetes.api.model.EndpointsBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RelevanceTest {
  private static final long MIB = 1 << 20;

  private static ExamplePod replica() {
    return new ExamplePod(1).replica(64 * MIB);
  }

  private static boolean matters(ExamplePod now) {
    return Relevance.ofPod(now.pod(), replica().pod());
  }

  private static Endpoints lock(Map<String, String> changes) {
    Map<String, String> annotations =
        new TreeMap<>(
            Map.of(
                "acquireTime", "2026-11-21T10:44:14.226573+00:00",
                "leader", "shop-0",
                "optime", "67160232",
                "renewTime", "2026-11-21T10:50:40.115839+00:00",
                "transitions", "1",
                "ttl", "20"));
    annotations.putAll(changes);
    return new EndpointsBuilder()
        .withNewMetadata()
        .withName("shop-rw")
        .withLabels(Map.of("outrider.dev/cluster", "shop"))
        .withAnnotations(annotations)
        .endMetadata()
        .build();
  }

  @Test
  void aHeartbeatOfAPodIsNoNews() {
    // A few hundred bytes of WAL, a new resource version, another sync of the same state
    Pod now = new ExamplePod(1).replica(64 * MIB + 500).pod();
    now.getMetadata().setResourceVersion("4711");
    assertFalse(Relevance.ofPod(now, replica().pod()));
  }

  @Test
  void aReplicaThatFallsBehindIsNews() {
    assertTrue(matters(new ExamplePod(1).replica(128 * MIB)));
  }

  @Test
  void whatTellsOfAFailoverIsNews() {
    assertTrue(matters(new ExamplePod(1).primary(64 * MIB)), "role");
    assertTrue(matters(replica().label(Names.ROLE_LABEL, "primary")), "label");
    assertTrue(matters(replica().running()), "not ready any more");
    assertTrue(matters(replica().deleted()), "being deleted");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"state\":\"stopped\",\"role\":\"replica\"}",
        "{\"state\":\"running\",\"role\":\"replica\",\"timeline\":2}",
        "{\"state\":\"running\",\"role\":\"replica\",\"outrider\":{\"stuck\":{\"reason\":\"no WAL receiver\"}}}",
        "{\"state\":\"running\",\"role\":\"replica\",\"pending_restart_reason\":{\"a\":{\"old_value\":1,\"new_value\":2}}}"
      })
  void whatPatroniSaysOfItsStateIsNews(String annotation) {
    assertTrue(matters(replica().patroni(annotation)));
  }

  @Test
  void ourOwnMarksAreNews() {
    assertTrue(matters(replica().annotation("outrider.dev/config-hash", "other")));
  }

  @Test
  void aContainerThatFailsIsNews() {
    assertTrue(matters(replica().waiting("postgres", "CrashLoopBackOff", "back-off 10s")));
  }

  @Test
  void aPodThatFitsOnNoNodeIsNews() {
    // Given
    Pod before = new ExamplePod(1).pod();

    // When
    Pod now =
        new ExamplePod(1)
            .condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available")
            .pod();

    // Then
    assertTrue(Relevance.ofPod(now, before));
  }

  @Test
  void anImageThatWasReplacedIsNews() {
    // Given
    Pod now = replica().pod();
    now.getSpec().getInitContainers().getFirst().setImage("registry/agents:2");

    // Then
    assertTrue(Relevance.ofPod(now, replica().pod()));
  }

  @ParameterizedTest
  @CsvSource({
    "renewTime, 2026-11-21T10:50:42.115839+00:00",
    "optime, 67160300",
    "slots, '{\"shop_1\":67160300}'",
    "retain_slots, '{}'",
    "failsafe, '{\"shop-0\":\"https://10.88.2.15:8008/patroni\"}'"
  })
  void aHeartbeatOfTheLockIsNoNews(String annotation, String value) {
    assertFalse(Relevance.ofEndpoints(lock(Map.of(annotation, value)), lock(Map.of())));
  }

  @ParameterizedTest
  @CsvSource({
    "leader, shop-1",
    "initialize, 7575757575757575757",
    "member, shop-2",
    "config, '{}'"
  })
  void anythingElseInEndpointsIsNews(String annotation, String value) {
    assertTrue(Relevance.ofEndpoints(lock(Map.of(annotation, value)), lock(Map.of())));
  }

  @Test
  void aLockThatIsGivenUpIsNews() {
    // Given
    Endpoints now = lock(Map.of());
    now.getMetadata().getAnnotations().remove("leader");

    // Then
    assertTrue(Relevance.ofEndpoints(now, lock(Map.of())));
    assertEquals(
        Relevance.ofEndpoints(lock(Map.of()), now), Relevance.ofEndpoints(now, lock(Map.of())));
  }

  @Test
  void endpointsThatLostTheirLabelsAreNews() {
    // Given
    Endpoints now = lock(Map.of());
    now.getMetadata().setLabels(Map.of());

    // Then
    assertTrue(Relevance.ofEndpoints(now, lock(Map.of())));
  }
}
