package dev.outrider.e2e.bench.proxy;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What clients do. */
sealed interface Load {
  /** Each twice: without TLS and with it. */
  List<Load> ALL =
      List.of(
          Transactions.select("simple", 1),
          Transactions.select("simple", 8),
          Transactions.select("extended", 8),
          Transactions.select("prepared", 8),
          Transactions.select("simple", 64),
          Transactions.select("prepared", 64),
          Transactions.select("simple", 256),
          new Transactions("1 MB results", 8, List.of("-n", "-f", "/bench/large.sql"), null),
          new Transactions("a connection for each query", 8, List.of("-n", "-S", "-C"), null),
          new Copy("COPY TO STDOUT", "\\copy pgbench_accounts to '/dev/null'"),
          new Copy("COPY FROM STDIN", "\\copy copied from '/bench/rows'"),
          new Transactions("simple at a fixed rate", 8, List.of("-n", "-S", "-M", "simple"), 2000));

  /** In plain words. */
  String title();

  /** How many at once. */
  int clients();

  /** What is counted, one of it. */
  String unit();

  /**
   * Transactions of pgbench.
   *
   * @param options of pgbench
   * @param rate transactions a second, or null for as many as go
   */
  record Transactions(String title, int clients, List<String> options, @Nullable Integer rate)
      implements Load {
    private static Load select(String protocol, int clients) {
      return new Transactions(protocol, clients, List.of("-n", "-S", "-M", protocol), null);
    }

    @Override
    public String unit() {
      return "query";
    }
  }

  /**
   * All rows of pgbench's largest table, one way, as text.
   *
   * @param command of psql
   */
  record Copy(String title, String command) implements Load {
    @Override
    public int clients() {
      return 1;
    }

    @Override
    public String unit() {
      return "MB";
    }
  }
}
