package dev.outrider.operator.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.operator.model.ExamplePod;
import dev.outrider.operator.model.Instance;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReplacementsTest {
  private static final Set<String> AGENTS = Set.of("proxy");

  private final Replacements replacements = new Replacements();

  private static Instance with(String container, boolean ready) {
    return new ExamplePod(0).replica(1).agent("proxy", container, ready).instance();
  }

  @Test
  void aPodIsUpWhenAnotherContainerIsReady() {
    // Given
    assertTrue(replacements.isUp(with("old", true), AGENTS));

    // When
    replacements.begin(with("old", true), AGENTS);

    // Then: the status lags behind, the new one starts, the new one is ready
    assertFalse(replacements.isUp(with("old", true), AGENTS));
    assertFalse(replacements.isUp(with("new", false), AGENTS));
    assertTrue(replacements.isUp(with("new", true), AGENTS));
  }

  @Test
  void nothingIsKeptOfWhatIsOver() {
    // Given
    replacements.begin(with("old", true), AGENTS);

    // When
    replacements.look(List.of(with("old", true)), AGENTS);
    int during = replacements.size();
    replacements.look(List.of(with("new", true)), AGENTS);

    // Then
    assertEquals(1, during);
    assertEquals(0, replacements.size());
    assertTrue(replacements.isUp(with("new", true), AGENTS));
  }

  @Test
  void nothingIsKeptOfAPodThatIsGone() {
    // Given
    replacements.begin(with("old", true), AGENTS);

    // When
    replacements.look(List.of(), AGENTS);

    // Then
    assertEquals(0, replacements.size());
  }

  @Test
  void imagesOfAgentsThatAreNotWantedAnyMoreDoNotMatter() {
    Instance pod = new ExamplePod(0).image("proxy", "registry/agents:0").instance();
    assertFalse(Replacements.hasImages(pod, Map.of("proxy", "registry/agents:1")));
    assertTrue(Replacements.hasImages(pod, Map.of()));
  }
}
