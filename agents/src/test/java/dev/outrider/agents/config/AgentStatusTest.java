package dev.outrider.agents.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AgentStatusTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00.123Z");
  private static final Problem REFUSED =
      new Problem("config", "proxy.yaml:3: listen is \"x\"", NOON.minusSeconds(5));
  private static final Problem AWAY = new Problem("upstream", "no socket", NOON.minusSeconds(60));

  private static AgentStatus status(@Nullable Problem configProblem, Problem... problems) {
    return new AgentStatus(
        "proxy", "0.1.0", "abc", configProblem, "ready", NOON, List.of(problems));
  }

  private static Map<String, @Nullable Object> mended(String member, @Nullable Object value) {
    Map<String, @Nullable Object> json = new HashMap<>(status(REFUSED, AWAY).toMap());
    json.put(member, value);
    return json;
  }

  private static String problem(Map<String, @Nullable Object> json) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, () -> AgentStatus.from(json)).getMessage());
  }

  @Test
  void whatIsWrittenIsRead() {
    for (AgentStatus status :
        List.of(status(null), status(REFUSED), status(null, AWAY), status(REFUSED, AWAY, AWAY))) {
      assertEquals(status, AgentStatus.from(status.toMap()));
    }
  }

  @Test
  void theJsonIsTheMap() {
    assertEquals(
        """
        {"agent":"proxy","version":"0.1.0","configHash":"abc","configProblem":null,\
        "state":"ready","since":"2026-11-21T12:00:00.123Z","problems":[{"what":"upstream",\
        "message":"no socket","since":"2026-11-21T11:59:00.123Z"}]}""",
        status(null, AWAY).toJson());
  }

  @Test
  void aNewerAgentMaySayMore() {
    assertEquals(status(REFUSED, AWAY), AgentStatus.from(mended("mood", Map.of("good", true))));
  }

  @Test
  void somethingElseIsNamed() {
    assertEquals("state is missing (expected: text)", problem(mended("state", null)));
    assertEquals("agent is 7 (expected: text)", problem(mended("agent", 7)));
    assertEquals("problems is missing (expected: a list)", problem(mended("problems", null)));
    assertEquals(
        "problems[0] is x (expected: an object)", problem(mended("problems", List.of("x"))));
    assertEquals("configProblem is 1 (expected: an object)", problem(mended("configProblem", 1)));
    assertEquals(
        "since is noon (expected: a point in time such as 2026-11-21T10:10:24.000Z)",
        problem(mended("since", "noon")));
  }
}
