package dev.outrider.e2e.bench.proxy;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What clients do, by pgbench.
 *
 * @param title in plain words
 * @param clients at once
 * @param options of pgbench
 * @param rate transactions a second, or null for as many as go
 */
record Load(String title, int clients, List<String> options, @Nullable Integer rate) {
  /** Each twice: without TLS and with it. */
  static final List<Load> ALL =
      List.of(
          select("simple", 1),
          select("simple", 8),
          select("extended", 8),
          select("prepared", 8),
          select("simple", 64),
          select("prepared", 64),
          select("simple", 256),
          new Load("1 MB results", 8, List.of("-n", "-f", "/bench/large.sql"), null),
          new Load("a connection for each query", 8, List.of("-n", "-S", "-C"), null),
          new Load("simple at a fixed rate", 8, List.of("-n", "-S", "-M", "simple"), 2000));

  private static Load select(String protocol, int clients) {
    return new Load(protocol, clients, List.of("-n", "-S", "-M", protocol), null);
  }
}
