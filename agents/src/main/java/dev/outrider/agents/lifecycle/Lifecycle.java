package dev.outrider.agents.lifecycle;

import dev.outrider.agents.config.AgentConfig;
import dev.outrider.agents.config.AgentStatus;
import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.DurationText;
import dev.outrider.agents.config.Problem;
import dev.outrider.agents.log.AgentLog;
import dev.outrider.agents.reload.ConfigFile;
import dev.outrider.agents.reload.ConfigFile.Look;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leads an agent through its life. One thread calls {@link #run} and does everything: it waits for
 * what others tell it (a signal, a crash, the end of a drain) and looks now and then at the files
 * that it watches, so that an agent needs no thread for its own affairs besides the main thread.
 *
 * <ol>
 *   <li>A new configuration is in force whole or not at all; a bad one is told in the log, in
 *       {@code /status} and in a metric, and the old one stays. It is tried again now and then, and
 *       told again when there is another reason.
 *   <li>A drain is bounded by {@code drainTimeout}, whoever asks for it, and is never taken back.
 *   <li>Whatever crashes ends the process with exit code 1: an agent that half works is worse than
 *       one that restarts.
 * </ol>
 *
 * @param <C> the agent's configuration record
 */
public final class Lifecycle<C extends AgentConfig> {
  /** Exit code: asked to stop, and stopped. */
  public static final int STOPPED = 0;

  /** Exit code: could not start, or crashed. */
  public static final int FAILED = 1;

  private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);
  private static final long POLL_MILLIS = 250;
  // With two looks in a row that must agree, a new configuration is in force about a second after
  // it came.
  private static final int POLLS_PER_LOOK = 2;
  // How long the main thread may be busy (a restart of a listener, a slow disk) before the process
  // counts as stuck.
  private static final long STUCK_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** What others tell the thread that runs the life cycle. */
  private sealed interface Event {
    record Terminate() implements Event {}

    record WorkEnded() implements Event {}

    record Crash(Throwable cause) implements Event {}
  }

  private final String name;
  private final String version;
  private final ConfigFile<C> file;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();

  private volatile AgentState state;
  private volatile C config;
  private volatile String configHash;
  private volatile @Nullable Problem configProblem;
  private volatile @Nullable Agent<C> agent;
  private volatile long lastPoll;
  private volatile ReloadListener reloads = _ -> {};
  private boolean terminating;

  /** Told of each attempt to put a new configuration in force. */
  @FunctionalInterface
  public interface ReloadListener {
    /** Called with whether it is in force now. */
    void reloaded(boolean inForce);
  }

  /**
   * Makes the life cycle of an agent that has read its configuration and done nothing else.
   *
   * @param name the agent's name
   * @param version the agent's version
   * @param file where the configuration comes from
   * @param loaded what it holds now
   * @param clock tells the time
   * @param nanoTime measures time, {@link System#nanoTime}
   */
  public Lifecycle(
      String name,
      String version,
      ConfigFile<C> file,
      Look.Changed<C> loaded,
      InstantSource clock,
      LongSupplier nanoTime) {
    this.name = name;
    this.version = version;
    this.file = file;
    this.config = loaded.config();
    this.configHash = loaded.hash();
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.state = new AgentState.Starting(clock.instant());
    this.lastPoll = nanoTime.getAsLong();
  }

  /** Asks the agent to drain and stop; returns at once. Any thread. */
  public void terminate() {
    events.add(new Event.Terminate());
  }

  /** Ends the process because a part of it has failed; returns at once. Any thread. */
  public void crash(Throwable cause) {
    events.add(new Event.Crash(cause));
  }

  /** Where in its life the agent is. Any thread. */
  public AgentState state() {
    return state;
  }

  /** The hash of the configuration in force. Any thread. */
  public String configHash() {
    return configHash;
  }

  /** Sets who is told of new configurations. */
  public void onReload(ReloadListener listener) {
    reloads = listener;
  }

  /** What keeps the agent from being ready; empty if it is. Any thread, does not block. */
  public List<Problem> unready() {
    AgentState now = state;
    return switch (now) {
      case AgentState.Ready _ -> working();
      case AgentState.Draining draining ->
          List.of(new Problem("agent", "draining: " + draining.reason(), now.since()));
      case AgentState.Starting _, AgentState.Drained _, AgentState.Stopped _ ->
          List.of(new Problem("agent", now.name(), now.since()));
    };
  }

  private List<Problem> problems() {
    Agent<C> working = agent;
    if (working == null) {
      return List.of();
    }
    List<Problem> problems = new ArrayList<>(working.unready());
    problems.addAll(working.warnings());
    return problems;
  }

  private List<Problem> working() {
    Agent<C> working = agent;
    return working == null ? List.of() : working.unready();
  }

  /**
   * What only a restart of the process can mend; empty if nothing. Any thread, may take a second.
   */
  public List<Problem> stuck() {
    Agent<C> working = agent;
    List<Problem> stuck = new ArrayList<>(working == null ? List.of() : working.stuck());
    long silent = nanoTime.getAsLong() - lastPoll;
    if (silent > STUCK_NANOS) {
      stuck.add(
          new Problem(
              "agent",
              "the main thread is stuck for " + TimeUnit.NANOSECONDS.toSeconds(silent) + " s",
              clock.instant().minusNanos(silent)));
    }
    return stuck;
  }

  /** What the agent shows at a path of its own, see {@link Agent#page}. Any thread. */
  public @Nullable Page page(String path, boolean json) {
    Agent<C> working = agent;
    return working == null ? null : working.page(path, json);
  }

  /** What the agent tells the operator. Any thread. */
  public AgentStatus status() {
    AgentState now = state;
    return new AgentStatus(
        name, version, configHash, configProblem, now.name(), now.since(), problems());
  }

  /**
   * Runs the agent to its end.
   *
   * @return the exit code of the process
   */
  public int run(Agent<C> started) {
    DrainFolder folder = new DrainFolder(config.drainFolder(), name);
    int exitCode;
    try {
      folder.clear();
      started.start();
      agent = started;
      state = new AgentState.Starting(state.since()).toReady(clock.instant());
      LOG.atInfo()
          .addKeyValue("version", version)
          .addKeyValue("configHash", configHash)
          .log("ready");
      exitCode = loop(started, folder);
    } catch (AgentException e) {
      LOG.atError().log(String.valueOf(e.getMessage()));
      exitCode = FAILED;
    } catch (IOException e) {
      LOG.atError().setCause(e).addKeyValue("file", folder).log("the drain folder cannot be used");
      exitCode = FAILED;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      LOG.atError().log("interrupted");
      exitCode = FAILED;
    } catch (RuntimeException | Error e) {
      LOG.atError().setCause(e).log("crashed");
      exitCode = FAILED;
    }
    started.stop();
    state = new AgentState.Stopped(clock.instant(), exitCode);
    LOG.atInfo().addKeyValue("exitCode", exitCode).log("stopped");
    return exitCode;
  }

  private int loop(Agent<C> working, DrainFolder folder) throws InterruptedException, IOException {
    for (int poll = 0; ; poll++) {
      lastPoll = nanoTime.getAsLong();
      switch (events.poll(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        case null -> {}
        case Event.Crash crash -> {
          LOG.atError().setCause(crash.cause()).log("crashed");
          return FAILED;
        }
        case Event.Terminate _ -> terminating = true;
        case Event.WorkEnded _ -> {
          if (state instanceof AgentState.Draining draining) {
            state = draining.toDrained(clock.instant());
            folder.tellDrained();
            LOG.atInfo().addKeyValue("cut", draining.cut()).log("drained");
          }
        }
      }
      switch (state) {
        case AgentState.Starting _, AgentState.Stopped _ -> {}
        case AgentState.Ready ready -> {
          if (terminating) {
            drain(working, ready, "asked to terminate");
          } else if (folder.isDrainAsked()) {
            drain(working, ready, "asked by " + folder);
          } else if (poll % POLLS_PER_LOOK == 0) {
            reload(working);
            working.look();
          }
        }
        case AgentState.Draining draining -> {
          if (!draining.cut() && nanoTime.getAsLong() - draining.deadline() >= 0) {
            LOG.atWarn()
                .addKeyValue("drainTimeout", DurationText.format(config.drainTimeout()))
                .log("the drain has taken too long: cutting off what is left");
            state = draining.toCut();
            working.cut();
          }
        }
        case AgentState.Drained _ -> {
          if (terminating) {
            return STOPPED;
          }
        }
      }
    }
  }

  private void drain(Agent<C> working, AgentState.Ready ready, String reason) {
    LOG.atInfo()
        .addKeyValue("reason", reason)
        .addKeyValue("drainTimeout", DurationText.format(config.drainTimeout()))
        .log("draining");
    state =
        ready.toDraining(
            clock.instant(), reason, nanoTime.getAsLong() + config.drainTimeout().toNanos());
    working.drain(() -> events.add(new Event.WorkEnded()));
  }

  private void reload(Agent<C> working) {
    switch (file.look()) {
      case Look.Unchanged<C> _ -> {}
      case Look.Refused<C> refused -> refuse(refused.message());
      case Look.Changed<C> changed -> {
        try {
          checkRestartKeys(config, changed.config());
          working.reconfigure(changed.config());
        } catch (ConfigException | AgentException e) {
          file.refused();
          refuse(String.valueOf(e.getMessage()));
          return;
        }
        config = changed.config();
        configHash = changed.hash();
        configProblem = null;
        AgentLog.configure(name, config.log());
        reloads.reloaded(true);
        LOG.atInfo().addKeyValue("configHash", configHash).log("a new configuration is in force");
      }
    }
  }

  private static void checkRestartKeys(AgentConfig before, AgentConfig after) {
    restartKey("http.listen", before.http().listen(), after.http().listen());
    restartKey("status", before.status(), after.status());
    restartKey("drainFolder", before.drainFolder(), after.drainFolder());
  }

  /**
   * Refuses the change of a key that an agent takes up only at its start.
   *
   * @throws ConfigException if the values differ
   */
  public static void restartKey(String path, @Nullable Object before, @Nullable Object after) {
    if (!String.valueOf(before).equals(String.valueOf(after))) {
      throw ConfigException.problem(
          path, "is " + before + " until a restart, so it cannot become " + after + " now");
    }
  }

  private void refuse(String message) {
    Problem before = configProblem;
    if (before != null && before.message().equals(message)) {
      return;
    }
    configProblem = new Problem("config", message, clock.instant());
    reloads.reloaded(false);
    LOG.atError()
        .addKeyValue("problem", message)
        .addKeyValue("configHash", configHash)
        .log("the new configuration is refused, the old one stays in force");
  }
}
