package dev.outrider.agents.config;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an agent tells about itself at {@code GET /status}: written by the agent, read by the
 * operator.
 *
 * @param agent its name: {@code proxy}
 * @param version its version
 * @param configHash the {@link ConfigHash} of the configuration in force
 * @param configProblem why the newest configuration file is not in force, or null if it is
 * @param state {@code starting}, {@code ready}, {@code draining}, {@code drained} or {@code
 *     stopped}
 * @param since when that state began
 * @param problems what else is wrong; empty if the agent does all it should
 */
public record AgentStatus(
    String agent,
    String version,
    String configHash,
    @Nullable Problem configProblem,
    String state,
    Instant since,
    List<Problem> problems) {
  /** Takes a copy of the list. */
  public AgentStatus {
    problems = List.copyOf(problems);
  }

  /** The record as JSON; the keys are the names of its components, points in time are RFC 3339. */
  public String toJson() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("agent", agent);
    json.put("version", version);
    json.put("configHash", configHash);
    json.put("configProblem", configProblem == null ? null : json(configProblem));
    json.put("state", state);
    json.put("since", Timestamp.of(since));
    json.put("problems", problems.stream().map(AgentStatus::json).toList());
    StringBuilder out = new StringBuilder();
    JsonText.value(out, json);
    return out.toString();
  }

  private static Map<String, Object> json(Problem problem) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("what", problem.what());
    json.put("message", problem.message());
    json.put("since", Timestamp.of(problem.since()));
    return json;
  }
}
