package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ImagesTest {
  @Test
  void theDeploymentTellsTheOperatorTheSameImages() {
    // Given
    Images images = new Images("a:1", Map.of(17, "p:17", 18, "p:18"));

    // When
    Images again = Images.from(images.environment());

    // Then
    assertEquals(images, again);
  }

  @Test
  void recordsEveryDefault() {
    assertEquals(
        new Images(
            "localhost:5000/outrider/agents:0.1.0",
            Map.of(
                17,
                "localhost:5000/outrider/postgres:17-0.1.0",
                18,
                "localhost:5000/outrider/postgres:18-0.1.0")),
        Images.from(Map.of()));
  }
}
