package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PatroniConfigurationTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static JsonNode local(String spec) throws JsonProcessingException {
    return JSON.readTree(PatroniConfiguration.local(Example.NAMES, Wanted.of(Example.valid(spec))));
  }

  private static List<String> hba(String spec) throws JsonProcessingException {
    List<String> lines = new ArrayList<>();
    local(spec).at("/postgresql/pg_hba").forEach(line -> lines.add(line.asText()));
    return lines;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "minimal",
        "everything",
        "proxy-off",
        "icu",
        "icu-without-locale",
        "libc",
        "version-17"
      })
  void isAsReviewed(String spec) throws JsonProcessingException {
    // Given
    Wanted wanted = Wanted.of(Example.valid(spec));

    // When
    String local = PatroniConfiguration.local(Example.NAMES, wanted);
    JsonNode dynamic = JSON.readTree(PatroniConfiguration.dynamic(wanted));

    // Then
    Golden.check("patroni-" + spec + ".yaml", List.of(JSON.readTree(local), dynamic));
  }

  @Test
  void isTheSameTextEachTime() {
    // Given
    String first =
        PatroniConfiguration.local(Example.NAMES, Wanted.of(Example.valid("everything")))
            + PatroniConfiguration.dynamic(Wanted.of(Example.valid("everything")));

    for (int i = 0; i < 20; i++) {
      // When
      String again =
          PatroniConfiguration.local(Example.NAMES, Wanted.of(Example.valid("everything")))
              + PatroniConfiguration.dynamic(Wanted.of(Example.valid("everything")));

      // Then
      assertEquals(first, again);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"minimal", "proxy-off"})
  void nobodyComesInWithoutAPassword(String spec) throws JsonProcessingException {
    for (String line : hba(spec)) {
      assertTrue(line.contains(" scram-sha-256") || line.endsWith(" reject"), line);
    }
  }

  @Test
  void behindTheProxyOnlyInstancesComeByNetwork() throws JsonProcessingException {
    for (String line : hba("minimal")) {
      assertTrue(
          line.startsWith("local ")
              || (line.startsWith("hostssl ") && line.endsWith(" clientcert=verify-ca")),
          line);
    }
  }

  @Test
  void withoutTheProxyTheRolesOfOutriderStillNeedACertificate() throws JsonProcessingException {
    // When
    List<String> lines = hba("proxy-off");

    // Then: the first line that fits decides, and "all" does not mean replication connections
    int reject = lines.indexOf("host all,replication postgres,replicator,rewind all reject");
    int everybody = lines.indexOf("host all all all scram-sha-256");
    assertTrue(reject >= 0 && reject < everybody, lines::toString);
    for (String line : lines.subList(0, reject)) {
      assertTrue(line.startsWith("local ") || line.contains("clientcert=verify-ca"), line);
    }
  }

  @Test
  void aLostLockIsNoticedInTime() throws JsonProcessingException {
    // When
    JsonNode dynamic =
        JSON.readTree(PatroniConfiguration.dynamic(Wanted.of(Example.valid("minimal"))));

    // Then: Patroni's own rule, loop_wait + 2 * retry_timeout <= ttl
    assertTrue(
        dynamic.get("loop_wait").asInt() + 2 * dynamic.get("retry_timeout").asInt()
            <= dynamic.get("ttl").asInt());
  }

  @Test
  void holdsNoSecret() {
    // When
    String all =
        PatroniConfiguration.local(Example.NAMES, Wanted.of(Example.valid("minimal")))
            + PatroniConfiguration.dynamic(Wanted.of(Example.valid("minimal")));

    // Then
    for (String purpose : List.of("superuser", "replication", "rewind", "restapi", "application")) {
      assertFalse(all.contains(Example.TRUST.seed().password(purpose)), purpose);
    }
    assertFalse(all.contains("\"password\""));
  }

  @ParameterizedTest
  @CsvSource({
    "{}, null, null, null",
    "{replication: {}}, null, null, null",
    "{replication: {mode: async}}, null, null, null",
    "{replication: {mode: sync}}, true, false, 1",
    "'{instances: 4, replication: {mode: sync, syncInstances: 3}}', true, false, 3",
    "'{instances: 3, replication: {mode: strict-sync, syncInstances: 2}}', true, true, 2"
  })
  void patroniIsToldWhenACommitIsAcknowledged(String spec, String mode, String strict, String count)
      throws JsonProcessingException {
    // When
    JsonNode dynamic =
        JSON.readTree(
            PatroniConfiguration.dynamic(
                Wanted.of(Example.spec("{storage: {size: 10Gi}, " + spec.substring(1)))));
    // Then
    assertEquals(mode, String.valueOf(dynamic.get("synchronous_mode")));
    assertEquals(strict, String.valueOf(dynamic.get("synchronous_mode_strict")));
    assertEquals(count, String.valueOf(dynamic.get("synchronous_node_count")));
  }

  @ParameterizedTest
  @CsvSource({"16Mi, 16777216", "1k, 1000", "0.5Ki, 512", "0.0001k, 1"})
  void theLagThatReadersAcceptIsInBytes(String quantity, long bytes)
      throws JsonProcessingException {
    // When
    JsonNode local =
        JSON.readTree(
            PatroniConfiguration.local(
                Example.NAMES, Example.wanted("services: {ro: {maximumLag: " + quantity + "}}")));
    // Then
    assertEquals(bytes, local.at("/outrider/maximum_read_lag").asLong());
  }
}
