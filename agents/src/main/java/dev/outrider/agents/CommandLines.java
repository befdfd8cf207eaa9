package dev.outrider.agents;

import dev.outrider.agents.config.AgentConfig;
import dev.outrider.agents.config.ConfigKey;
import dev.outrider.agents.config.ConfigTree;
import dev.outrider.agents.reload.ConfigFile;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Turns a command line into the run of an agent.
 *
 * <p>Picocli knows every rule and says what is wrong. It is not asked about a line that is nothing
 * but a command and its options with values, which is what a pod runs: its classes are of a format
 * too old for Java's ahead-of-time cache, so loading them took a quarter of an agent's start and 2
 * MiB of its memory.
 */
final class CommandLines {
  /** Exit code: the command line or the configuration cannot be used. */
  static final int USAGE = 2;

  private static final String CONFIG = "--config";

  /** Runs an agent to its end. */
  interface Runner {
    <C extends AgentConfig> int run(
        AgentCommand<C> command,
        @Nullable Path file,
        Map<String, String> options,
        String version,
        PrintWriter err);
  }

  private CommandLines() {}

  /** Runs a command line; returns the exit code of the process. */
  static int run(
      String[] arguments,
      List<AgentCommand<?>> commands,
      String version,
      Runner runner,
      PrintWriter out,
      PrintWriter err) {
    for (AgentCommand<?> command : commands) {
      Map<String, String> options = plain(arguments, command);
      if (options != null) {
        return run(command, options, version, runner, err);
      }
    }
    return ask(arguments, commands, version, runner, out, err);
  }

  /**
   * The options of a plain line by name: the command, then {@code --NAME VALUE} or {@code
   * --NAME=VALUE}, each known and there once. Null if the line is anything else.
   */
  static @Nullable Map<String, String> plain(String[] arguments, AgentCommand<?> command) {
    if (arguments.length == 0 || !arguments[0].equals(command.name())) {
      return null;
    }
    Set<String> known = new HashSet<>();
    known.add(CONFIG);
    for (ConfigKey key : command.keys()) {
      known.add(ConfigFile.optionName(key.path()));
    }
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 1; i < arguments.length; i++) {
      int equals = arguments[i].indexOf('=');
      String name = equals < 0 ? arguments[i] : arguments[i].substring(0, equals);
      String value = null;
      if (equals >= 0) {
        value = arguments[i].substring(equals + 1);
      } else if (i + 1 < arguments.length && !arguments[i + 1].startsWith("-")) {
        value = arguments[++i];
      }
      boolean isPlain =
          known.contains(name) && value != null && !value.isEmpty() && value.charAt(0) != '"';
      if (!isPlain || options.put(name, value) != null) {
        return null;
      }
    }
    return options;
  }

  /** Has picocli parse the line. */
  static int ask(
      String[] arguments,
      List<AgentCommand<?>> commands,
      String version,
      Runner runner,
      PrintWriter out,
      PrintWriter err) {
    CommandLine outrider = new CommandLine(root(arguments, commands, version));
    try {
      ParseResult parsed = outrider.parseArgs(arguments);
      if (parsed.isVersionHelpRequested()) {
        outrider.printVersionHelp(out);
        return 0;
      }
      ParseResult asked = parsed.hasSubcommand() ? parsed.subcommand() : parsed;
      if (parsed.isUsageHelpRequested() || asked.isUsageHelpRequested()) {
        asked.commandSpec().commandLine().usage(out, CommandLine.Help.Ansi.OFF);
        return 0;
      }
      for (AgentCommand<?> command : commands) {
        if (parsed.hasSubcommand() && command.name().equals(asked.commandSpec().name())) {
          return run(command, options(command, asked), version, runner, err);
        }
      }
      outrider.usage(err, CommandLine.Help.Ansi.OFF);
      return USAGE;
    } catch (ParameterException e) {
      String name = e.getCommandLine().getCommandSpec().qualifiedName();
      err.println(name + ": " + e.getMessage());
      if (!UnmatchedArgumentException.printSuggestions(e, err)) {
        err.println(name + " --help shows what is possible");
      }
      return USAGE;
    }
  }

  private static Map<String, String> options(AgentCommand<?> command, ParseResult asked) {
    Map<String, String> options = new LinkedHashMap<>();
    String file = asked.matchedOptionValue(CONFIG, (String) null);
    if (file != null) {
      options.put(CONFIG, file);
    }
    for (ConfigKey key : command.keys()) {
      String name = ConfigFile.optionName(key.path());
      String value = asked.matchedOptionValue(name, (String) null);
      if (value != null) {
        options.put(name, value);
      }
    }
    return options;
  }

  private static <C extends AgentConfig> int run(
      AgentCommand<C> command,
      Map<String, String> options,
      String version,
      Runner runner,
      PrintWriter err) {
    Map<String, String> keys = new LinkedHashMap<>();
    for (ConfigKey key : command.keys()) {
      String value = options.get(ConfigFile.optionName(key.path()));
      if (value != null) {
        keys.put(key.path(), value);
      }
    }
    String file = options.get(CONFIG);
    return runner.run(command, file == null ? null : Path.of(file), keys, version, err);
  }

  private static CommandSpec root(
      String[] arguments, List<AgentCommand<?>> commands, String version) {
    CommandSpec root =
        CommandSpec.create()
            .name("outrider")
            .version("outrider " + version)
            .addOption(help())
            .addOption(
                OptionSpec.builder("-V", "--version")
                    .versionHelp(true)
                    .description("Shows the version.")
                    .build());
    root.usageMessage()
        .description("Runs one of Outrider's agents beside a Postgres.")
        .footer(exitCodes());
    for (AgentCommand<?> command : commands) {
      boolean asked = List.of(arguments).contains(command.name());
      root.addSubcommand(command.name(), asked ? full(command) : brief(command));
    }
    return root;
  }

  private static CommandSpec brief(AgentCommand<?> command) {
    CommandSpec spec = CommandSpec.create();
    spec.usageMessage().description(command.summary());
    return spec;
  }

  private static <C extends AgentConfig> CommandSpec full(AgentCommand<C> command) {
    CommandSpec spec =
        brief(command)
            .addOption(help())
            .addOption(
                OptionSpec.builder(CONFIG)
                    .paramLabel("FILE")
                    .type(String.class)
                    .description("YAML file with the keys below; taken up again when it changes.")
                    .build());
    Map<String, String> defaults = command.bind(ConfigTree.empty()).toTree().options();
    for (ConfigKey key : command.keys()) {
      String byDefault = defaults.get(key.path());
      spec.addOption(
          OptionSpec.builder(ConfigFile.optionName(key.path()))
              .paramLabel(key.form())
              .type(String.class)
              // Two arguments: a % in a description is not a format.
              .description(
                  escape(key.path() + ": " + key.description()),
                  byDefault == null ? "(no default)" : escape("(default: " + byDefault + ')'))
              .build());
    }
    spec.usageMessage()
        .footer(exitCodes())
        .sortOptions(false)
        .width(UsageMessageSpec.DEFAULT_USAGE_WIDTH + 20)
        .abbreviateSynopsis(true);
    return spec;
  }

  private static String escape(String text) {
    return text.replace("%", "%%");
  }

  private static OptionSpec help() {
    return OptionSpec.builder("-h", "--help")
        .usageHelp(true)
        .description("Shows this help.")
        .build();
  }

  private static String[] exitCodes() {
    return new String[] {
      "",
      "Exit codes:",
      "  0  stopped as asked",
      "  1  could not start, or crashed",
      "  2  the command line or the configuration cannot be used"
    };
  }
}
