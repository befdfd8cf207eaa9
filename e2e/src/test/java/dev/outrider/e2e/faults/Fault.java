package dev.outrider.e2e.faults;

import dev.outrider.e2e.Kube;
import dev.outrider.e2e.bench.LocalProcess;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What is done to a cluster. */
enum Fault {
  /** A planned switchover to a standby that has every row. */
  SWITCHOVER("planned switchover", seconds(0)) {
    @Override
    Ongoing begin(Stage stage) {
      String to = stage.candidate();
      stage.switchover(to);
      return Ongoing.OVER;
    }

    @Override
    boolean handsOver() {
      return true;
    }
  },

  /** The primary's pod is deleted, as {@code kubectl delete pod} or a drain of its node does. */
  POD_DELETED("primary's pod deleted", seconds(0)) {
    @Override
    Ongoing begin(Stage stage) {
      stage.deletePod(stage.leader(), 60);
      return Ongoing.OVER;
    }

    @Override
    boolean handsOver() {
      return true;
    }
  },

  /** The primary's pod is deleted and gets no time to end. */
  POD_KILLED("primary's pod deleted without grace", seconds(0)) {
    @Override
    Ongoing begin(Stage stage) {
      stage.deletePod(stage.leader(), 0);
      return Ongoing.OVER;
    }
  },

  /** The primary's postmaster is killed by SIGKILL. */
  POSTGRES_KILLED("primary's PostgreSQL killed", seconds(2)) {
    @Override
    Ongoing begin(Stage stage) {
      killPostmaster(stage.primary());
      return Ongoing.OVER;
    }
  },

  /** The primary's Patroni is killed by SIGKILL; its PostgreSQL is not. */
  PATRONI_KILLED("primary's Patroni killed", seconds(5)) {
    @Override
    Ongoing begin(Stage stage) {
      Instance primary = stage.primary();
      List<LocalProcess> patroni =
          Processes.of(primary.container("postgres")).stream()
              .filter(Processes::isPatroni)
              .toList();
      if (patroni.isEmpty()) {
        throw new IllegalStateException("no Patroni found in " + primary.name());
      }
      Processes.signal("KILL", patroni);
      return Ongoing.OVER;
    }
  },

  /** All of the primary's container with PostgreSQL and Patroni is stopped by SIGSTOP. */
  CONTAINER_FROZEN("primary's container frozen for 60 s", seconds(60)) {
    @Override
    Ongoing begin(Stage stage) {
      return new Frozen(List.of(stage.primary().container("postgres")), any -> true);
    }
  },

  /** Only the primary's Patroni is stopped: nobody renews the lease, and PostgreSQL goes on. */
  PATRONI_FROZEN("primary's Patroni frozen for 60 s", seconds(60)) {
    @Override
    Ongoing begin(Stage stage) {
      return new Frozen(List.of(stage.primary().container("postgres")), Processes::isPatroni);
    }
  },

  /** The proxy of the primary is stopped. */
  PROXY_FROZEN("primary's proxy frozen for 30 s", seconds(30)) {
    @Override
    Ongoing begin(Stage stage) {
      return new Frozen(List.of(stage.primary().container("proxy")), any -> true);
    }
  },

  /** Everything in the primary's pod is stopped, proxy and all, as by a machine that stalls. */
  POD_FROZEN("primary's pod frozen for 40 s", seconds(40)) {
    @Override
    Ongoing begin(Stage stage) {
      return new Frozen(List.copyOf(stage.primary().containers().values()), any -> true);
    }
  },

  /** The power of the primary's node is cut; it is back when somebody else takes writes. */
  NODE_LOST("primary's node lost", seconds(3)) {
    @Override
    Ongoing begin(Stage stage) {
      Surroundings.node2("stop");
      return Ongoing.until(() -> Surroundings.node2("start"));
    }

    @Override
    String needsPrimary(Stage stage) {
      return ON_NODE2;
    }

    @Override
    boolean lastsUntilAnotherPrimary() {
      return true;
    }
  },

