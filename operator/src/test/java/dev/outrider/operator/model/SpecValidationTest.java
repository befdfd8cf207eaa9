package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.outrider.operator.api.PostgresCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Walks the specs in {@code valid} and {@code invalid}; the latter begin with what is wrong. */
class SpecValidationTest {
  private static final Path SPECS = Path.of("src/test/resources/dev/outrider/operator/model");

  static Stream<Path> valid() throws IOException {
    return files(SPECS.resolve("valid"));
  }

  static Stream<Path> invalid() throws IOException {
    return files(SPECS.resolve("invalid"));
  }

  static Stream<Path> examples() throws IOException {
    return files(Path.of("../examples"));
  }

  private static Stream<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("valid")
  void findsNothingInAGoodSpec(Path file) throws IOException {
    // When
    List<SpecError> errors = SpecValidation.check(Example.spec(Files.readString(file)));

    // Then
    assertEquals(List.of(), errors);
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void namesFieldValueAndWhatIsAllowed(Path file) throws IOException {
    // Given
    String yaml = Files.readString(file);
    List<String> expected =
        yaml.lines().filter(l -> l.startsWith("# ")).map(l -> l.substring(2)).toList();
    assertFalse(expected.isEmpty());

    // When
    List<String> errors =
        SpecValidation.check(Example.spec(yaml)).stream().map(SpecError::toString).toList();

    // Then
    assertEquals(String.join("\n", expected), String.join("\n", errors));
  }

  @ParameterizedTest
  @MethodSource("examples")
  void findsNothingInTheExamplesOfTheProject(Path file) throws IOException {
    // Given
    List<PostgresCluster> clusters = new ArrayList<>();
    ObjectMapper yaml = new ObjectMapper(new YAMLFactory());
    try (var documents =
        yaml.readerFor(PostgresCluster.class).<PostgresCluster>readValues(file.toFile())) {
      documents.forEachRemaining(clusters::add);
    }

    for (PostgresCluster cluster : clusters) {
      // When
      List<SpecError> errors = SpecValidation.check(cluster.getSpec());

      // Then
      assertEquals(List.of(), errors);
    }
    assertFalse(clusters.isEmpty());
  }

  @Test
  void tellsOfEveryErrorAtOnce() {
    // When
    List<SpecError> errors =
        SpecValidation.check(
            Example.small(
                """
                postgres:
                  parameters: {shared_bufers: 1GB, work_mem: 1kB}
                  resources: {limits: {memory: 1Mi}}
                pod: {labels: {outrider.dev/cluster: x}}
                """));

    // Then
    assertEquals(
        List.of(
            "spec.postgres.parameters.shared_bufers",
            "spec.postgres.parameters.work_mem",
            "spec.postgres.resources.limits.memory",
            "spec.pod.labels.outrider.dev/cluster"),
        errors.stream().map(SpecError::field).toList());
  }

  @Test
  void reservedConnectionsMustLeaveSome() {
    // When
    List<SpecError> errors =
        SpecValidation.check(
            Example.small(
                "postgres: {parameters: {superuser_reserved_connections: 90, reserved_connections:"
                    + " 10}}"));

    // Then
    assertEquals(1, errors.size(), errors::toString);
    assertTrue(
        errors
            .getFirst()
            .toString()
            .startsWith("spec.postgres.parameters.superuser_reserved_connections: "),
        errors::toString);
    assertTrue(
        errors.getFirst().problem().contains("less than max_connections (100)"), errors::toString);
  }
}
