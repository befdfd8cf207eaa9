package dev.outrider.e2e.faults;

import dev.outrider.e2e.Kube;
import dev.outrider.e2e.bench.Conditions;
import dev.outrider.e2e.bench.Figures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Phaser;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The long runs of faults: each of them several times, and faults at random for a time. Writes the
 * tables of docs/benchmarks.md anew after each fault, so that a run that is broken off leaves what
 * it found.
 *
 * <p>Arguments: the file to write, the number of rounds, the faults (names divided by commas; all
 * or none), the minutes with faults at random, and the seed for them.
 */
public final class Soak {
  /**
   * How many clusters a fault is done to at once that meets all there are: what their pods ask for
   * has to fit on a node with two processors.
   */
  private static final int AT_ONCE = 3;

  private final Path file;
  private final Stage stage = new Stage(Kube.connect(), "soak-faults");
  private final Map<Fault, List<Outcome>> each = new EnumMap<>(Fault.class);
  private final List<Outcome> atRandom = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private String seed = "";
  private String images = "";

  private Soak(Path file) {
    this.file = file;
  }

  /** Ends with an error if a fault was not borne. */
  public static void main(String[] arguments) throws IOException {
    Soak soak = new Soak(Path.of(arguments[0]));
    int rounds = Integer.parseInt(arguments[1]);
    List<Fault> faults = faults(arguments[2]);
    Duration random = Duration.ofMinutes(Long.parseLong(arguments[3]));
    long seed = Long.parseLong(arguments[4]);
    List<Fault> ofOne = faults.stream().filter(fault -> !fault.isForAll()).toList();
    if (!ofOne.isEmpty() || !random.isZero()) {
      try {
        soak.create(soak.stage);
        soak.eachInTurn(ofOne, rounds);
        soak.atRandom(random, seed);
      } finally {
        soak.stage.remove();
      }
    }
    for (Fault fault : faults.stream().filter(Fault::isForAll).toList()) {
      soak.onSeveral(fault, rounds);
    }
    System.out.println("\n" + Files.readString(soak.file));
    System.exit(soak.failures.isEmpty() ? 0 : 1);
  }

  private static List<Fault> faults(String names) {
    return switch (names) {
      case "all" -> List.of(Fault.values());
      case "none" -> List.of();
      default -> Arrays.stream(names.split(",", -1)).map(Soak::fault).toList();
    };
  }