  /** The primary's node is cut off, a client with it; connected again when another takes writes. */
  NODE_PARTITIONED("primary's node cut off", seconds(10)) {
    @Override
    Ongoing begin(Stage stage) {
      Surroundings.node2("partition");
      return Ongoing.until(() -> Surroundings.node2("heal"));
    }

    @Override
    String needsPrimary(Stage stage) {
      return ON_NODE2;
    }

    @Override
    boolean lastsUntilAnotherPrimary() {
      return true;
    }

    @Override
    boolean hasClientOnNode2() {
      return true;
    }
  },

  /** No API server, and the primary's PostgreSQL is killed meanwhile. */
  API_SERVER_STOPPED("API server stopped, PostgreSQL killed meanwhile", seconds(40)) {
    @Override
    Ongoing begin(Stage stage) {
      Instance primary = stage.primary();
      stage.awaitOthers();
      Surroundings.apiServer("stop");
      return new Ongoing() {
        @Override
        public void halfTime() {
          killPostmaster(primary);
        }

        @Override
        public boolean isOver() {
          return false;
        }

        @Override
        public void undo() {
          Surroundings.apiServer("start");
        }
      };
    }

    @Override
    Duration inSoak() {
      return Duration.ofMinutes(10);
    }

    @Override
    boolean isForAll() {
      return true;
    }

    @Override
    Duration rest() {
      return Duration.ofMinutes(1);
    }
  },

  /** The operator is killed, and the primary's pod with it. */
  OPERATOR_KILLED("operator and primary's pod killed", seconds(0)) {
    @Override
    Ongoing begin(Stage stage) {
      String primary = stage.leader();
      stage.killOperator();
      stage.deletePod(primary, 0);
      return Ongoing.OVER;
    }
  },

  /** No DNS, and the primary's pod is killed meanwhile; DNS is back when writes are. */
  DNS_GONE("DNS gone, primary's pod killed meanwhile", seconds(3)) {
    @Override
    Ongoing begin(Stage stage) {
      String primary = stage.leader();
      Surroundings.nameServer("stop");
      stage.deletePod(primary, 0);
      return Ongoing.until(() -> Surroundings.nameServer("start"));
    }

    @Override
    boolean lastsUntilAnotherPrimary() {
      return true;
    }
  },

  /** The volume of a replica is full until the replica is seen to fail. */
  VOLUME_FULL("a replica's volume full", seconds(5)) {
    @Override
    Ongoing begin(Stage stage) {
      return fillVolume(stage);
    }

    @Override
    @Nullable String needsPrimary(Stage stage) {
      return stage.leader().equals(stage.boundedInstance()) ? ON_NODE2 : null;
    }
  };

  private static final String ON_NODE2 = Stage.CLUSTER + "-0";

  private final String title;
  private final Duration lasts;

  Fault(String title, Duration lasts) {
    this.title = title;
    this.lasts = lasts;
  }

  /** A fault that has begun. */
  interface Ongoing {
    /** There is nothing to undo. */
    Ongoing OVER =
        new Ongoing() {
          @Override
          public boolean isOver() {
            return false;
          }

          @Override
          public void undo() {}
        };

    /** Goes on until it is undone. */
    static Ongoing until(Runnable undo) {
      return new Ongoing() {
        @Override
        public boolean isOver() {
          return false;
        }

        @Override
        public void undo() {
          undo.run();
        }
      };
    }

    /** When half of its time has passed. */
    default void halfTime() {}

    /** Ended by itself before its time. */
    boolean isOver();

    /** Sets right what was done; may be called twice. */
    void undo();
  }

  /** Processes that were stopped; a container that is ended meanwhile ends the fault. */
  private record Frozen(List<String> containers) implements Ongoing {
    Frozen(List<String> containers, Predicate<LocalProcess> which) {
      this(containers);
      containers.forEach(container -> Processes.freeze(container, which));
    }

