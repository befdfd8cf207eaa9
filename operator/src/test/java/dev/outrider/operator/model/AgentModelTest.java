package dev.outrider.operator.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.AgentStatus;
import dev.outrider.agents.config.Problem;
import dev.outrider.operator.api.PostgresClusterStatus.AgentState;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AgentModelTest {
  private static final Instant NOON = Instant.parse("2026-11-21T12:00:00Z");
  private static final Problem REFUSED =
      new Problem("config", "proxy.yaml:3: listen is \"x\"", NOON.minusSeconds(1));

  private static Problem upstream(int seconds) {
    return new Problem("upstream", "no socket", NOON.minusSeconds(seconds));
  }

  private static AgentReading said(
      String state, String hash, @Nullable Problem refused, Problem... problems) {
    return AgentReading.Said.of(
        new AgentStatus("proxy", "0.1.0", hash, refused, state, NOON, List.of(problems)), NOON);
  }

  private static Instance pod(int ordinal) {
    return new ExamplePod(ordinal).replica(1).agent("proxy", "c", true).instance();
  }

  private static AgentFacts facts(AgentReading first, AgentReading second) {
    return new AgentFacts(
        Map.of("proxy", "wanted"),
        Map.of("shop-0", Map.of("proxy", first), "shop-1", Map.of("proxy", second)));
  }

  private static String verdict(AgentReading second) {
    return verdict(
        Example.observed("shop-0", pod(0), pod(1)), facts(said("ready", "wanted", null), second));
  }

  private static String verdict(Observed observed, AgentFacts facts) {
    AgentModel.Verdict verdict = AgentModel.verdict("proxy", observed, facts);
    return verdict.status() + " " + verdict.reason() + ": " + verdict.message();
  }

  private static AgentState state(AgentReading reading) {
    return AgentModel.states(pod(0), facts(reading, reading)).getFirst();
  }

  @Test
  void anAgentThatDoesAllItShould() {
    assertEquals(
        new AgentState("proxy", "ready", "0.1.0", true, null),
        state(said("ready", "wanted", null)));
    assertEquals(
        "True ProxyServing: the proxy of every instance does what it should",
        verdict(said("ready", "wanted", null)));
  }

  @Test
  void anOlderConfigurationShowsInTheInstanceAlone() {
    assertEquals(
        new AgentState("proxy", "ready", "0.1.0", false, null),
        state(said("ready", "older", null)));
    assertTrue(verdict(said("ready", "older", null)).startsWith("True ProxyServing"));
  }

  @Test
  void aConfigurationThatIsRefusedIsToldInTheAgentsWords() {
    String words = "config: proxy.yaml:3: listen is \"x\" (since 2026-11-21T11:59:59.000Z)";
    assertEquals(
        new AgentState("proxy", "ready", "0.1.0", false, List.of(words)),
        state(said("ready", "older", REFUSED)));
    assertEquals(
        "False ProxyConfigurationRefused: shop-1: " + words,
        verdict(said("ready", "older", REFUSED)));
  }

  @Test
  void aProblemIsToldWhenItLasts() {
    assertTrue(verdict(said("ready", "wanted", null, upstream(29))).startsWith("True "));
    assertEquals(
        "False ProxyProblem: shop-1: upstream: no socket (since 2026-11-21T11:59:30.000Z)",
        verdict(said("ready", "wanted", null, upstream(30))));
  }

  @Test
  void theWorstIsToldFirst() {
    assertEquals(
        "False ProxyProblem: shop-0: upstream: no socket (since 2026-11-21T11:59:00.000Z)",
        verdict(
            Example.observed("shop-0", pod(0), pod(1)),
            facts(
                said("ready", "wanted", null, upstream(60)),
                new AgentReading.Unreachable(NOON, "Connect timed out"))));
  }

  @Test
  void anAgentThatCannotBeReachedMayWellServe() {
    AgentReading away = new AgentReading.Unreachable(NOON, "Connect timed out");
    String words = "not reached: Connect timed out (since 2026-11-21T12:00:00.000Z)";
    assertEquals(new AgentState("proxy", "unreachable", null, null, List.of(words)), state(away));
    assertEquals("Unknown ProxyNotReached: shop-1: " + words, verdict(away));
  }

  @Test
  void anAgentThatIsNotAtWork() {
    assertEquals(
        "False ProxyNotReady: shop-1: is draining", verdict(said("draining", "wanted", null)));
    assertEquals(
        "False ProxyNotReady: shop-1: has not answered yet", verdict(new AgentReading.NotAsked()));
    assertEquals("unknown", state(new AgentReading.NotAsked()).state());

    // A pod whose container does not run, and one that was made without a proxy
    Instance waits = new ExamplePod(0).replica(1).instance();
    Instance without =
        new ExamplePod(1, Example.objects(Example.valid("proxy-off")).podTemplate())
            .replica(1)
            .instance();
    assertEquals(
        "False ProxyNotReady: shop-0: is not running; shop-1: has no proxy until its pod is made"
            + " again",
        verdict(Example.observed("shop-0", waits, without), AgentFacts.NONE));
    assertEquals(
        List.of(new AgentState("proxy", "not running", null, null, null)),
        AgentModel.states(waits, AgentFacts.NONE));
    assertEquals(List.of(), AgentModel.states(without, AgentFacts.NONE));
  }

  @Test
  void withoutAnInstanceNothingServes() {
    Instance going = new ExamplePod(0).replica(1).deleted().instance();
    assertEquals(
        "False ProxyNotReady: no instance is there",
        verdict(Example.observed(null, going), AgentFacts.NONE));
  }

  @Test
  void whatAnAgentSaysIsBounded() {
    // Given
    Problem[] many = new Problem[100];
    java.util.Arrays.fill(
        many, new Problem("x".repeat(1000), "y".repeat(10_000), NOON.minusSeconds(99)));

    // When
    AgentState state = state(said("z".repeat(1000), "wanted", null, many));

    // Then
    assertEquals(65, state.state().length());
    List<String> problems = java.util.Objects.requireNonNull(state.problems());
    assertEquals(5, problems.size());
    assertTrue(problems.stream().allMatch(p -> p.length() < 420));
  }
}
