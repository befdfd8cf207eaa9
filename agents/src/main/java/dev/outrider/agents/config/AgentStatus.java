package dev.outrider.agents.config;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
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
    StringBuilder out = new StringBuilder();
    JsonText.value(out, toMap());
    return out.toString();
  }

  /**
   * The record as a JSON object's members, in the order in which they are written; {@link #from}
   * reads them.
   */
  public Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("agent", agent);
    json.put("version", version);
    json.put("configHash", configHash);
    json.put("configProblem", configProblem == null ? null : json(configProblem));
    json.put("state", state);
    json.put("since", Timestamp.of(since));
    json.put("problems", problems.stream().map(AgentStatus::json).toList());
    return json;
  }

  private static Map<String, Object> json(Problem problem) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("what", problem.what());
    json.put("message", problem.message());
    json.put("since", Timestamp.of(problem.since()));
    return json;
  }

  /**
   * The record from a JSON object that some JSON reader has read: objects as maps, arrays as lists.
   * Members that this version does not know are passed over, since the agent may be newer.
   *
   * @throws IllegalArgumentException if a member is missing or is something else; the message names
   *     it
   */
  public static AgentStatus from(Map<?, ?> json) {
    return new AgentStatus(
        text(json, "agent"),
        text(json, "version"),
        text(json, "configHash"),
        json.get("configProblem") == null
            ? null
            : problem("configProblem", json.get("configProblem")),
        text(json, "state"),
        instant(json, "since"),
        problems(json.get("problems")));
  }

  private static List<Problem> problems(@Nullable Object value) {
    if (!(value instanceof List<?> list)) {
      throw unusable("problems", value, "a list");
    }
    List<Problem> problems = new ArrayList<>();
    for (Object element : list) {
      problems.add(problem("problems[" + problems.size() + "]", element));
    }
    return problems;
  }

  private static Problem problem(String member, @Nullable Object value) {
    if (!(value instanceof Map<?, ?> json)) {
      throw unusable(member, value, "an object");
    }
    return new Problem(text(json, "what"), text(json, "message"), instant(json, "since"));
  }

  private static String text(Map<?, ?> json, String member) {
    if (json.get(member) instanceof String text) {
      return text;
    }
    throw unusable(member, json.get(member), "text");
  }

  private static Instant instant(Map<?, ?> json, String member) {
    String text = text(json, member);
    try {
      return Instant.parse(text);
    } catch (DateTimeException e) {
      throw unusable(member, text, "a point in time such as 2026-11-21T10:10:24.000Z");
    }
  }

  private static IllegalArgumentException unusable(
      String member, @Nullable Object value, String expected) {
    return new IllegalArgumentException(
        member
            + (value == null ? " is missing" : " is " + value)
            + " (expected: "
            + expected
            + ")");
  }
}
