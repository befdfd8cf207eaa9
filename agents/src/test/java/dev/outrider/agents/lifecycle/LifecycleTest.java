package dev.outrider.agents.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.ConfigHash;
import dev.outrider.agents.config.Problem;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.reload.ConfigFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LifecycleTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

  /** Notes what it is told. */
  private static final class FakeAgent implements Agent<ProxyConfig> {
    final List<String> calls = new CopyOnWriteArrayList<>();
    volatile List<Problem> unready = List.of();
    volatile @Nullable Runnable ended;
    volatile @Nullable RuntimeException startFails;
    volatile @Nullable RuntimeException busy;

    @Override
    public void start() {
      RuntimeException fails = startFails;
      if (fails != null) {
        throw fails;
      }
      calls.add("start");
    }

    @Override
    public void reconfigure(ProxyConfig config) {
      RuntimeException now = busy;
      if (now != null) {
        calls.add("busy");
        throw now;
      }
      if (config.maxConnections() == 13) {
        throw ConfigException.problem("maxConnections", "is unlucky");
      }
      calls.add("reconfigure " + config.maxConnections());
    }

    @Override
    public List<Problem> unready() {
      return unready;
    }

    @Override
    public List<Problem> stuck() {
      return List.of();
    }

    @Override
    public void drain(Runnable ended) {
      calls.add("drain");
      this.ended = ended;
    }

    @Override
    public void cut() {
      calls.add("cut");
      workEnds();
    }

    void workEnds() {
      Runnable run = ended;
      if (run != null) {
        run.run();
      }
    }

    @Override
    public void stop() {
      calls.add("stop");
    }
  }

  @TempDir Path folder;
  private final FakeAgent agent = new FakeAgent();
  private final AtomicReference<Instant> now = new AtomicReference<>(NOW);
  private final AtomicLong nanoTime = new AtomicLong();
  private final List<Boolean> reloads = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private Path file = Path.of("unset");

  @BeforeEach
  void setUp() {
    file = folder.resolve("proxy.yaml");
  }

  @AfterEach
  void tearDown() {
    threads.shutdownNow();
  }

  private String yaml(String rest) {
    return "drainFolder: " + folder.resolve("drain") + "\n" + rest;
  }

  private Lifecycle<ProxyConfig> lifecycle() throws IOException {
    if (!Files.exists(file)) {
      Files.writeString(file, yaml("drainTimeout: 10s"));
    }
    ConfigFile<ProxyConfig> source =
        new ConfigFile<>(file, java.util.Map.of(), ProxyConfig::from, now::get);
    Lifecycle<ProxyConfig> lifecycle =
        new Lifecycle<>("proxy", "1.2.3", source, source.load(), now::get, nanoTime::get);
    lifecycle.onReload(reloads::add);
    return lifecycle;
  }

  private Future<Integer> run(Lifecycle<ProxyConfig> lifecycle) {
    Future<Integer> exitCode = threads.submit(() -> lifecycle.run(agent));
    until(() -> lifecycle.state() instanceof AgentState.Ready || exitCode.isDone());
    return exitCode;
  }

  private static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "did not come about in 20 s");
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void sigtermDrainsThenStops() throws Exception {
    // Given
    Lifecycle<ProxyConfig> lifecycle = lifecycle();
    Future<Integer> exitCode = run(lifecycle);

    // When
    lifecycle.terminate();
    until(() -> agent.calls.contains("drain"));

    // Then
    assertEquals("draining", lifecycle.status().state());
    assertEquals(
        List.of(new Problem("agent", "draining: asked to terminate", NOW)), lifecycle.unready());
    assertFalse(exitCode.isDone());

    // When
    agent.workEnds();

    // Then
    assertEquals(Lifecycle.STOPPED, exitCode.get());
    assertEquals(List.of("start", "drain", "stop"), agent.calls);
    assertTrue(Files.exists(folder.resolve("drain/proxy.drained")));
  }

  @Test
  void theFileDrainsAndTheProcessStaysUntilSigterm() throws Exception {
    // Given
    Lifecycle<ProxyConfig> lifecycle = lifecycle();
    Future<Integer> exitCode = run(lifecycle);

    // When
    Files.createFile(folder.resolve("drain/proxy.drain"));
    until(() -> agent.calls.contains("drain"));
    agent.workEnds();

    // Then
    until(() -> Files.exists(folder.resolve("drain/proxy.drained")));
    until(() -> lifecycle.status().state().equals("drained"));
    assertFalse(exitCode.isDone());

    // When
    lifecycle.terminate();

    // Then
    assertEquals(Lifecycle.STOPPED, exitCode.get());
    assertEquals(List.of("start", "drain", "stop"), agent.calls);
  }

  @Test
  void whatAnEarlierProcessWasAskedIsForgotten() throws Exception {
    // Given
    Files.createDirectory(folder.resolve("drain"));
    Files.createFile(folder.resolve("drain/proxy.drain"));
    Files.createFile(folder.resolve("drain/proxy.drained"));

    // When
    Lifecycle<ProxyConfig> lifecycle = lifecycle();
    Future<Integer> exitCode = run(lifecycle);

    // Then
    assertEquals("ready", lifecycle.status().state());
    assertFalse(Files.exists(folder.resolve("drain/proxy.drain")));
    assertFalse(Files.exists(folder.resolve("drain/proxy.drained")));
    lifecycle.crash(new IllegalStateException("the test is over"));
    assertEquals(Lifecycle.FAILED, exitCode.get());
  }

  @Test
  void aDrainIsBounded() throws Exception {
    // Given
    Lifecycle<ProxyConfig> lifecycle = lifecycle();
    Future<Integer> exitCode = run(lifecycle);
    lifecycle.terminate();
    until(() -> agent.calls.contains("drain"));

    // When
    nanoTime.addAndGet(TimeUnit.SECONDS.toNanos(10));

    // Then
    assertEquals(Lifecycle.STOPPED, exitCode.get());
    assertEquals(List.of("start", "drain", "cut", "stop"), agent.calls);
  }

  @Test
  void aCrashEndsTheProcess() throws Exception {
    // Given
    Lifecycle<ProxyConfig> lifecycle = lifecycle();
    Future<Integer> exitCode = run(lifecycle);

    // When
    lifecycle.crash(new IllegalStateException("broken"));

    // Then
    assertEquals(Lifecycle.FAILED, exitCode.get());
    assertEquals(List.of("start", "stop"), agent.calls);
    assertEquals("stopped", lifecycle.status().state());
  }

  @Test
  void anAgentThatCannotStartEndsTheProcess() throws Exception {
    // Given
    agent.startFails = new AgentException("listen: taken", null);

    // When
    Future<Integer> exitCode = run(lifecycle());

    // Then
    assertEquals(Lifecycle.FAILED, exitCode.get());
  }

  @Test
  void aNewConfigurationIsTakenAndABadOneRefused() throws Exception {
    // Given
    Lifecycle<ProxyConfig> lifecycle = lifecycle();
    Future<Integer> exitCode = run(lifecycle);

    // When
    String good = yaml("maxConnections: 7");
    Files.writeString(file, good);

    // Then
    until(() -> reloads.size() == 1);
    String hash = ConfigHash.of(good.getBytes(StandardCharsets.UTF_8));
    until(() -> lifecycle.status().configHash().equals(hash));
    assertTrue(agent.calls.contains("reconfigure 7"));

    // When: it cannot be read
    Files.writeString(file, yaml("maxConnections: all"));

    // Then
    until(() -> reloads.size() == 2);
    assertEquals(hash, lifecycle.status().configHash());
    assertEquals(
        new Problem("config", file + ":2: maxConnections: \"all\" (expected: a whole number)", NOW),
        lifecycle.status().configProblem());

    // When: the agent cannot put it in force
    Files.writeString(file, yaml("maxConnections: 13"));

    // Then
    until(() -> reloads.size() == 3);
    assertEquals(hash, lifecycle.status().configHash());
    assertEquals(
        new Problem("config", "maxConnections: is unlucky", NOW),
        lifecycle.status().configProblem());

    // When: it needs a restart
    Files.writeString(file, yaml("http: {listen: '127.0.0.1:1'}"));

    // Then
    until(() -> reloads.size() == 4);
    assertEquals(
        new Problem(
            "config",
            "http.listen: is 127.0.0.1:9101 until a restart, so it cannot become 127.0.0.1:1 now",
            NOW),
        lifecycle.status().configProblem());

    // When: good again
    Files.writeString(file, good);

    // Then
    until(() -> reloads.size() == 5);
    until(() -> lifecycle.status().configProblem() == null);
    assertEquals(List.of(true, false, false, false, true), reloads);
    assertFalse(exitCode.isDone());
    lifecycle.crash(new IllegalStateException("the test is over"));
  }

  @Test
  void whatIsRefusedForAReasonThatPassesIsTriedAgainAndToldOnce() throws Exception {
    // Given
    Lifecycle<ProxyConfig> lifecycle = lifecycle();
    Future<Integer> exitCode = run(lifecycle);
    agent.busy = new AgentException("listen: taken", null);
    String good = yaml("maxConnections: 7");
    Files.writeString(file, good);
    until(() -> reloads.size() == 1);

    // When
    for (int attempt = 2; attempt < 4; attempt++) {
      int calls = attempt;
      now.updateAndGet(instant -> instant.plusSeconds(60));
      until(() -> agent.calls.stream().filter("busy"::equals).count() == calls);
    }

    // Then
    assertEquals(new Problem("config", "listen: taken", NOW), lifecycle.status().configProblem());

    // When
    agent.busy = null;
    now.updateAndGet(instant -> instant.plusSeconds(60));

    // Then
    until(() -> reloads.size() == 2);
    assertEquals(List.of(false, true), reloads);
    until(() -> lifecycle.status().configProblem() == null);
    assertEquals(
        ConfigHash.of(good.getBytes(StandardCharsets.UTF_8)), lifecycle.status().configHash());
    assertFalse(exitCode.isDone());
    lifecycle.crash(new IllegalStateException("the test is over"));
  }

  @Test
  void aSilentMainThreadIsStuck() throws Exception {
    // Given
    Lifecycle<ProxyConfig> lifecycle = lifecycle();

    // When
    nanoTime.addAndGet(TimeUnit.SECONDS.toNanos(31));

    // Then
    assertEquals(
        List.of(new Problem("agent", "the main thread is stuck for 31 s", NOW.minusSeconds(31))),
        lifecycle.stuck());
  }

  @Test
  void theStatusIsARecordInJson() throws Exception {
    // Given
    Lifecycle<ProxyConfig> lifecycle = lifecycle();
    Future<Integer> exitCode = run(lifecycle);
    agent.unready = List.of(new Problem("upstream", "no socket at /x", NOW));

    // Then
    assertEquals(
        "{\"agent\":\"proxy\",\"version\":\"1.2.3\",\"configHash\":\""
            + lifecycle.configHash()
            + "\",\"configProblem\":null,\"state\":\"ready\",\"since\":\"2026-01-02T03:04:05.000Z\","
            + "\"problems\":[{\"what\":\"upstream\",\"message\":\"no socket at /x\","
            + "\"since\":\"2026-01-02T03:04:05.000Z\"}]}",
        lifecycle.status().toJson());
    lifecycle.crash(new IllegalStateException("the test is over"));
    assertEquals(Lifecycle.FAILED, exitCode.get());
  }
}
