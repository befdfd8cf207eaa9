package dev.outrider.agents.reload;

import dev.outrider.agents.config.AgentConfig;
import dev.outrider.agents.config.ConfigException;
import dev.outrider.agents.config.ConfigHash;
import dev.outrider.agents.config.ConfigTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The file that an agent's configuration comes from, with command-line options on top; or the
 * options alone.
 *
 * <p>What is refused may be so for a reason that passes, a file that cannot be read now, an address
 * that somebody else has still: it is tried again now and then, although the file stays the same.
 *
 * <p>Not safe for several threads.
 *
 * @param <C> the agent's configuration record
 */
public final class ConfigFile<C extends AgentConfig> {
  /** What a look at the file found. */
  public sealed interface Look<C> {
    /** The same as at the last look. */
    record Unchanged<C>() implements Look<C> {}

    /** A new and valid configuration and the hash of its file. */
    record Changed<C>(C config, String hash) implements Look<C> {}

    /** A new file that cannot be used, and why. */
    record Refused<C>(String message) implements Look<C> {}
  }

  private final @Nullable Path file;
  private final Map<String, String> options;
  private final Function<ConfigTree, C> binder;
  private final Retry retry;
  private @Nullable FileStamp read;
  private @Nullable FileStamp seen;
  private @Nullable String lastOutcome;

  /**
   * Makes the source of a configuration.
   *
   * @param file the YAML file, or null if there are only options
   * @param options values by dotted path, which win over the file
   * @param binder makes the record, throws {@link ConfigException}
   * @param clock tells when what was refused is due again
   */
  public ConfigFile(
      @Nullable Path file,
      Map<String, String> options,
      Function<ConfigTree, C> binder,
      InstantSource clock) {
    this.file = file;
    this.options = Map.copyOf(options);
    this.binder = binder;
    this.retry = new Retry(clock);
  }

  /**
   * Reads the configuration for the first time.
   *
   * @throws ConfigException if it cannot be used
   */
  public Look.Changed<C> load() {
    read = file == null ? null : FileStamp.of(file);
    seen = read;
    Look.Changed<C> loaded = bind();
    lastOutcome = loaded.hash();
    return loaded;
  }

  /**
   * Looks whether the file has changed. A change is taken up only when two looks in a row see the
   * same new file, so that a file which is being written in place is not read half-written.
   */
  public Look<C> look() {
    if (file == null) {
      return new Look.Unchanged<>();
    }
    FileStamp now = FileStamp.of(file);
    boolean settled = Objects.equals(now, seen);
    seen = now;
    boolean changed = !Objects.equals(now, read);
    if (!settled || !(changed || retry.isDue())) {
      return new Look.Unchanged<>();
    }
    if (changed) {
      retry.reset();
    }
    retry.tried();
    read = now;
    Look<C> found;
    String outcome;
    try {
      Look.Changed<C> bound = bind();
      outcome = bound.hash();
      found = bound;
    } catch (ConfigException e) {
      retry.failed();
      outcome = String.valueOf(e.getMessage());
      found = new Look.Refused<>(outcome);
    }
    // The kubelet swaps the link also when only another file of the same ConfigMap has changed.
    boolean same = outcome.equals(lastOutcome);
    lastOutcome = outcome;
    return same ? new Look.Unchanged<>() : found;
  }

  /** What the last look found could not be put in force: a later look finds it again. */
  public void refused() {
    lastOutcome = null;
    retry.failed();
  }

  private Look.Changed<C> bind() {
    ConfigTree tree = ConfigTree.empty();
    byte @Nullable [] bytes = null;
    if (file != null) {
      bytes = bytes(file);
      tree = ConfigTree.parse(file.toString(), bytes);
    }
    for (Map.Entry<String, String> option : options.entrySet()) {
      tree = tree.with(option.getKey(), option.getValue(), optionName(option.getKey()));
    }
    C config = binder.apply(tree);
    return new Look.Changed<>(
        config, ConfigHash.of(bytes == null ? config.toTree().toYaml() : bytes));
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw ConfigException.problem("", "the configuration file " + file + " is not there");
    } catch (IOException e) {
      throw ConfigException.problem("", "the configuration file " + file + " cannot be read: " + e);
    }
  }

  /**
   * The command-line option of a key: {@code http.listen} is {@code --http-listen}, {@code
   * drainTimeout} is {@code --drain-timeout}.
   */
  public static String optionName(String path) {
    StringBuilder name = new StringBuilder("--");
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      if (c == '.') {
        name.append('-');
      } else if (Character.isUpperCase(c)) {
        name.append('-').append(Character.toLowerCase(c));
      } else {
        name.append(c);
      }
    }
    return name.toString();
  }
}
