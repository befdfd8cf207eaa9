package dev.outrider.agents;

import dev.outrider.agents.config.AgentConfig;
import dev.outrider.agents.config.AgentStatus;
import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.Problem;
import dev.outrider.agents.http.AgentEndpoint;
import dev.outrider.agents.lifecycle.AgentException;
import dev.outrider.agents.lifecycle.Lifecycle;
import dev.outrider.agents.lifecycle.Page;
import dev.outrider.agents.log.AgentLog;
import dev.outrider.agents.reload.ConfigFile;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** The command {@code outrider}: runs the agent that is asked for until it is told to stop. */
public final class Main {
  private Main() {}

  /** Runs a command line and ends the process with its exit code. */
  public static void main(String[] arguments) {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    List<AgentCommand<?>> commands = new ArrayList<>();
    ServiceLoader.load(AgentCommand.class).forEach(commands::add);
    int exitCode = CommandLines.run(arguments, commands, version(), Main::run, out, err);
    System.exit(exitCode);
  }

  private static String version() {
    String version = Main.class.getPackage().getImplementationVersion();
    return version == null ? "unpackaged" : version;
  }

  private static <C extends AgentConfig> int run(
      AgentCommand<C> command,
      @Nullable Path file,
      Map<String, String> options,
      String version,
      PrintWriter err) {
    Clock clock = Clock.systemUTC();
    ConfigFile<C> source = new ConfigFile<>(file, options, command::bind, clock);
    ConfigFile.Look.Changed<C> loaded;
    try {
      loaded = source.load();
    } catch (ConfigException e) {
      err.println("outrider " + command.name() + ": " + e.getMessage());
      return CommandLines.USAGE;
    }
    C config = loaded.config();
    AgentLog.configure(command.name(), config.log());
    Lifecycle<C> lifecycle =
        new Lifecycle<>(command.name(), version, source, loaded, clock, System::nanoTime);
    Thread.setDefaultUncaughtExceptionHandler((_, error) -> lifecycle.crash(error));
    // SIGTERM and SIGINT: the JVM runs its hooks and would then exit with 128 + the signal's
    // number, however well all
    // went, unless the hook itself ends the process.
    CountDownLatch ended = new CountDownLatch(1);
    int[] exitCode = {Lifecycle.FAILED};
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  if (ended.getCount() == 0) {
                    return;
                  }
                  lifecycle.terminate();
                  awaitEnd(ended, config);
                  Runtime.getRuntime().halt(exitCode[0]);
                },
                "terminate"));

    PrometheusRegistry metrics = new PrometheusRegistry();
    AgentMetrics.register(metrics, command.name(), version, lifecycle);
    try (AgentEndpoint endpoint =
        AgentEndpoint.start(config, metrics, readings(lifecycle), clock)) {
      LoggerFactory.getLogger(Main.class)
          .atDebug()
          .addKeyValue("http", endpoint.address())
          .log("the HTTP endpoint listens");
      exitCode[0] =
          lifecycle.run(
              command.agent(
                  config, new AgentCommand.Surroundings(metrics, clock, lifecycle::crash)));
    } catch (AgentException e) {
      LoggerFactory.getLogger(Main.class).error(String.valueOf(e.getMessage()));
    } finally {
      ended.countDown();
    }
    return exitCode[0];
  }

  private static void awaitEnd(CountDownLatch ended, AgentConfig config) {
    try {
      // A drain is bounded by itself; this bound is for an agent that hangs while it stops.
      boolean inTime = ended.await(config.drainTimeout().toSeconds() + 10, TimeUnit.SECONDS);
      if (!inTime) {
        LoggerFactory.getLogger(Main.class).error("does not stop: the process is ended by force");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static AgentEndpoint.Readings readings(Lifecycle<?> lifecycle) {
    return new AgentEndpoint.Readings() {
      @Override
      public List<Problem> unready() {
        return lifecycle.unready();
      }

      @Override
      public List<Problem> stuck() {
        return lifecycle.stuck();
      }

      @Override
      public @Nullable Page page(String path, boolean json) {
        return lifecycle.page(path, json);
      }

      @Override
      public AgentStatus status() {
        return lifecycle.status();
      }
    };
  }
}
