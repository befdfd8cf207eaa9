package dev.outrider.operator.reconcile;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.api.PostgresCluster;
import dev.outrider.operator.model.Switchover;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClusterRelevanceTest {
  private final ClusterRelevance relevance = new ClusterRelevance();

  private static PostgresCluster cluster(long generation, Map<String, String> annotations) {
    PostgresCluster cluster = new PostgresCluster();
    cluster.getMetadata().setUid("1");
    cluster.getMetadata().setGeneration(generation);
    cluster.getMetadata().setResourceVersion(Long.toString(System.nanoTime()));
    cluster.getMetadata().setAnnotations(annotations);
    return cluster;
  }

  @Test
  void aNewSpecMatters() {
    assertTrue(relevance.accept(cluster(2, Map.of()), cluster(1, Map.of())));
  }

  @Test
  void aSwitchoverThatIsAskedForMatters() {
    assertTrue(
        relevance.accept(
            cluster(1, Map.of(Switchover.ANNOTATION, "any@2")),
            cluster(1, Map.of(Switchover.ANNOTATION, "any@1"))));
    assertTrue(
        relevance.accept(cluster(1, Map.of(Switchover.ANNOTATION, "any")), cluster(1, Map.of())));
  }

  @Test
  void aDeletionMatters() {
    // Given
    PostgresCluster going = cluster(1, Map.of());
    going.getMetadata().setDeletionTimestamp("2026-11-21T12:00:00Z");
    // Then
    assertTrue(relevance.accept(going, cluster(1, Map.of())));
  }

  @Test
  void ourOwnStatusAndOtherAnnotationsDoNot() {
    assertFalse(relevance.accept(cluster(1, Map.of("team", "a")), cluster(1, Map.of("team", "b"))));
  }
}
