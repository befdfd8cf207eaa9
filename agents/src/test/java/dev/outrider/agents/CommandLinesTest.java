package dev.outrider.agents;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.agents.config.AgentConfig;
import dev.outrider.agents.config.ConfigKey;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.config.ProxyConfig;
import dev.outrider.agents.lifecycle.Agent;
import dev.outrider.agents.reload.ConfigFile;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CommandLinesTest {
  private static final AgentCommand<ProxyConfig> PROXY =
      new AgentCommand<>() {
        @Override
        public String name() {
          return "proxy";
        }

        @Override
        public String summary() {
          return "Relays.";
        }

        @Override
        public List<ConfigKey> keys() {
          return ProxyConfig.KEYS;
        }

        @Override
        public ProxyConfig bind(ConfigTree tree) {
          return ProxyConfig.from(tree);
        }

        @Override
        public Agent<ProxyConfig> agent(ProxyConfig config, Surroundings surroundings) {
          throw new UnsupportedOperationException();
        }
      };

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final List<String> runs = new ArrayList<>();

  private int run(String... arguments) {
    return CommandLines.run(
        arguments, List.of(PROXY), "1.2.3", runner(), new PrintWriter(out), new PrintWriter(err));
  }

  private int ask(String... arguments) {
    return CommandLines.ask(
        arguments, List.of(PROXY), "1.2.3", runner(), new PrintWriter(out), new PrintWriter(err));
  }

  private CommandLines.Runner runner() {
    return new CommandLines.Runner() {
      @Override
      public <C extends AgentConfig> int run(
          AgentCommand<C> command,
          @Nullable Path file,
          Map<String, String> options,
          String version,
          PrintWriter err) {
        runs.add(command.name() + " " + file + " " + options);
        return 7;
      }
    };
  }

  @Test
  void everyKeyIsAnOption() {
    // When
    int exitCode =
        run(
            "proxy",
            "--config=/etc/proxy.yaml",
            "--listen",
            "127.0.0.1:6432",
            "--http-listen=127.0.0.1:9",
            "--status-tls-client-ca",
            "/ca");

    // Then
    assertEquals(7, exitCode);
    assertEquals(
        List.of(
            "proxy /etc/proxy.yaml {listen=127.0.0.1:6432, http.listen=127.0.0.1:9,"
                + " status.tls.clientCa=/ca}"),
        runs);
  }

  /** A line that is parsed without picocli means what picocli would make of it. */
  @Test
  void plainLinesMeanTheSameToPicocli() {
    // Given
    Random random = new Random(42);
    List<String> pieces =
        new ArrayList<>(List.of("proxy", "x", "-", "--", "=", "a=b", "", "\"q\"", "-h"));
    pieces.addAll(
        List.of("--config", "--config=f", "--listen", "--listen=", "--listen==", "--lis"));
    ProxyConfig.KEYS.forEach(key -> pieces.add(ConfigFile.optionName(key.path()) + "=v"));
    int plain = 0;
    for (int round = 0; round < 5000; round++) {
      List<String> line = new ArrayList<>(List.of("proxy"));
      for (int i = random.nextInt(5); i > 0; i--) {
        line.add(pieces.get(random.nextInt(pieces.size())));
      }
      String[] arguments = line.toArray(String[]::new);
      if (CommandLines.plain(arguments, PROXY) == null) {
        continue;
      }
      plain++;
      runs.clear();

      // When
      int exitCode = run(arguments);
      int asked = ask(arguments);

      // Then
      assertEquals(7, exitCode, line::toString);
      assertEquals(7, asked, line::toString);
      assertEquals(runs.get(0), runs.get(1), line::toString);
    }
    assertTrue(plain > 500, "plain lines: " + plain);
  }

  @Test
  void runsWithoutAnyOption() {
    assertEquals(7, run("proxy"));
    assertEquals(List.of("proxy null {}"), runs);
  }

  @Test
  void helpAndVersionGoToStandardOutput() {
    assertEquals(0, run("--version"));
    assertEquals("outrider 1.2.3", out.toString().strip());
    assertEquals(0, run("--help"));
    assertTrue(out.toString().contains("  proxy  Relays."), out.toString());
    assertEquals(0, run("proxy", "--help"));
    for (ConfigKey key : ProxyConfig.KEYS) {
      assertTrue(out.toString().contains(key.path() + ": "), key.path());
    }
    assertEquals("", err.toString());
    assertEquals(List.of(), runs);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "proxi                  | outrider: Unmatched argument at index 0: 'proxi'",
        "proxy --lissten 1.2.3.4:5 | outrider proxy: Unknown options: '--lissten', '1.2.3.4:5'",
        "proxy --listen         | outrider proxy: Missing required parameter for option '--listen' (HOST:PORT)",
        "--nonsense             | outrider: Unknown option: '--nonsense'"
      })
  void aMistakeIsNamedWithoutAStackTrace(String line, String message) {
    // When
    int exitCode = run(line.split(" "));

    // Then
    assertEquals(CommandLines.USAGE, exitCode);
    assertEquals(message, err.toString().lines().findFirst().orElse(""));
    assertTrue(err.toString().lines().count() <= 2, err.toString());
    assertEquals(List.of(), runs);
  }

  @Test
  void withoutACommandTheUsageIsShown() {
    assertEquals(CommandLines.USAGE, run());
    assertTrue(err.toString().startsWith("Usage: outrider"), err.toString());
  }
}
