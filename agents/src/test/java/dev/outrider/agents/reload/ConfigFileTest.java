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
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigFileTest {
  @TempDir Path volume;
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
    return new ConfigFile<>(volume.resolve("proxy.yaml"), options, ProxyConfig::from);
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
    ConfigFile<ProxyConfig> file = new ConfigFile<>(plain, Map.of(), ProxyConfig::from);
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
        new ConfigFile<>(null, Map.of("drainTimeout", "soon"), ProxyConfig::from);

    // When
    ConfigException error = assertThrows(ConfigException.class, file::load);

    // Then
    assertEquals(
        "--drain-timeout: drainTimeout: \"soon\" (expected: a whole number and a unit (ms, s, m,"
            + " h), for example 30s)",
        error.getMessage());
  }
}
