package dev.outrider.e2e.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.outrider.e2e.Kube;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Faults, each once, on one cluster: never two primaries, nothing acknowledged is lost, every
 * instance comes back without help. How long it took is printed and proves nothing here; {@code
 * make soak} measures it.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FaultsIT {
  private static final Stage STAGE = new Stage(Kube.connect(), "e2e-faults");
  private static final List<String> LINES = new ArrayList<>(Outcome.HEAD);

  private static final long SEED = System.nanoTime();
  private static final Random RANDOM = new Random(SEED);

  // With every other fault the operator is killed as well.
  private static boolean operatorKilled;

  @BeforeAll
  static void createCluster() {
    STAGE.create();
  }

  @AfterAll
  static void deleteCluster() {
    System.out.println(String.join("\n", LINES));
    STAGE.remove();
  }

  private static void does(Fault fault) {
    Outcome outcome = new Experiment(STAGE, fault, fault.lasts(), operatorKilled).run();
    System.out.println(outcome.line());
    outcome.remarks().forEach(System.out::println);
    LINES.add(outcome.line());
    operatorKilled = !operatorKilled;
    assertEquals(List.of(), outcome.failures());
  }

  /** Each but two that are like others; {@code make soak} does every one. */
  @Order(1)
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"PROXY_FROZEN", "POD_FROZEN"})
  void synchronously(Fault fault) {
    does(fault);
  }

  /** The short form of {@code make soak}'s faults at random. */
  @Order(2)
  @RepeatedTest(1)
  void atRandom() {
    System.out.println("seed of the faults: " + SEED);
    List<Fault> quick =
        List.of(Fault.SWITCHOVER, Fault.POD_DELETED, Fault.POD_KILLED, Fault.POSTGRES_KILLED);
    does(quick.get(RANDOM.nextInt(quick.size())));
  }

  @Order(3)
  @ParameterizedTest
  @EnumSource(names = {"SWITCHOVER", "POD_DELETED"})
  void asynchronously(Fault fault) {
    if (STAGE.isSync()) {
      STAGE.replication("async");
    }
    does(fault);
  }
}
