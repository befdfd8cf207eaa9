package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The annotations are of Patroni 4.1.5, taken from pods of a local cluster. */
class PatroniMemberTest {
  private static PatroniMember read(String annotation) {
    return PatroniMember.of(new ExamplePod(0).patroni(annotation).pod());
  }

  @Test
  void readsAReplica() {
    // When
    PatroniMember member =
        read(
            """
            {"conn_url":"postgres://10.88.2.16:5433/postgres",\
            "api_url":"https://10.88.2.16:8008/patroni","state":"running","role":"replica",\
            "version":"4.1.5","xlog_location":67160232,"replay_lsn":67160000,\
            "receive_lsn":67160232,"replication_state":"streaming","timeline":2}""");

    // Then
    assertEquals(
        new PatroniMember(
            "running", "replica", 2L, 67160232L, 67160000L, "streaming", "4.1.5", Map.of(), null),
        member);
  }

  @Test
  void readsAPrimary() {
    // When
    PatroniMember member =
        read(
            """
            {"conn_url":"postgres://10.88.2.15:5433/postgres",\
            "api_url":"https://10.88.2.15:8008/patroni","state":"running","role":"primary",\
            "version":"4.1.5","checkpoint_after_promote":false,"xlog_location":67160232,\
            "timeline":2}""");

    // Then
    assertEquals(
        new PatroniMember("running", "primary", 2L, 67160232L, null, null, "4.1.5", Map.of(), null),
        member);
  }

  @Test
  void readsWhatARestartWouldChange() {
    // When
    PatroniMember member =
        read(
            """
            {"conn_url":"postgres://10.88.2.15:5433/postgres","state":"running","role":"primary",\
            "version":"4.1.5","pending_restart":true,"pending_restart_reason":\
            {"shared_buffers":{"old_value":"128MB","new_value":"256MB"},\
            "max_connections":{"old_value":"100","new_value":"120"}},\
            "xlog_location":67160232,"timeline":2}""");

    // Then
    assertEquals(
        Map.of("shared_buffers", "128MB -> 256MB", "max_connections", "100 -> 120"),
        member.pendingRestart());
  }

  @Test
  void readsAMemberThatIsStillBeingMade() {
    // When
    PatroniMember member =
        read(
            """
            {"conn_url":"postgres://10.88.2.17:5433/postgres",\
            "api_url":"https://10.88.2.17:8008/patroni","state":"creating replica",\
            "role":"replica","version":"4.1.5"}""");

    // Then
    assertEquals(
        new PatroniMember(
            "creating replica", "replica", null, null, null, null, "4.1.5", Map.of(), null),
        member);
  }

  @Test
  void readsWhyAnInstanceIsStuck() {
    // When
    PatroniMember member =
        read(
            """
            {"state":"running","role":"replica","timeline":2,"xlog_location":67160232,\
            "outrider":{"stuck":{"since":"2026-11-21T11:59:00Z","reason":"replay stands still"}}}""");

    // Then
    assertEquals(
        new PatroniMember.Stuck(Instant.parse("2026-11-21T11:59:00Z"), "replay stands still"),
        member.stuck());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"since\":\"noon\",\"reason\":\"\"}",
        "{\"since\":12,\"reason\":null}",
      })
  void whoeverIsStuckWithoutGoodWordsIsStuckAllTheSame(String stuck) {
    assertEquals(
        new PatroniMember.Stuck(null, "it does not follow the primary"),
        read("{\"outrider\":{\"stuck\":" + stuck + "}}").stuck());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"outrider\":{}}", "{\"outrider\":7}", "{\"outrider\":{\"stuck\":null}}"})
  void nobodyIsStuckWithoutSayingSo(String annotation) {
    assertNull(read(annotation).stuck());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "7",
        "{",
        "no JSON",
        "{\"state\":null,\"xlog_location\":\"x\",\"pending_restart_reason\":[]}"
      })
  void garbageSaysNothing(String annotation) {
    assertEquals(
        new PatroniMember(null, null, null, null, null, null, null, Map.of(), null),
        read(annotation));
  }

  @Test
  void aPodWithoutAnnotationSaysNothing() {
    assertEquals(
        new PatroniMember(null, null, null, null, null, null, null, Map.of(), null),
        PatroniMember.of(new ExamplePod(0).pod()));
  }
}
