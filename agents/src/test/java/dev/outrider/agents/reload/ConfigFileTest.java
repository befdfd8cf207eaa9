package dev.outrider.agents.reload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.ConfigHash;
import dev.outrider.agents.config.LogConfig;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.reload.ConfigFile.Look;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigFileTest {
  @TempDir Path volume;
  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-01-02T03:04:05Z"));
  private int version;

  /** Writes as the kubelet does: a new folder, and a link that is swapped. */
  private void mount(String yaml) throws IOException {
    Path data = Files.createDirectory(volume.resolve("..v" + version++));
    Files.writeString(data.resolve("proxy.yaml"), yaml);
    Path link = volume.resolve("..data_tmp");
    Files.createSymbolicLink(link, data.getFileName());
    Files.move(link, volume.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
  }

  private ConfigFile<ProxyConfig> file(Map<String, String> options) {
    return new ConfigFile<>(volume.resolve("proxy.yaml"), options, ProxyConfig::from, now::get);
  }

  @BeforeEach
  void link() throws IOException {
    Files.createSymbolicLink(volume.resolve("proxy.yaml"), Path.of("..data/proxy.yaml"));
  }

  private static Look<ProxyConfig> twice(ConfigFile<ProxyConfig> file) {
    var _ = file.look();
    return file.look();
  }

  @Test
  void aSwappedLinkIsSeen() throws IOException {
    // Given
    mount("log: {level: info}");
    ConfigFile<ProxyConfig> file = file(Map.of());
    Look.Changed<ProxyConfig> loaded = file.load();

    // When
    String yaml = "log: {level: debug}";
    mount(yaml);

    // Then
    Look.Changed<?> changed = assertInstanceOf(Look.Changed.class, twice(file));
    assertEquals(
        LogConfig.Level.DEBUG, assertInstanceOf(ProxyConfig.class, changed.config()).log().level());
    assertEquals(ConfigHash.of(yaml.getBytes(StandardCharsets.UTF_8)), changed.hash());
    assertEquals(LogConfig.Level.INFO, loaded.config().log().level());
    assertInstanceOf(Look.Unchanged.class, twice(file));
  }

  @Test
  void aFileThatIsBeingWrittenIsLeftUntilItRests() throws IOException {
    // Given
    Path plain = volume.resolve("plain.yaml");
    Files.writeString(plain, "log: {level: info}");
    ConfigFile<ProxyConfig> file = new ConfigFile<>(plain, Map.of(), ProxyConfig::from, now::get);
    var _ = file.load();

    // When: an editor empties it, then writes it
    Files.writeString(plain, "");
    Look<ProxyConfig> emptied = file.look();
    Files.writeString(plain, "log: {level: trace}");

    // Then
    assertInstanceOf(Look.Unchanged.class, emptied);
    assertInstanceOf(Look.Unchanged.class, file.look());
    assertInstanceOf(Look.Changed.class, file.look());
  }

  @Test
  void aBadFileIsRefusedOnceAndAGoodOneTakenAgain() throws IOException {
    // Given
    mount("log: {level: info}");
    ConfigFile<ProxyConfig> file = file(Map.of());
    var _ = file.load();

    // When
    mount("log: {level: loud}");

    // Then
    Look.Refused<?> refused = assertInstanceOf(Look.Refused.class, twice(file));
    assertTrue(
        refused
            .message()
            .endsWith(
                "proxy.yaml:1: log.level: \"loud\" (expected: error, warn, info, debug or trace)"),
        refused.message());

    // When: the same again, as the kubelet does if another file of the ConfigMap changes
    mount("log: {level: loud}");

    // Then
    assertInstanceOf(Look.Unchanged.class, twice(file));

    // When
    mount("log: {level: info}");

    // Then
    assertInstanceOf(Look.Changed.class, twice(file));
  }

  @Test
  void aFileThatGoesAwayIsRefused() throws IOException {
    // Given
    mount("log: {level: info}");
    ConfigFile<ProxyConfig> file = file(Map.of());
    var _ = file.load();

    // When
    Files.delete(volume.resolve("..data"));

    // Then
    Look.Refused<?> refused = assertInstanceOf(Look.Refused.class, twice(file));
    assertEquals(
        "the configuration file " + volume.resolve("proxy.yaml") + " is not there",
        refused.message());
  }

  private void pass(int seconds) {
    now.updateAndGet(instant -> instant.plusSeconds(seconds));
  }

  @Test
  void aFileThatCannotBeReadForAMomentIsTriedAgain() throws IOException {
    // Given: bytes that are there and cannot be read, whoever asks
    Path plain = volume.resolve("plain.yaml");
    Files.writeString(plain, "log: {level: info}");
    ConfigFile<ProxyConfig> file = new ConfigFile<>(plain, Map.of(), ProxyConfig::from, now::get);
    var _ = file.load();
    Files.delete(plain);
    Files.createDirectory(plain);
    Look.Refused<?> refused = assertInstanceOf(Look.Refused.class, twice(file));
    assertTrue(refused.message().contains("plain.yaml cannot be read: "), refused.message());

    // Then: told once
    pass(1);
    assertInstanceOf(Look.Unchanged.class, file.look());
    pass(2);
    assertInstanceOf(Look.Unchanged.class, file.look());

    // When
    Files.delete(plain);
    Files.writeString(plain, "log: {level: info}");

    // Then
    assertInstanceOf(Look.Changed.class, twice(file));
    assertInstanceOf(Look.Unchanged.class, twice(file));
  }

  @Test
  void whatIsRefusedByTheReaderIsTriedAgainThoughTheFileStaysTheSame() throws IOException {
    // Given: what is not allowed now and may be later
    mount("log: {level: info}");
    boolean[] passing = {false};
    ConfigFile<ProxyConfig> file =
        new ConfigFile<>(
            volume.resolve("proxy.yaml"),
            Map.of(),
            tree -> {
              if (passing[0]) {
                throw ConfigException.problem("", "not now");
              }
              return ProxyConfig.from(tree);
            },
            now::get);
    var _ = file.load();
    passing[0] = true;
    mount("log: {level: debug}");
    assertInstanceOf(Look.Refused.class, twice(file));

    // When
    passing[0] = false;

    // Then
    assertInstanceOf(Look.Unchanged.class, twice(file));
    pass(1);
    assertInstanceOf(Look.Changed.class, file.look());
  }

  @Test
  void whatCouldNotBePutInForceIsFoundAgainAndMoreAndMoreSeldom() throws IOException {
    // Given
    mount("log: {level: info}");
    ConfigFile<ProxyConfig> file = file(Map.of());
    var _ = file.load();
    mount("log: {level: debug}");
    assertInstanceOf(Look.Changed.class, twice(file));

    for (int seconds : new int[] {1, 2, 4, 8, 16, 32, 60, 60}) {
      // When
      file.refused();

      // Then
      pass(seconds - 1);
      assertInstanceOf(Look.Unchanged.class, file.look());
      pass(1);
      assertInstanceOf(Look.Changed.class, file.look());
    }
    pass(600);
    assertInstanceOf(Look.Unchanged.class, file.look());
  }

  @Test
  void optionsWinOverTheFileAlsoWhenItChanges() throws IOException {
    // Given
    mount("log: {level: info}");
    ConfigFile<ProxyConfig> file = file(Map.of("log.level", "error"));
    var _ = file.load();

    // When
    mount("{log: {level: debug}, maxConnections: 7}");

    // Then
    Look.Changed<?> changed = assertInstanceOf(Look.Changed.class, twice(file));
    ProxyConfig config = assertInstanceOf(ProxyConfig.class, changed.config());
    assertEquals(LogConfig.Level.ERROR, config.log().level());
    assertEquals(7, config.maxConnections());
  }

  @Test
  void anOptionThatCannotBeUsedIsNamed() {
    // Given
    ConfigFile<ProxyConfig> file =
        new ConfigFile<>(null, Map.of("drainTimeout", "soon"), ProxyConfig::from, now::get);

    // When
    ConfigException error = assertThrows(ConfigException.class, file::load);

    // Then
    assertEquals(
        "--drain-timeout: drainTimeout: \"soon\" (expected: a whole number and a unit (ms, s, m,"
            + " h), for example 30s)",
        error.getMessage());
  }
}
