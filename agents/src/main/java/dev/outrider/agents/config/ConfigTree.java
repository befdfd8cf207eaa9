package dev.outrider.agents.config;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * Configuration before it is bound to a record: nested mappings and lists whose leaves are text,
 * each with where it was written.
 *
 * <p>Values stay text until a record parses them, so that YAML's guesses ({@code no} as a boolean,
 * {@code 010} as a number) cannot change what was written. Immutable.
 */
public final class ConfigTree {
  /** The largest file that is read, in bytes: many times the size of any true configuration. */
  public static final int MAX_BYTES = 256 * 1024;

  private static final int MAX_DEPTH = 8;

  /** What stands at a key. */
  sealed interface Entry {
    /**
     * Where it was written: {@code proxy.yaml:3}, {@code --listen}; empty if it was made by a
     * program.
     */
    String origin();
  }

  /** One value. */
  record Leaf(String text, String origin) implements Entry {}

  /** A mapping. */
  record Branch(Map<String, Entry> entries, String origin) implements Entry {
    Branch {
      entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }
  }

  /** A list. */
  record Sequence(List<Entry> entries, String origin) implements Entry {
    Sequence {
      entries = List.copyOf(entries);
    }
  }

  /** A key without a value: never allowed, but only the reader of the key can say what is. */
  record Unusable(String kind, String origin) implements Entry {}

  private final Branch root;

  private ConfigTree(Branch root) {
    this.root = root;
  }

  /** A tree without any key: every default. */
  public static ConfigTree empty() {
    return new ConfigTree(new Branch(Map.of(), ""));
  }

  /**
   * Parses one YAML 1.2 document in UTF-8.
   *
   * @param name what errors call the document, usually the file's name
   * @throws ConfigException if it is too large, is not YAML, or is anything but one mapping with
   *     unique keys
   */
  public static ConfigTree parse(String name, byte[] yaml) {
    if (yaml.length > MAX_BYTES) {
      throw ConfigException.problem(
              "", "is " + yaml.length + " bytes long (expected: at most " + MAX_BYTES + ")")
          .from(name);
    }
    LoadSettings settings =
        LoadSettings.builder().setLabel(name).setCodePointLimit(MAX_BYTES).build();
    try {
      Node node =
          new Compose(settings).composeInputStream(new ByteArrayInputStream(yaml)).orElse(null);
      if (node == null) {
        return new ConfigTree(new Branch(Map.of(), name));
      }
      if (!(node instanceof MappingNode mapping)) {
        throw ConfigException.problem("", "the document is not a mapping of keys to values")
            .from(name);
      }
      return new ConfigTree(branch(name, mapping, 0));
    } catch (MarkedYamlEngineException e) {
      throw ConfigException.problem("", "is not YAML: " + e.getProblem())
          .from(e.getProblemMark().map(mark -> at(name, mark)).orElse(name));
    } catch (YamlEngineException e) {
      throw ConfigException.problem("", "is not YAML: " + e.getMessage()).from(name);
    }
  }

