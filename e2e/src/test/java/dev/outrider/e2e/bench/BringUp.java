package dev.outrider.e2e.bench;

import io.fabric8.kubernetes.api.model.Pod;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * How long a cluster takes to come up, seconds from its apply.
 *
 * @param firstWrite until an INSERT through the read-write Service was committed
 * @param threeReady until the pods of all three instances were Ready and both replicas streamed
 */
record BringUp(double firstWrite, double threeReady) {
  private static final String STREAMING =
      "select count(*) from pg_stat_replication where state = 'streaming' and application_name <>"
          + " 'pg_basebackup'";

  static BringUp measure(Lab lab, Contender contender, String namespace) throws Exception {
    long start = System.nanoTime();
    lab.apply(namespace, contender.manifest());
    try (ExecutorService both = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Double> write = both.submit(since(start, () -> firstWrite(lab, namespace)));
      Future<Double> ready = both.submit(since(start, () -> threeReady(lab, contender, namespace)));
      return new BringUp(write.get(), ready.get());
    }
  }

  /** The moment that the action returns is its result, {@code System.nanoTime()}. */
  private static Callable<Double> since(long start, Callable<Long> action) {
    return () -> (action.call() - start) / 1e9;
  }

  /** Tries every 50 ms; a Service that nobody answers for costs 100 ms. */
  private static long firstWrite(Lab lab, String namespace) throws InterruptedException {
    var secrets = lab.client().secrets().inNamespace(namespace);
    var service = lab.client().services().inNamespace(namespace).withName("bench-rw");
    Lab.await("the Secret", 50, () -> secrets.withName("bench-app").get() != null);
    Lab.await("the Service", 50, () -> service.get() != null);
    String address = service.get().getSpec().getClusterIP();
    Lab.await("the first write", 50, () -> Lab.listens(address) && writes(lab, namespace, address));
    return System.nanoTime();
  }

  private static boolean writes(Lab lab, String namespace, String address) {
    try (Connection connection = lab.connect(namespace, address);
        Statement statement = connection.createStatement()) {
      statement.execute("create table if not exists written (at timestamptz default now())");
      statement.execute("insert into written default values");
      return true;
    } catch (SQLException e) {
      return false; // Not yet.
    }
  }

  private static long threeReady(Lab lab, Contender contender, String namespace) throws Exception {
    Lab.await(
        "three instances",
        50,
        () -> lab.pods(namespace, contender.instances()).stream().filter(Lab::ready).count() == 3);
    long ready = System.nanoTime();
    while (true) {
      List<Pod> primary = lab.pods(namespace, contender.primary());
      boolean asked = primary.size() == 1;
      if (asked && superuser(lab, contender, primary.getFirst(), STREAMING).equals("2")) {
        return ready;
      }
      Thread.sleep(50);
      ready = System.nanoTime();
    }
  }

  private static String superuser(Lab lab, Contender contender, Pod pod, String sql)
      throws Exception {
    List<String> command = new ArrayList<>(contender.superuser());
    command.add(sql);
    return lab.exec(pod, "postgres", command.toArray(String[]::new));
  }
}
