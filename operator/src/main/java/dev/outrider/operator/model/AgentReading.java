package dev.outrider.operator.model;

import dev.outrider.agents.config.AgentStatus;
import dev.outrider.agents.config.Problem;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the operator knows of one agent of one instance. */
public sealed interface AgentReading {
  /**
   * How long an agent has a problem before anybody is told: PostgreSQL that restarts is gone for
   * some seconds, and that is no news.
   */
  Duration LASTING = Duration.ofSeconds(30);

  /** It has not been asked yet, or has not answered yet. */
  record NotAsked() implements AgentReading {}

  /**
   * It does not answer.
   *
   * @param since when it was first asked in vain
   * @param reason why, in words
   */
  record Unreachable(Instant since, String reason) implements AgentReading {}

  /**
   * What it said last.
   *
   * @param state as in {@link AgentStatus}
   * @param configHash of the configuration in force
   * @param configProblem why a newer configuration is refused, or null
   * @param problems what else has been wrong for longer than {@link #LASTING}
   */
  record Said(
      String version,
      String state,
      String configHash,
      @Nullable Problem configProblem,
      List<Problem> problems)
      implements AgentReading {
    private static final int WORD_LIMIT = 64;
    private static final int MESSAGE_LIMIT = 300;
    private static final int PROBLEMS_LIMIT = 5;

    /** Takes a copy of the list. */
    public Said {
      problems = List.copyOf(problems);
    }

    /** What of a status stands in the cluster's: bounded, and without what is over in a moment. */
    public static Said of(AgentStatus status, Instant now) {
      Problem refused = status.configProblem();
      return new Said(
          shortened(status.version(), WORD_LIMIT),
          shortened(status.state(), WORD_LIMIT),
          status.configHash(),
          refused == null ? null : bounded(refused),
          status.problems().stream()
              .filter(problem -> !problem.since().isAfter(now.minus(LASTING)))
              .limit(PROBLEMS_LIMIT)
              .map(Said::bounded)
              .toList());
    }

    /** Whether it says the same as another, in the same or in other words. */
    public boolean saysTheSameAs(Said other) {
      return wordless().equals(other.wordless());
    }

    private Said wordless() {
      return new Said(
          version,
          state,
          configHash,
          configProblem == null ? null : wordless(configProblem),
          problems.stream().map(Said::wordless).toList());
    }

    private static Problem wordless(Problem problem) {
      return new Problem(problem.what(), "", problem.since());
    }

    private static Problem bounded(Problem problem) {
      return new Problem(
          shortened(problem.what(), WORD_LIMIT),
          shortened(problem.message(), MESSAGE_LIMIT),
          problem.since());
    }

    private static String shortened(String text, int limit) {
      return text.length() <= limit ? text : text.substring(0, limit) + "…";
    }
  }
}