  private static Fault fault(String name) {
    String wanted = name.strip().toUpperCase(Locale.ROOT).replace('-', '_');
    return Arrays.stream(Fault.values())
        .filter(fault -> fault.name().equals(wanted))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no such fault: '"
                        + name
                        + "'; there are all, none, "
                        + Arrays.toString(Fault.values())));
  }

  private void create(Stage made) {
    made.create();
    images = images(made);
  }

  /** Round by round, the operator killed with each fault in every other round. */
  private void eachInTurn(List<Fault> faults, int rounds) throws IOException {
    for (int round = 1; round <= rounds; round++) {
      for (Fault fault : faults) {
        Outcome outcome = new Experiment(stage, fault, fault.inSoak(), round % 2 == 0).run();
        each.computeIfAbsent(fault, any -> new ArrayList<>()).add(outcome);
        told("round " + round + " of " + rounds, outcome);
      }
    }
  }

  /**
   * A fault that lasts long and meets all clusters is done to several at the same time: each has
   * clients of its own and is judged by itself, and counts as a round. The operator is killed with
   * every other time.
   */
  private void onSeveral(Fault fault, int rounds) throws IOException {
    for (int done = 0; done < rounds; done += AT_ONCE) {
      int clusters = Math.min(AT_ONCE, rounds - done);
      onSeveral(
          fault,
          clusters,
          done / AT_ONCE % 2 == 1,
          "rounds %d to %d of %d".formatted(done + 1, done + clusters, rounds));
    }
  }

  private void onSeveral(Fault fault, int clusters, boolean operatorKilled, String which)
      throws IOException {
    Phaser phaser = new Phaser(clusters);
    List<Stage> stages =
        IntStream.range(0, clusters)
            .mapToObj(i -> new Stage(stage.kube, stage.namespace + "-" + i, phaser))
            .toList();
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      stages.forEach(this::create);
      List<Future<Outcome>> running =
          stages.stream()
              .map(
                  one ->
                      executor.submit(
                          () -> new Experiment(one, fault, fault.inSoak(), operatorKilled).run()))
              .toList();
      for (Future<Outcome> one : running) {
        Outcome outcome = one.get();
        each.computeIfAbsent(fault, any -> new ArrayList<>()).add(outcome);
        told(which, outcome);
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      stages.forEach(Stage::remove);
    }
  }

  /** One after the other, whichever comes; in one of four the operator is killed too. */
  private void atRandom(Duration duration, long seedOfAll) throws IOException {
    if (duration.isZero()) {
      return;
    }
    seed = Long.toString(seedOfAll);
    System.out.println("seed of the faults at random: " + seed);
    List<Fault> all = List.of(Fault.values());
    Random random = new Random(seedOfAll);
    long start = System.nanoTime();
    while (System.nanoTime() - start < duration.toNanos()) {
      Fault fault = all.get(random.nextInt(all.size()));
      boolean operator = random.nextInt(4) == 0;
      Outcome outcome = new Experiment(stage, fault, fault.lasts(), operator).run();
      atRandom.add(outcome);
      told("at random, " + atRandom.size(), outcome);
    }
  }

  private void told(String which, Outcome outcome) throws IOException {
    System.out.println(which + ": " + outcome.line());
    outcome.remarks().forEach(words -> System.out.println("  remark: " + words));
    outcome.failures().forEach(words -> System.out.println("  FAILED: " + words));
    outcome
        .failures()
        .forEach(words -> failures.add(which + ", " + outcome.fault().title() + ": " + words));
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, text());
  }

  private String text() {
    List<String> lines = new ArrayList<>(Conditions.lines());
    lines.add("- images: " + images);
    lines.add("");
    lines.add(
        "| fault | rounds | goal, s | writes away, s: median | p95 | worst | reads away, s: worst |"
            + " rows acknowledged | lost | failed | |");
    lines.add("|---|---|---|---|---|---|---|---|---|---|---|");
    each.forEach((fault, outcomes) -> lines.add(line(fault, outcomes)));
    if (!atRandom.isEmpty()) {
      lines.add("");
      lines.add(
          "%d faults at random (seed %s): %d rows acknowledged, %d lost, %d faults not borne."
              .formatted(
                  atRandom.size(),
                  seed,
                  atRandom.stream().mapToLong(Outcome::rows).sum(),
                  atRandom.stream().mapToLong(Outcome::lost).sum(),
                  atRandom.stream().filter(one -> !one.failures().isEmpty()).count()));
    }
    if (!failures.isEmpty()) {
      lines.add("");
      failures.forEach(words -> lines.add("- " + words));
    }
    return String.join("\n", lines) + "\n";
  }

  private static String images(Stage made) {
    return String.join(
        ", ",
        made.kube.pods(made.namespace, Stage.CLUSTER).stream()
            .flatMap(
                pod ->
                    Stream.concat(
                        pod.getSpec().getInitContainers().stream(),
                        pod.getSpec().getContainers().stream()))
            .map(container -> "`" + container.getImage() + "`")
            .distinct()
            .toList());
  }

  private static String line(Fault fault, List<Outcome> outcomes) {
    Figures writes = new Figures(outcomes.stream().map(one -> one.writes().seconds()).toList());
    Figures reads = new Figures(outcomes.stream().map(one -> one.reads().seconds()).toList());
    Double goal = fault.goal();
    return String.format(
        Locale.ROOT,
        "| %s | %d | %s | %.2f | %.2f | %.2f | %.2f | %d | %d | %d | %s |",
        fault.title(),
        outcomes.size(),
        goal == null ? "" : "≤ " + goal,
        writes.median(),
        writes.p95(),
        writes.worst(),
        reads.worst(),
        outcomes.stream().mapToLong(Outcome::rows).sum(),
        outcomes.stream().mapToLong(Outcome::lost).sum(),
        outcomes.stream().filter(one -> !one.failures().isEmpty()).count(),
        goal == null ? "" : writes.worst() <= goal ? "reached" : "**missed**");
  }
}