    @Override
    public boolean isOver() {
      return containers.stream().allMatch(container -> Processes.of(container).isEmpty());
    }

    @Override
    public void undo() {
      containers.forEach(Processes::thaw);
    }
  }

  /** Begins; the fault is there when it returns. */
  abstract Ongoing begin(Stage stage);

  /** In plain words. */
  String title() {
    return title;
  }

  /** How long it goes on after it has begun, or after there is another primary. */
  Duration lasts() {
    return lasts;
  }

  /** The same in the long runs. */
  Duration inSoak() {
    return lasts;
  }

  /**
   * How long Kubernetes is left alone when everything is back: after a time without API server its
   * controllers see nodes and Endpoints late.
   */
  Duration rest() {
    return Duration.ZERO;
  }

  /** It meets all clusters there are, and can be done to several of them at once. */
  boolean isForAll() {
    return false;
  }

  /** The instance that has to be primary before, or null for any. */
  @Nullable String needsPrimary(Stage stage) {
    return null;
  }

  /** Its time begins when another instance takes writes. */
  boolean lastsUntilAnotherPrimary() {
    return false;
  }

  /** The primary can hand over: nothing may be lost, also with asynchronous replication. */
  boolean handsOver() {
    return false;
  }

  /** How long writes may be away, seconds, in the worst of ten; null if nothing was set. */
  @Nullable Double goal() {
    return switch (this) {
      case SWITCHOVER, POD_KILLED -> 2.0;
      case POD_DELETED -> 2.5;
      case POSTGRES_KILLED -> 1.2;
      case NODE_LOST -> 25.0;
      case PATRONI_KILLED,
          CONTAINER_FROZEN,
          PATRONI_FROZEN,
          PROXY_FROZEN,
          POD_FROZEN,
          NODE_PARTITIONED,
          API_SERVER_STOPPED,
          OPERATOR_KILLED,
          DNS_GONE,
          VOLUME_FULL ->
          null;
    };
  }

  /** A client on the second node is worth while. */
  boolean hasClientOnNode2() {
    return false;
  }

  private static Duration seconds(int seconds) {
    return Duration.ofSeconds(seconds);
  }

  private static void killPostmaster(Instance instance) {
    List<LocalProcess> all = Processes.of(instance.container("postgres"));
    List<LocalProcess> postmaster = all.stream().filter(Processes.postmaster(all)).toList();
    if (postmaster.isEmpty()) {
      throw new IllegalStateException("no postmaster found in " + instance.name());
    }
    Processes.signal("KILL", postmaster);
  }

  private static Ongoing fillVolume(Stage stage) {
    Path filler = stage.boundedFolder().resolve("filler");
    Ongoing ongoing =
        Ongoing.until(
            () -> {
              try {
                Files.deleteIfExists(filler);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    try (OutputStream out = Files.newOutputStream(filler)) {
      byte[] block = new byte[64 * 1024];
      while (true) {
        out.write(block);
      }
    } catch (IOException e) {
      if (!String.valueOf(e.getMessage()).contains("No space left")) {
        ongoing.undo();
        throw new UncheckedIOException(e);
      }
    }
    // WAL goes into files that are there until they are used up.
    List<String> seen = new ArrayList<>();
    try {
      Kube.await(
          Duration.ofMinutes(2),
          () -> {
            stage.kube.superuser(stage.namespace, stage.leader(), "select pg_switch_wal()");
            String missing = stage.missing();
            if (missing != null && missing.contains(stage.boundedInstance())) {
              seen.add(missing);
            }
            return seen.size() > 2
                ? null
                : stage.boundedInstance() + " does not mind that its volume is full: " + missing;
          });
    } catch (AssertionError e) {
      ongoing.undo();
      throw e;
    }
    return ongoing;
  }
}
