package dev.outrider.e2e.faults;

import dev.outrider.e2e.Kube;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The clients of an experiment, on threads of this process: to each instance's own address one with
 * a held connection and one that connects again, one that writes by way of the Service of the
 * primary, and one that reads by way of the replicas'.
 */
final class Workload implements AutoCloseable {
  /** The client that writes through the Service. */
  static final String WRITER = "rw";

  /** The client that reads through the Service of replicas. */
  static final String READER = "ro";

  private final History history;
  private final List<Client> clients = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final String primary;

  private Workload(History history, String primary) {
    this.history = history;
    this.primary = primary;
  }

  /** The name of the client with a held connection to an instance. */
  static String held(String instance) {
    return "held " + instance;
  }

  /** Starts the clients and waits until each of them is at work. */
  static Workload start(Stage stage, String run, History history) {
    String primary = stage.leader();
    Workload workload = new Workload(history, primary);
    List<Instance> instances = stage.instances();
    for (Instance instance : instances) {
      Target target = stage.target(instance.address());
      workload.add(held(instance.name()), target, instance.name(), true, Client.Task.WRITE, run);
      workload.add(
          "again " + instance.name(), target, instance.name(), false, Client.Task.WRITE, run);
    }
    workload.add(WRITER, stage.service("rw"), null, false, Client.Task.WRITE, run);
    workload.add(READER, stage.service("ro"), null, false, Client.Task.READ, run);
    workload.clients.forEach(
        client -> workload.threads.add(Thread.ofVirtual().name(client.name()).start(client)));
    try {
      workload.awaitUnderWay();
    } catch (AssertionError e) {
      workload.close();
      throw e;
    }
    return workload;
  }

  private void add(
      String name,
      Target target,
      @Nullable String instance,
      boolean held,
      Client.Task task,
      String run) {
    clients.add(new Client(name, target, instance, held, task, run, history));
  }

  private void awaitUnderWay() {
    Kube.await(
        Duration.ofSeconds(60),
        () -> {
          for (Client client : clients) {
            if (!history.wasOpened(client.name())) {
              return "client '" + client.name() + "' has no connection";
            }
          }
          if (history.times(WRITER).size() < 20) {
            return "no rows are written through the Service";
          }
          if (history.times(held(primary)).size() < 5) {
            return "no rows are written through the held connection to " + primary;
          }
          return history.answers(READER).size() < 5 ? "nothing is read" : null;
        });
  }

  /** Waits for a row that was sent to the Service after a time, and acknowledged. */
  void awaitWrites(long since, Duration patience) {
    Kube.await(
        patience,
        () ->
            history.acknowledgements().stream()
                    .anyMatch(one -> one.writer().equals(WRITER) && one.sent() > since)
                ? null
                : "nothing is written through the Service");
  }

  /** Waits for a row through the Service that was acknowledged on a newer timeline. */
  void awaitAnotherPrimary(int timeline, Duration patience) {
    Kube.await(
        patience,
        () ->
            history.acknowledgements().stream()
                    .anyMatch(one -> one.writer().equals(WRITER) && one.timeline() > timeline)
                ? null
                : "no other instance takes writes through the Service");
  }

  /** The newest timeline that anybody had an acknowledgement on. */
  int timeline() {
    return history.acknowledgements().stream()
        .mapToInt(Acknowledgement::timeline)
        .max()
        .orElseThrow();
  }

  /** Ends the clients; those that wait for an answer longer than a second are cut off. */
  @Override
  public void close() {
    clients.forEach(Client::stop);
    long end = System.nanoTime() + Duration.ofSeconds(1).toNanos();
    try {
      for (Thread thread : threads) {
        thread.join(Duration.ofNanos(Math.max(1_000_000, end - System.nanoTime())));
      }
      for (Thread thread : threads) {
        // Closes the socket that a virtual thread waits for.
        thread.interrupt();
      }
      for (Thread thread : threads) {
        if (!thread.join(Duration.ofSeconds(10))) {
          throw new IllegalStateException("client '" + thread.getName() + "' does not end");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
