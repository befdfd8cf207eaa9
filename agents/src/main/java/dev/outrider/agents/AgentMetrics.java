package dev.outrider.agents;

import dev.outrider.agents.config.AgentConfig;
import dev.outrider.agents.lifecycle.AgentState;
import dev.outrider.agents.lifecycle.Lifecycle;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.stream.Stream;

/**
 * The metrics of every agent: what it is, which configuration is in force, and what its process
 * costs.
 *
 * <p>The process metrics have the names of the Prometheus client libraries' guidelines and are read
 * from /proc; the client's own JVM metrics go through JMX, which alone costs an idle agent some
 * MiB.
 */
final class AgentMetrics {
  private static final Path SELF = Path.of("/proc/self");
  // USER_HZ of proc(5): 100 on every architecture that Outrider runs on.
  private static final double TICKS_PER_SECOND = 100;

  private AgentMetrics() {}

  static <C extends AgentConfig> void register(
      PrometheusRegistry registry, String agent, String version, Lifecycle<C> lifecycle) {
    Info.builder()
        .name("outrider_agent_build_info")
        .help("The agent, its version and its Java runtime")
        .labelNames("agent", "version", "java")
        .register(registry)
        .setLabelValues(agent, version, Runtime.version().toString());
    Counter reloads =
        Counter.builder()
            .name("outrider_agent_config_reloads_total")
            .help("New configuration files, by whether they are in force")
            .labelNames("result")
            .register(registry);
    reloads.initLabelValues("in_force");
    reloads.initLabelValues("refused");
    lifecycle.onReload(inForce -> reloads.labelValues(inForce ? "in_force" : "refused").inc());
    GaugeWithCallback.builder()
        .name("outrider_agent_config_hash")
        .help("SHA-256 of the configuration in force, as a label")
        .labelNames("hash")
        .callback(callback -> callback.call(1, lifecycle.configHash()))
        .register(registry);
    GaugeWithCallback.builder()
        .name("outrider_agent_state")
        .help("1 for the state that the agent is in, 0 for the others")
        .labelNames("state")
        .callback(
            callback -> {
              String now = lifecycle.state().name();
              AgentState.NAMES.forEach(name -> callback.call(name.equals(now) ? 1 : 0, name));
            })
        .register(registry);
    registerProcess(registry);
  }

  private static void registerProcess(PrometheusRegistry registry) {
    double start =
        ProcessHandle.current().info().startInstant().orElseGet(Instant::now).toEpochMilli()
            / 1000.0;
    gauge(registry, "process_start_time_seconds", "Start of the process, Unix time", () -> start);
    CounterWithCallback.builder()
        .name("process_cpu_seconds_total")
        .help("User and system CPU time of the process")
        .callback(callback -> callback.call(cpuSeconds()))
        .register(registry);
    gauge(
        registry,
        "process_resident_memory_bytes",
        "Resident memory of the process",
        () -> statusKib("VmRSS:") * 1024);
    gauge(
        registry,
        "process_private_memory_bytes",
        "Resident anonymous memory of the process: what it shares with nobody",
        () -> statusKib("RssAnon:") * 1024);
    gauge(registry, "process_open_fds", "Open file descriptors", AgentMetrics::openFiles);
    gauge(registry, "process_threads", "Threads of the process", () -> statusKib("Threads:"));
    Runtime runtime = Runtime.getRuntime();
    gauge(
        registry,
        "jvm_heap_used_bytes",
        "Java heap in use, garbage included",
        () -> runtime.totalMemory() - runtime.freeMemory());
    gauge(registry, "jvm_heap_max_bytes", "Upper bound of the Java heap", runtime::maxMemory);
  }

  private interface Reading {
    double read() throws IOException;
  }

  private static void gauge(
      PrometheusRegistry registry, String name, String help, Reading reading) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(orNan(reading)))
        .register(registry);
  }

  private static double orNan(Reading reading) {
    try {
      return reading.read();
    } catch (IOException e) {
      // Not Linux, or /proc is hidden: a metric without a value is what that is.
      return Double.NaN;
    }
  }

  /**
   * Fields 14 and 15 of /proc/self/stat, counted behind the command's name, which may hold spaces.
   */
  private static double cpuSeconds() {
    return orNan(
        () -> {
          String stat = Files.readString(SELF.resolve("stat"), StandardCharsets.ISO_8859_1);
          String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", 15);
          return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
        });
  }

  private static double statusKib(String field) throws IOException {
    for (String line : Files.readAllLines(SELF.resolve("status"), StandardCharsets.ISO_8859_1)) {
      if (line.startsWith(field)) {
        String value = line.substring(field.length()).strip();
        int end = value.indexOf(' ');
        return Long.parseLong(end < 0 ? value : value.substring(0, end));
      }
    }
    return Double.NaN;
  }

  private static double openFiles() throws IOException {
    try (Stream<Path> files = Files.list(SELF.resolve("fd"))) {
      return files.count();
    }
  }
}
