package dev.outrider.agents.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One mapping while it is bound to a record: each key is asked for once, what is left over is
 * unknown.
 *
 * <p>Every error comes out as a {@link ConfigException} with the path as seen from this mapping.
 */
final class ConfigSection {
  private final ConfigTree.Branch branch;
  private final Set<String> known = new TreeSet<>();

  ConfigSection(ConfigTree.Branch branch) {
    this.branch = branch;
  }

  /**
   * A value or its default.
   *
   * @param parser throws {@link IllegalArgumentException} with what is allowed as its message
   */
  <T> T value(String key, T byDefault, Function<String, T> parser) {
    T value = valueOrNull(key, parser);
    return value == null ? byDefault : value;
  }

  /** A value that has no default. */
  <T> T required(String key, Function<String, T> parser) {
    T value = valueOrNull(key, parser);
    if (value == null) {
      throw ConfigException.problem(key, "is missing").from(branch.origin());
    }
    return value;
  }

  /** A value, or null if the key is not there. */
  <T> @Nullable T valueOrNull(String key, Function<String, T> parser) {
    known.add(key);
    return switch (branch.entries().get(key)) {
      case null -> null;
      case ConfigTree.Leaf leaf -> parse(key, leaf, parser);
      case ConfigTree.Branch inner ->
          throw ConfigException.problem(key, "is a mapping (expected: one value)")
              .from(inner.origin());
      case ConfigTree.Sequence list ->
          throw ConfigException.problem(key, "is a list (expected: one value)").from(list.origin());
      case ConfigTree.Unusable other ->
          throw ConfigException.problem(key, "is " + other.kind() + " (expected: one value)")
              .from(other.origin());
    };
  }

  /** A list of values or its default; on a command line they stand behind one another by commas. */
  <T> List<T> values(String key, List<T> byDefault, Function<String, T> parser) {
    known.add(key);
    List<T> values = new ArrayList<>();
    switch (branch.entries().get(key)) {
      case null -> {
        return byDefault;
      }
      case ConfigTree.Leaf leaf -> {
        for (String part : leaf.text().split(",", -1)) {
          values.add(parse(key, new ConfigTree.Leaf(part.strip(), leaf.origin()), parser));
        }
      }
      case ConfigTree.Sequence list -> {
        for (ConfigTree.Entry element : list.entries()) {
          String path = key + '[' + values.size() + ']';
          if (!(element instanceof ConfigTree.Leaf leaf)) {
            throw ConfigException.problem(path, "is no plain text").from(element.origin());
          }
          values.add(parse(path, leaf, parser));
        }
      }
      case ConfigTree.Branch inner ->
          throw ConfigException.problem(key, "is a mapping (expected: a list)")
              .from(inner.origin());
      case ConfigTree.Unusable other ->
          throw ConfigException.problem(key, "is " + other.kind() + " (expected: a list)")
              .from(other.origin());
    }
    return List.copyOf(values);
  }

  private static <T> T parse(String key, ConfigTree.Leaf leaf, Function<String, T> parser) {
    try {
      return parser.apply(leaf.text());
    } catch (IllegalArgumentException e) {
      throw ConfigException.value(key, leaf.text(), String.valueOf(e.getMessage()))
          .from(leaf.origin());
    }
  }

  /** A list of nested records or its default; on a command line it stands in YAML's flow style. */
  <T> List<T> sections(String key, List<T> byDefault, Function<ConfigSection, T> binder) {
    known.add(key);
    ConfigTree.Sequence list;
    switch (branch.entries().get(key)) {
      case null -> {
        return byDefault;
      }
      case ConfigTree.Sequence there -> list = there;
      case ConfigTree.Leaf leaf -> {
        try {
          list = ConfigTree.sequence(leaf);
        } catch (ConfigException e) {
          throw e.within(key);
        }
      }
      case ConfigTree.Branch inner ->
          throw ConfigException.problem(key, "is a mapping (expected: a list of mappings)")
              .from(inner.origin());
      case ConfigTree.Unusable other ->
          throw ConfigException.problem(
                  key, "is " + other.kind() + " (expected: a list of mappings)")
              .from(other.origin());
    }
    List<T> sections = new ArrayList<>();
    for (ConfigTree.Entry element : list.entries()) {
      String path = key + '[' + sections.size() + ']';
      if (!(element instanceof ConfigTree.Branch inner)) {
        throw ConfigException.problem(path, "is no mapping").from(element.origin());
      }
      try {
        sections.add(new ConfigSection(inner).bind(binder));
      } catch (ConfigException e) {
        throw e.within(path);
      }
    }
    return List.copyOf(sections);
  }

  /** A nested record or its default. */
  <T> T section(String key, T byDefault, Function<ConfigSection, T> binder) {
    T value = sectionOrNull(key, binder);
    return value == null ? byDefault : value;
  }

  /** A nested record, or null if the key is not there. */
  <T> @Nullable T sectionOrNull(String key, Function<ConfigSection, T> binder) {
    known.add(key);
    return switch (branch.entries().get(key)) {
      case null -> null;
      case ConfigTree.Branch inner -> {
        try {
          yield new ConfigSection(inner).bind(binder);
        } catch (ConfigException e) {
          throw e.within(key);
        }
      }
      case ConfigTree.Leaf leaf ->
          throw ConfigException.problem(key, "is \"" + leaf.text() + "\" (expected: a mapping)")
              .from(leaf.origin());
      case ConfigTree.Sequence list ->
          throw ConfigException.problem(key, "is a list (expected: a mapping)").from(list.origin());
      case ConfigTree.Unusable other ->
          throw ConfigException.problem(key, "is " + other.kind() + " (expected: a mapping)")
              .from(other.origin());
    };
  }

  /** Binds this mapping to a record; a key that the binder did not ask for is an error. */
  <T> T bind(Function<ConfigSection, T> binder) {
    T bound;
    try {
      bound = binder.apply(this);
    } catch (ConfigException e) {
      // A check across keys or in the record's constructor: point at the value if it was written,
      // else at the mapping.
      ConfigTree.Entry entry = branch.entries().get(e.path());
      throw e.from(entry == null ? branch.origin() : entry.origin());
    }
    for (Map.Entry<String, ConfigTree.Entry> entry : branch.entries().entrySet()) {
      if (!known.contains(entry.getKey())) {
        throw ConfigException.problem(
                entry.getKey(), "is not a key here (known: " + String.join(", ", known) + ")")
            .from(entry.getValue().origin());
      }
    }
    return bound;
  }
}
