package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outrider.operator.api.PostgresClusterSpec;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WantedTest {
  @Test
  void recordsEveryDefault() {
    // When
    Wanted wanted = Wanted.of(Example.valid("minimal"));

    // Then
    Golden.check("defaults.yaml", Golden.yaml(wanted));
  }

  @Test
  void recordsEveryDefaultOfVersion17() {
    // When
    Wanted wanted = Wanted.of(Example.small("postgres: {version: 17}"));

    // Then
    Golden.check("defaults-17.yaml", Golden.yaml(wanted));
  }

  @Test
  void takesEverythingThatWasSet() {
    // When
    Wanted wanted = Wanted.of(Example.valid("everything"));

    // Then
    Golden.check("wanted-everything.yaml", Golden.yaml(wanted));
  }

  @Test
  void ownerIsNamedAsTheDatabase() {
    // When
    Wanted.Initdb initdb = Example.wanted("bootstrap: {initdb: {database: orders}}").initdb();

    // Then
    assertEquals(new Wanted.Initdb("orders", "orders", "UTF8", "builtin", "C.UTF-8"), initdb);
  }

  @ParameterizedTest
  @CsvSource({"builtin, C.UTF-8", "icu, und", "libc, C.UTF-8"})
  void eachLocaleProviderHasADefault(String provider, String locale) {
    // When
    Wanted.Initdb initdb =
        Example.wanted("bootstrap: {initdb: {localeProvider: %s}}".formatted(provider)).initdb();

    // Then
    assertEquals(provider, initdb.localeProvider());
    assertEquals(locale, initdb.locale());
  }

  @ParameterizedTest
  @CsvSource({
    // The limit counts, else the request, else what is requested by default.
    "'{limits: {memory: 4Gi}, requests: {memory: 1Gi}}', 1024MB",
    "'{requests: {memory: 4Gi}}', 1024MB",
    "'{requests: {memory: 4096Mi}}', 1024MB",
    "'{requests: {memory: 4294967296}}', 1024MB",
    "'{limits: {cpu: 4}}', 128MB",
    "'{}', 128MB",
  })
  void memoryComesFromTheContainerNeverFromTheNode(String resources, String sharedBuffers) {
    // When
    Wanted wanted = Example.wanted("postgres: {resources: " + resources + "}");

    // Then
    assertEquals(sharedBuffers, wanted.parameters().get("shared_buffers"));
  }

  @ParameterizedTest
  @CsvSource({"8, 8", "8000m, 8", "7500m, 8", "100m, 3"})
  void processorsComeFromTheContainer(String cpu, String ioWorkers) {
    // When
    Wanted wanted = Example.wanted("postgres: {resources: {limits: {cpu: " + cpu + "}}}");

    // Then
    assertEquals(ioWorkers, wanted.parameters().get("io_workers"));
  }

  @Test
  void theUsersParametersWinHoweverTheyAreSpelled() {
    // When
    Wanted wanted =
        Example.wanted(
            "postgres: {parameters: {Work_Mem: 8MB, MAX_CONNECTIONS: 120, TimeZone: UTC}}");

    // Then
    assertEquals("8MB", wanted.parameters().get("work_mem"));
    assertEquals("120", wanted.parameters().get("max_connections"));
    assertEquals("UTC", wanted.parameters().get("TimeZone"));
    assertEquals(
        List.of("work_mem"),
        wanted.parameters().keySet().stream().filter("work_mem"::equalsIgnoreCase).toList());
  }

  @Test
  void aSpecIsReadAndLeftAsItIs() throws JsonProcessingException {
    // Given
    ObjectMapper json = new ObjectMapper();
    PostgresClusterSpec spec = Example.valid("everything");
    String before = json.writeValueAsString(spec);

    // When
    ClusterObjects objects = Example.objects(spec);
    objects.surroundings();
    objects.statefulSet(3, null, "{}");

    // Then
    assertEquals(before, json.writeValueAsString(spec));
  }
}