  private static Branch branch(String name, MappingNode mapping, int depth) {
    String origin = at(name, mapping);
    if (depth > MAX_DEPTH) {
      throw tooDeep(origin);
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        throw ConfigException.problem("", "a key is not plain text")
            .from(at(name, tuple.getKeyNode()));
      }
      Entry value;
      try {
        value = entry(name, tuple.getValueNode(), depth);
      } catch (ConfigException e) {
        throw e.within(key.getValue());
      }
      if (entries.put(key.getValue(), value) != null) {
        throw ConfigException.problem(key.getValue(), "is there twice").from(at(name, key));
      }
    }
    return new Branch(entries, origin);
  }

  private static Entry entry(String name, Node node, int depth) {
    String origin = at(name, node);
    return switch (node) {
      case MappingNode mapping -> branch(name, mapping, depth + 1);
      case ScalarNode scalar when scalar.isPlain() && isNull(scalar.getValue()) ->
          new Unusable("nothing", origin);
      case ScalarNode scalar -> new Leaf(scalar.getValue(), origin);
      case SequenceNode sequence -> {
        if (depth > MAX_DEPTH) {
          throw tooDeep(origin);
        }
        List<Entry> entries = new ArrayList<>();
        for (Node element : sequence.getValue()) {
          entries.add(entry(name, element, depth + 1));
        }
        yield new Sequence(entries, origin);
      }
      default -> new Unusable("neither text, a list nor a mapping", origin);
    };
  }

  private static ConfigException tooDeep(String origin) {
    // Also what ends an alias that contains itself.
    return ConfigException.problem("", "is nested more than " + MAX_DEPTH + " deep").from(origin);
  }

  /**
   * A list of mappings that stands in one value, as on a command line: {@code [{action: allow}]}.
   *
   * @throws ConfigException if it is no such thing
   */
  static Sequence sequence(Leaf leaf) {
    ConfigTree parsed =
        parse(leaf.origin(), ("list: " + leaf.text()).getBytes(StandardCharsets.UTF_8));
    if (parsed.root.entries().get("list") instanceof Sequence sequence) {
      return sequence;
    }
    throw ConfigException.problem("", "is \"" + leaf.text() + "\" (expected: a list)")
        .from(leaf.origin());
  }

  private static boolean isNull(String plain) {
    return plain.isEmpty() || plain.equals("~") || plain.equals("null");
  }

  private static String at(String name, Node node) {
    return node.getStartMark().map(mark -> at(name, mark)).orElse(name);
  }

  private static String at(String name, Mark mark) {
    return name + ':' + (mark.getLine() + 1);
  }

  /**
   * This tree with one value set, whatever stood there before.
   *
   * @param path the dotted path, for example {@code http.listen}
   * @param origin where the value comes from, for errors, for example {@code --http-listen}
   */
  public ConfigTree with(String path, String value, String origin) {
    return new ConfigTree(with(root, path, value, origin));
  }

  private static Branch with(Branch branch, String path, String value, String origin) {
    Map<String, Entry> entries = new LinkedHashMap<>(branch.entries());
    int dot = path.indexOf('.');
    if (dot < 0) {
      entries.put(path, new Leaf(value, origin));
    } else {
      String key = path.substring(0, dot);
      Branch inner =
          entries.get(key) instanceof Branch there ? there : new Branch(Map.of(), origin);
      entries.put(key, with(inner, path.substring(dot + 1), value, origin));
    }
    return new Branch(entries, branch.origin());
  }

  /** All leaves by dotted path, in the order in which they stand; no lists. */
  public Map<String, String> leaves() {
    Map<String, String> leaves = new LinkedHashMap<>();
    collect("", root, leaves, false);
    return leaves;
  }

  /** The same, and each list as one text, as an option has it. */
  public Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    collect("", root, options, true);
    return options;
  }

  private static void collect(
      String prefix, Branch branch, Map<String, String> leaves, boolean lists) {
    branch
        .entries()
        .forEach(
            (key, entry) -> {
              switch (entry) {
                case Leaf leaf -> leaves.put(prefix + key, leaf.text());
                case Branch inner -> collect(prefix + key + '.', inner, leaves, lists);
                case Sequence list when lists -> leaves.put(prefix + key, flow(list));
                case Sequence _ -> {}
                case Unusable _ -> {}
              }
            });
  }

  /**
   * The tree as YAML in UTF-8, keys in their order, every value double-quoted: the same tree always
   * gives the same bytes, and no reader can take a text for a number or a boolean.
   */
  public byte[] toYaml() {
    StringBuilder out = new StringBuilder();
    write(root, "", out);
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void write(Branch branch, String indent, StringBuilder out) {
    branch
        .entries()
        .forEach(
            (key, entry) -> {
              out.append(indent).append(key).append(':');
              switch (entry) {
                case Leaf leaf -> {
                  out.append(' ');
                  quote(leaf.text(), out);
                  out.append('\n');
                }
                case Branch inner when inner.entries().isEmpty() -> out.append(" {}\n");
                case Branch inner -> {
                  out.append('\n');
                  write(inner, indent + "  ", out);
                }
                case Sequence list when list.entries().isEmpty() -> out.append(" []\n");
                case Sequence list -> {
                  out.append('\n');
                  for (Entry element : list.entries()) {
                    out.append(indent).append("  - ");
                    flow(element, out);
                    out.append('\n');
                  }
                }
                case Unusable _ -> out.append(" null\n");
              }
            });
  }

  private static String flow(Entry entry) {
    StringBuilder out = new StringBuilder();
    flow(entry, out);
    return out.toString();
  }

  /** On one line. */
  private static void flow(Entry entry, StringBuilder out) {
    switch (entry) {
      case Leaf leaf -> quote(leaf.text(), out);
      case Branch branch -> {
        String separator = "";
        out.append('{');
        for (Map.Entry<String, Entry> inner : branch.entries().entrySet()) {
          out.append(separator).append(inner.getKey()).append(": ");
          flow(inner.getValue(), out);
          separator = ", ";
        }
        out.append('}');
      }
      case Sequence list -> {
        String separator = "";
        out.append('[');
        for (Entry element : list.entries()) {
          out.append(separator);
          flow(element, out);
          separator = ", ";
        }
        out.append(']');
      }
      case Unusable _ -> out.append("null");
    }
  }

  private static void quote(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> out.append('\\').append(c);
        default -> {
          if (c < 0x20 || c >= 0x7f) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  /** The root, to be bound to a record. */
  ConfigSection section() {
    return new ConfigSection(root);
  }

  /** The tree of a record, made key by key. */
  static final class Builder {
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    Builder put(String key, @Nullable String value) {
      if (value != null) {
        entries.put(key, new Leaf(value, ""));
      }
      return this;
    }

    Builder put(String key, @Nullable Builder section) {
      if (section != null) {
        entries.put(key, new Branch(section.entries, ""));
      }
      return this;
    }

    Builder put(String key, List<String> values) {
      List<Entry> leaves = new ArrayList<>();
      values.forEach(value -> leaves.add(new Leaf(value, "")));
      entries.put(key, new Sequence(leaves, ""));
      return this;
    }

    Builder putSections(String key, List<Builder> sections) {
      List<Entry> branches = new ArrayList<>();
      sections.forEach(section -> branches.add(new Branch(section.entries, "")));
      entries.put(key, new Sequence(branches, ""));
      return this;
    }

    ConfigTree build() {
      return new ConfigTree(new Branch(entries, ""));
    }
  }
}
